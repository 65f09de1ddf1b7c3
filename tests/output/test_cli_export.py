"""``ngcm export``: through the program itself."""

import subprocess
import sys

import pytest
import xarray as xr
from climate_run import month_bounds, write_means

from ngcm_cli.cli import main


@pytest.fixture
def ngcm(monkeypatch, capsys, tmp_path):
    """Run the command in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def ngcm(*words):
        monkeypatch.setattr(sys, "argv", ["ngcm", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return ngcm


def test_export_through_the_program(tmp_path):
    bounds = month_bounds("1982-01", 3)
    write_means(tmp_path / "run" / "monthly.zarr", bounds, completed=2)
    words = ("export", "run", "--cmor", "--source-id", "NGCM", "--institution", "Ours")
    done = subprocess.run(
        [sys.executable, "-m", "ngcm_cli", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "run/cmor\n"
    assert "holds 2 of 3 records: the run is running or was stopped." in done.stderr
    assert "Wrote 12 files, " in done.stderr
    name = "ta_Amon_NGCM_aimip_r1i1p1f1_gn_198201-198202.nc"
    with xr.open_dataset(tmp_path / "run" / "cmor" / name) as ds:
        assert ds.sizes == {"time": 2, "plev": 7, "lat": 4, "lon": 8, "bnds": 2}
        assert ds.attrs["institution"] == "Ours"


def test_folder_experiment_and_overwriting(tmp_path, ngcm):
    write_means(tmp_path / "run" / "monthly.zarr", month_bounds("1982-01", 1))
    words = ("export", "run", "--cmor", "--output", "a/b", "--experiment", "control")
    code, out, _ = ngcm(*words)
    assert (code, out) == (0, "a/b\n")
    names = [path.name for path in (tmp_path / "a" / "b").iterdir()]
    assert {name.split("_")[3] for name in names} == {"control"}
    code, out, err = ngcm(*words)
    assert (code, out) == (2, "")
    assert "more files would be replaced" in err and "--overwrite" in err
    assert ngcm(*words, "--overwrite")[:2] == (0, "a/b\n")


def test_without_a_form_it_says_what_there_is(ngcm):
    code, out, err = ngcm("export", "run")
    assert (code, out) == (2, "")
    assert "The format of the export is not given." in err and "Give --cmor" in err


def test_a_run_that_is_not_there(ngcm):
    code, out, err = ngcm("export", "nowhere", "--cmor")
    assert (code, out) == (2, "")
    assert "There are no means of a run in nowhere" in err


def test_help_imports_nothing_heavy():
    code = (
        "import sys, ngcm_cli.cli as cli; sys.argv = ['ngcm', 'export', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'jax', 'xarray', 'zarr', 'netCDF4', 'numpy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for flag in ("--cmor", "--output", "--experiment", "--source-id", "--institution"):
        assert f"{flag} " in done.stdout
