"""``ngcm amip``: dry runs, what is refused at once, resuming, the output."""

import pytest
import xarray as xr

from ngcm_cli.config import AmipConfig
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.simulation import run
from ngcm_cli.zoo import bundled_folder

SAMPLE = bundled_folder() / "era5_tl31_1959-01-02T00.nc"


@pytest.fixture
def amip(ngcm):
    return lambda *args: ngcm("amip", *args)


def refused(done) -> tuple[str, str]:
    """Return the sentence and the hint of a command that was refused."""
    code, out, err = done
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    error, hint = err.splitlines()
    assert error.startswith("Error: ") and hint.endswith((".", "?"))
    return error, hint


def test_a_dry_run_prints_a_summary_and_makes_nothing(tiny, amip, tmp_path):
    code, out, err = amip(
        *("--start", "1983-12-16", "--months", 3, "--dry-run", "--output", "run"),
        *("--members", 2, "--starts", 2, "--means", "daily,monthly", "--every", "12h"),
        *("--sst-offset", "-1.5K", "--sst-patch", "-10,-160,60,2K"),
    )
    assert (code, err) == (0, "")
    first = {
        line[:10].strip(): line[11:] for line in out.splitlines() if line[0] != " "
    }
    assert first["Model"].startswith("tiny, weights")
    assert first["Run"] == "1983-12-16T00 to 1984-03-16T00, 91d"
    assert first["Output"] == "run"
    for line in (
        "and from 1 more initial times, to 1983-12-26T00",
        "daily and monthly means of samples every 6h",
        "instantaneous fields every 12h",
        "P_minus_E_rate",
        "mean surface pressure fixed",
        "a restart file every 30d",
    ):
        assert line in out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_of_a_run_file(tiny, amip, tmp_path):
    """As a run leaves one, and with a flag that overrides it."""
    config = AmipConfig(days=5, seed=7, sst_climatology=True)
    text = format_run_file(config.as_flags(defaults=True), "a run")
    (tmp_path / "run.yaml").write_text(text + "dry-run: yes\n")
    code, out, err = amip("--config", "run.yaml", "--days", "6")
    assert (code, err) == (0, "")
    assert "1982-01-01T00 to 1982-01-07T00, 6d" in out and "seed 7" in out
    assert "Output     tiny_amip_1982-01-01T00" in out
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


