"""``ngcm status`` on runs of every kind: running, interrupted, complete, unstable."""

import subprocess
import sys

import pytest
from cpu_time import of_children
from tiny_run import use_tiny_model

from ngcm_cli.simulation import run

RUNS = {
    "forecast": {"lead": "12h", "output": "out.zarr"},
    "ensemble": {
        "lead": "12h",
        "members": 4,
        "batch": 2,
        "statistics": "mean",
        "output": "out.zarr",
    },
    "amip": {"days": 3, "output": "out", "restart_every": "1d"},
}


def interrupt_after(windows):
    """Return a callback that presses Ctrl-C."""

    def track(progress, simulation):
        for number, step in enumerate(progress, start=1):
            if number == windows:
                raise KeyboardInterrupt
            yield step

    return track


def status(ngcm, output) -> dict[str, str]:
    """Return what is printed before the table, by its heading."""
    code, out, err = ngcm("status", output)
    assert (code, err) == (0, "")
    return {line[:9].strip(): line[10:] for line in out.split("\n\n")[0].splitlines()}


@pytest.mark.parametrize("verb", RUNS)
def test_running_interrupted_and_complete(tiny, ngcm, verb):
    settings = RUNS[verb]
    output, seen = settings["output"], []

    def track(progress, simulation):
        for number, step in enumerate(progress, start=1):
            if number == 2:
                seen.append(status(ngcm, output))
                raise KeyboardInterrupt
            yield step

    with pytest.raises(KeyboardInterrupt):
        getattr(run, verb)(**settings, track=track)
    assert seen[0]["State"] == "running"
    assert seen[0]["Run"] == f"tl63_stochastic_mini, ngcm {verb}, in {output}"
    found = status(ngcm, output)
    resume = f"resume with `ngcm {verb} --resume {output}`"
    assert found["State"] == f"interrupted; {resume}"
    time, part = (
        ("1982-01-03T00", "66.7%") if verb == "amip" else ("1959-01-02T12", "66.7%")
    )
    assert f"{time}, {part}" in found["Progress"]
    assert found["Restart"].startswith(time[:10])
    if verb == "ensemble":
        assert found["Members"] == "0 to 3"
        assert found["Progress"].startswith("0 of 2 parts complete; ")
        assert found["Progress"].endswith("of members 0 to 1 from 1959-01-02T00")
    assert ngcm(verb, "--resume", output)[:2] == (0, f"{output}\n")
    found = status(ngcm, output)
    assert found["State"] == "complete"
    assert found.get("Progress", "complete").endswith("complete")


def test_global_means_of_a_long_run(tiny, ngcm):
    run.amip(start="1984-01-30", days=3, output="out")
    code, out, err = ngcm("status", "out")
    table = out.split("\n\n")[1].splitlines()
    assert table[0].split()[:2] == ["days", "T"] and "hPa" in table[1]
    assert [line.split()[:2] for line in table[2:]] == [
        ["1984-01", "2"],
        ["1984-02", "1"],
    ]


def test_unstable(ngcm, monkeypatch):
    use_tiny_model(monkeypatch, unstable_above=330.0)
    code, _, _ = ngcm("amip", "--days", 3, "--output", "out")
    found = status(ngcm, "out")
    assert code == 3
    again = "resume with `ngcm amip --resume out --on-instability rewind`"
    assert found["State"] == f"unstable; {again}"
    assert found["Unstable"].startswith("member 0 from 1982-01-01T00: at 1982-01-0")


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("nowhere", "There is no run in nowhere."),
        ("empty", "empty has no run.json: no run is there."),
        ("old", "old was written by an older version of ngcm."),
        ("no.zarr", "no.zarr does not exist."),
        ("note.nc", "note.nc cannot be opened"),
    ],
)
def test_what_is_no_run_is_exit_2(ngcm, tmp_path, name, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "run.yaml").touch()
    (tmp_path / "note.nc").write_text("text")
    code, out, err = ngcm("status", name)
    assert (code, out) == (2, "")
    error, hint = err.splitlines()
    assert error.startswith("Error: ") and sentence in error and hint


def test_the_command_is_quick_and_does_not_import_jax(tiny, ngcm, tmp_path):
    run.forecast(lead="0h", output="out.zarr")
    code = (
        "import sys, ngcm_cli.cli as cli; sys.argv = ['ngcm', 'status', 'out.zarr']\n"
        "try: cli.main()\n"
        "finally: assert not {'jax', 'equinox', 'xarray'} & set(sys.modules)"
    )
    started = of_children()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert of_children() - started < 5  # 0.8 s on a quiet machine
    assert (done.returncode, done.stderr) == (0, "")
    assert "State     complete" in done.stdout
