"""Outputs of all runs pass the compliance checker of IOOS, with its CF 1.11 checks.

https://github.com/ioos/compliance-checker
"""

import pathlib
import re

import pytest
import xarray as xr
from test_cmor_compliance import complaints
from tiny_run import use_tiny_model

from ngcm_cli.simulation import run

# What the checker does not know: CF 1.11, section 7.3, allows any standard name in cell
# methods, and forecasts of several initial times have two dimensions of time.
TOLERATED = re.compile(
    r"§7\.3 Cell Methods: |§2\.4 Dimensions: "
    r"|\w+'s cell_methods name component (longitude|realization) does not match a "
    r"dimension, area or auxiliary coordinate\s*"
    r"|\w+'s spatio-temporal dimensions are not in the recommended order [^.]*\. The "
    r"dimensions \(and their guessed types\) are (realization \(U\), )?init_time "
    r"\(T\), lead_time \(U\)[^.]*\.\s*"
)
ALL = "t,u,sp,P_minus_E_rate"


@pytest.fixture
def outputs(monkeypatch, tmp_path) -> list[pathlib.Path]:
    """Return NetCDF files of a forecast, an ensemble and every store of a long run."""
    monkeypatch.chdir(tmp_path)
    use_tiny_model(monkeypatch)
    run.forecast(lead="12h", variables=ALL, output="forecast.nc")
    run.forecast(lead="3h", every="1h", grid=30, output="regular.nc")
    run.ensemble(
        init="1959-01-02",
        lead="6h",
        members=2,
        statistics="mean,std,p10",
        variables=ALL,
        output="ensemble.nc",
    )
    run.amip(
        start="1984-01-31",
        days=2,
        members=2,
        means="daily,monthly",
        every="6h",
        output="long",
    )
    for store in pathlib.Path("long").glob("*.zarr"):
        with xr.open_zarr(store, decode_cf=False, chunks=None) as ds:
            # Zarr has a fill value in every array, and xarray copies it.
            plain = {name: {"_FillValue": None} for name in ds.coords}
            ds.to_netcdf(f"{store.stem}.nc", encoding=plain)
    return sorted(tmp_path.glob("*.nc"))


@pytest.mark.slow
def test_every_output_complies(outputs):
    assert [path.stem for path in outputs] == [
        *("daily", "daily_zonal", "ensemble", "forecast", "global", "instantaneous"),
        *("monthly", "monthly_zonal", "regular"),
    ]
    for name, texts in complaints(outputs).items():
        assert [rest for text in texts if (rest := TOLERATED.sub("", text))] == [], name