@pytest.mark.parametrize(
    "args, sentence, hint",
    [
        (["--years", "0"], "years: '0' is not a positive whole", "such as 40"),
        ([], "The length of the run is not given.", "Give --years 40"),
        (["--years", "1", "--start", "soon"], "start: 'soon' is not a time.", "Give"),
        (["--days", "1", "--output", "mine"], "output mine exists.", "--resume mine"),
        (["--days", "1", "--output", "full"], "output full exists.", "--output"),
        (["--days", "1", "--output", "note"], "output note exists.", "--output"),
        (["--days", "1", "--output", "no/run"], "no, does not exist.", "Create it"),
        (["--resume", "empty"], "empty has no run.json: no run is there.", "Name the"),
        (["--resume", "full"], "full has no run.json: no run is there.", "Name the"),
        (["--resume", "old"], "old was written by an older version", "that version"),
        (["--resume", "mine"], "run.json is damaged", "start a new run."),
        (["--resume", "nowhere"], "There is no run in nowhere.", "Name the --output"),
        (["--resume", "note"], "There is no run in note.", "Name the --output"),
        (["--resume", "mine", "--config", "x"], "--config cannot be given", "leave"),
        (["--config", "no.yaml"], "The run file no.yaml cannot be read", "Check its"),
        (["--config", "typo.yaml"], "Unknown key 'leed' in typo.yaml.", "Did you"),
        (["--data", "no.nc", "--days", "1"], "no file or directory 'no.nc'", ""),
        (["--sst-data", "no.nc", "--days", "1"], "There is no file or directory", ""),
        (["--days", "1", "--levels", "501"], "no level 501 hPa.", "nearest is 500"),
        (["--days", "1", "--variables", "tp"], "tiny does not predict prec", "_evap_"),
        (
            ["--days", "1", "--variables", "sp", "--levels", "500"],
            "surface_pressure has none.",
            "",
        ),
        (["--days", "1", "--sample", "90m"], "sample 1h30m is not a multiple of", "1h"),
        (
            ["--start", "2020-01-01", "--years", "5"],
            "from 2020-01-01T00 to 2025-01-01T00, but sea_surface_temperature in '",
            "--sst-climatology.",
        ),
        (
            ["--days", "1", "--data", str(SAMPLE)],
            "There is no 1982-01-01T00; the data hold one time, 1959-01-02T00.",
            "The nearest initial time is 1959-01-02T00.",
        ),
        (
            ["--sst-climatology", "--years", "900", "--every", "1h", "--sample", "1h"],
            "The output takes at least ",
            "Free some space",
        ),
    ],
)
def test_bad_input_is_exit_2(tiny, amip, monkeypatch, tmp_path, args, sentence, hint):
    import shutil
    import types

    for name in ("mine", "full", "empty", "old"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine" / "run.json").write_text("{")
    (tmp_path / "full" / "thesis.txt").touch()
    (tmp_path / "old" / "run.yaml").write_text("days: 1\n")
    (tmp_path / "note").touch()
    (tmp_path / "typo.yaml").write_text("leed: 1982-01-01\n")
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: types.SimpleNamespace(free=10**9)
    )
    before = sorted(tmp_path.rglob("*"))
    error, found = refused(amip(*args))
    assert sentence in error and hint in found
    # Flags that only a forecast has.
    assert not {"--lead", "--overwrite", "--sst"} & set(found.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_directory_that_cannot_be_made(tiny, amip, monkeypatch, tmp_path):
    def mkdir(path, *args, **others):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", mkdir)
    error, hint = refused(amip("--days", "1", "--output", "run"))
    assert error == "Error: The output run cannot be made: Permission denied."
    assert hint == "Choose another --output."
    assert list(tmp_path.iterdir()) == []


def test_the_command_in_the_output_can_be_given_again(tiny, amip):
    """With numbers that begin with a minus."""
    settings = {"sst_offset": -1.5, "sst_patch": "-10,-160,60,2", "days": 3}
    config = AmipConfig(fix_mean_pressure=False, **settings)
    args = config.command_line().split()[2:]
    code, out, err = amip(*args, "--dry-run")
    assert (code, err) == (0, "")
    assert "mean surface pressure free to drift" in out


def test_a_run_and_how_it_is_resumed(tiny, amip, tmp_path):
    code, out, err = amip("--days", "3", "--output", "run", "--start", "1984-01-30")
    assert (code, out) == (0, "run\n")
    lines = err.splitlines()
    assert [line.split("  ")[:2] for line in lines if " of 3  " in line] == [
        ["1984-01-31T00", "day 1 of 3"],
        ["1984-02-01T00", "day 2 of 3"],
        ["1984-02-02T00", "day 3 of 3"],
    ]
    assert "mean pressure 985.00 hPa" in err and lines[-1].startswith("Wrote ")
    with xr.open_zarr("run/monthly.zarr") as ds:
        assert ds.sizes["time"] == 2 and ds.attrs["status"] == "complete"
    before = sorted(tmp_path.rglob("*"))
    code, out, err = amip("--resume", "run", "--dry-run")
    assert (code, err) == (0, "") and "1984-01-30T00 to 1984-02-02T00, 3d" in out
    assert sorted(tmp_path.rglob("*")) == before
    error, hint = refused(amip("--resume", "run", "--years", "3"))
    assert error == "Error: --years cannot be given with --resume."
    assert "--on-instability, --restart-every" in hint
    error, hint = refused(amip("--days", "3", "--output", "run"))
    assert hint.endswith("Or resume its run with `ngcm amip --resume run`.")
    assert amip("--resume", "run")[:2] == (0, "run\n")


def test_ctrl_c_is_exit_130(amip, monkeypatch):
    def interrupt(config, **others):
        stop = KeyboardInterrupt()
        stop.add_note("run holds 3 of 5 days.")
        raise stop

    monkeypatch.setattr(run, "amip", interrupt)
    done = amip("--days", "5")
    assert done == (130, "", "Interrupted. run holds 3 of 5 days.\n")
