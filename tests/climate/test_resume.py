"""What a run goes on from, and what is refused."""

import json
import logging
import shutil

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from gcm.compilations import compilations
from long_runs import assert_same, command, contents
from ngcm_cli.climate import course
from ngcm_cli.climate.status import read_config
from ngcm_cli.output.restart import RESTARTS, read_restart, restarts, write_restart

from ngcm_cli.errors import ConfigError, OutputError
from ngcm_cli.simulation import run

pytestmark = pytest.mark.slow  # the first one makes the run that is killed


@pytest.fixture
def killed(new_year, tmp_path):
    """The folder of a run that was killed after three days of four."""
    return shutil.copytree(new_year.killed, tmp_path / "run")


def edited(path, old, new):
    """Change a text, which must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def edit_about(folder, old, new):
    """Change what the restarts say they belong to."""
    for path in restarts(folder / RESTARTS):
        arrays, about = read_restart(path)
        text = json.dumps(about)
        assert old in text
        with netCDF4.Dataset(path) as file:
            named = {n: (file[n].dimensions, x) for n, x in arrays.items()}
        write_restart(path, named, json.loads(text.replace(old, new)))


def test_a_damaged_restart_is_passed_over(killed, new_year, caplog):
    last = restarts(killed / RESTARTS)[-1]
    assert last.name.startswith("2020-01-01")
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    with caplog.at_level(logging.INFO):
        run.amip(resume=killed)
    (warning,) = [x.message for x in caplog.records if x.levelname == "WARNING"]
    assert str(last) in warning and "damaged" in warning
    assert_same(killed, new_year.folder)


def test_all_restarts_damaged(killed):
    for path in restarts(killed / RESTARTS):
        path.write_bytes(b"")
    with pytest.raises(OutputError, match="damaged"):
        run.amip(resume=killed)


def test_another_jax_is_announced(killed, new_year, caplog):
    import jax

    edit_about(killed, f'"jax": "{jax.__version__}"', '"jax": "0.0.1"')
    run.amip(resume=killed)
    (warning,) = [x.message for x in caplog.records if x.levelname == "WARNING"]
    words = f"written with jax 0.0.1, this is {jax.__version__}"
    assert words in warning
    assert_same(killed, new_year.folder)
    for store in killed.glob("*.zarr"):
        history = xr.open_zarr(store).attrs["history"].splitlines()
        assert len(history) == 2 and f"{words}, from 2020-01-01T00 on" in history[1]


@pytest.mark.parametrize(
    "part, words",
    [
        ("weights", "belongs to other weights"),
        ("spec", "belongs to another architecture"),
        ("sea", "belongs to another sea"),
    ],
)
def test_what_is_not_what_it_was_is_refused(killed, part, words):
    before = contents(killed)
    edit_about(killed, f'"{part}_sha256": "', f'"{part}_sha256": "0')
    with pytest.raises(OutputError, match=words):
        run.amip(resume=killed)
    assert contents(killed) == before


def test_a_store_that_is_gone_is_not_made_anew(killed):
    shutil.rmtree(killed / "daily.zarr")
    with pytest.raises(OutputError, match="The store .*daily.zarr is gone"):
        run.amip(resume=killed)
    assert not (killed / "daily.zarr").exists()


def test_what_happened_after_the_restart_has_not_happened(killed, new_year):
    """The run had become unstable, in another way on another device perhaps."""
    for store in killed.glob("*.zarr"):
        zarr.open_group(store).update_attributes({"lost": "{}", "status": "unstable"})
    run.amip(resume=killed, on_instability="rewind", restart_every="1d")
    assert_same(killed, new_year.folder)
    kept = read_config(killed)
    assert kept.on_instability == "rewind" and kept.restart_every == np.timedelta64(
        1, "D"
    )


def test_no_other_setting_may_change(killed):
    with pytest.raises(ConfigError, match="--days does not go with --resume"):
        run.amip(resume=killed, days=7)


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("days: '4'", "days: '5'", "days was 4, and is 5"),
        ("seed: '0'", "seed: '1'", "seed was 0, and is 1"),
        ("means: monthly,daily", "means: daily", "means was monthly,daily"),
        ("every: 6h\n", "", "every was 6h, and is not given"),
        ("starts: '1'", "starts: '2'", "starts was 1, and is 2"),
    ],
)
def test_another_run_file_is_refused(killed, old, new, words):
    before = contents(killed)
    edited(killed / "run.yaml", old, new)
    with pytest.raises(OutputError, match=words):
        run.amip(resume=killed)
    assert contents(killed) == before


def test_a_finished_run_is_complete(new_year, monkeypatch, capsys, tmp_path):
    folder = shutil.copytree(new_year.folder, tmp_path / "run")

    def one_day(*_):
        raise AssertionError("a day was computed")

    monkeypatch.setattr(course, "one_day", one_day)
    with compilations() as seen:
        code, said = command(monkeypatch, capsys, "amip", "--resume", folder)
    assert code == 0
    assert f"The run in {folder} is complete." in said
    assert not seen
    assert_same(folder, new_year.folder)
