"""Runs that write version 2 of Zarr: killed, resumed and extended like all others."""

import pytest
from runs import (
    AMIP,
    ENSEMBLE,
    FORECAST,
    after,
    assert_same_values,
    snapshot,
)

from ngcm_cli.cli import main
from ngcm_cli.errors import ConfigError
from ngcm_cli.output.cmor.source import find_means
from ngcm_cli.simulation.status import read_status


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_killed_and_resumed(whole, tmp_path, case):
    expected, killed = whole(case), tmp_path / "killed"
    folder = tmp_path / "run"
    folder.mkdir()
    kill = after(0, 2, lambda: snapshot(folder, killed))
    case.start(folder, kill, zarr_format=2)
    assert read_status(killed / case.output).state.startswith("stopped before its end")
    case.resume(killed)
    for output in (folder / case.output, killed / case.output):
        assert read_status(output).state == "complete"
        metadata = sorted(output.rglob(".zmetadata"))
        assert metadata and not list(output.rglob("zarr.json"))
        for store in (path.parent for path in metadata):
            assert_same_values(store, expected / store.relative_to(output))
    if case is AMIP:
        assert [means.path.name for means in find_means(output)] == [
            *("monthly.zarr", "daily.zarr"),
        ]


def test_members_are_added(whole, tmp_path):
    path = ENSEMBLE.start(tmp_path, members=3, zarr_format=2)
    ENSEMBLE.start(tmp_path, members="3:5", batch=None, zarr_format=2)
    assert_same_values(path, whole(ENSEMBLE))


def test_a_netcdf_file_has_no_version_of_zarr(tmp_path):
    with pytest.raises(ConfigError, match="zarr_format 2 is of Zarr stores"):
        FORECAST.start(tmp_path, output=tmp_path / "out.nc", zarr_format=2)


def test_the_flag(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["forecast", "--lead", "6h", "--output", "out.zarr", "--zarr-format", "2"]
    monkeypatch.setattr("sys.argv", ["ngcm", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    assert not caught.value.code
    assert (tmp_path / "out.zarr/.zmetadata").is_file()
