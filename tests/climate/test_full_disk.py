"""A real run whose disk gets full: it stops, and goes on when there is space again."""

import sys

import pytest
from climate.reduced import write_reduced_model
from ngcm_cli.climate.status import read_status
from ngcm_cli.output.restart import RESTARTS, read_restart, restarts
from output.small_climate import contents
from small_disk import fill, small_disk

from ngcm_cli.cli import main
from ngcm_cli.errors import OutputError
from ngcm_cli.simulation import run

pytestmark = pytest.mark.slow
DAYS = 4


def records(folder) -> dict[str, bytes]:
    """All that was written, but for the metadata, which have a history."""
    return {
        name: content
        for store in sorted(folder.glob("*.zarr"))
        for name, content in contents(store).items()
        if not name.endswith("zarr.json")
    }


def test_a_run_stops_and_goes_on(tmp_path, monkeypatch, capsys):
    settings = {
        "model": str(write_reduced_model(tmp_path)),
        "days": DAYS,
        "means": "daily,monthly",
        "variables": "temperature,surface_pressure,P_minus_E_rate",
        "levels": "500,850",
        "restart_every": "1d",
    }
    run.amip(output=tmp_path / "whole", **settings)
    with small_disk(tmp_path / "disk", size="16m") as disk:
        folder = disk / "run"

        def track(days, plan):
            for report in days:
                if report.day == 2:
                    fill(disk)
                yield report

        with pytest.raises(OutputError) as caught:
            run.amip(output=folder, track=track, **settings)
        assert caught.value.message == f"Writing to {folder} stopped: the disk is full."
        go = f"go on with `ngcm amip --resume {folder}`"
        assert caught.value.hint == f"Free some space, then {go}."
        status = read_status(folder)
        assert status.state == f"stopped before its end; {go}"
        assert status.restart == "1982-01-03T00"
        for path in restarts(folder / RESTARTS):
            read_restart(path)
        # Nothing is lost by trying too early.
        monkeypatch.setattr(sys, "argv", ["ngcm", "amip", "--resume", str(folder)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        assert (caught.value.code, captured.out) == (2, "")
        assert captured.err.splitlines()[-2].endswith("stopped: the disk is full.")
        assert read_status(folder).restart == "1982-01-03T00"
        (disk / "ballast").unlink()
        assert run.amip(resume=folder) == folder
        assert read_status(folder).state == "complete"
        assert records(folder) == records(tmp_path / "whole")
        assert not list(folder.rglob("*.partial"))
