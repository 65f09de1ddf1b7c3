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
    assert "Wrote 11 files, " in done.stderr
    name = "ta_Amon_NGCM_amip-style_r1i1p1f1_gn_198201-198202.nc"
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


def test_labels_from_a_run_file(tmp_path, ngcm):
    one = {"variables": ("surface_pressure",)}
    write_means(tmp_path / "run" / "monthly.zarr", month_bounds("1982-01", 24), **one)
    (tmp_path / "labels.yaml").write_text(
        "cmor: yes\nexperiment: aimip\ninstitution-id: UN\nsource_id: A\ntree: true\n"
        "contact: data@example.org\nyears_per_file: 1\noutput: files\n"
    )
    words = ("export", "run", "--config", "labels.yaml", "--source-id", "B")
    assert ngcm(*words)[:2] == (0, "files\n")
    folder = (
        tmp_path / "files" / "UN" / "B" / "aimip" / "r1i1p1f1" / "Amon" / "ps" / "gn"
    )
    path = next(folder.glob("v*/ps_Amon_B_aimip_r1i1p1f1_gn_198301-198312.nc"))
    with xr.open_dataset(path) as ds:
        assert ds.attrs["contact"] == "data@example.org"
    (tmp_path / "labels.yaml").write_text("institute: UN\n")
    code, _, err = ngcm(*words)
    assert code == 2 and "Unknown key 'institute' in labels.yaml" in err


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
