"""Runs of idealized cases, of which one is the truth for another."""

import numpy as np
import pytest
import xarray as xr

from ngcm_cli import evaluate, run_idealized
from ngcm_cli.errors import InputDataError


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The same case at a low and a higher resolution."""
    folder = tmp_path_factory.mktemp("runs")
    paths = [folder / "low.zarr", folder / "high.nc"]
    for truncation, path in zip((6, 12), paths, strict=True):
        run_idealized("williamson-2", truncation=truncation, days=1, output=path)
    return paths


@pytest.mark.parametrize("which", [0, 1], ids=["zarr", "netcdf"])
def test_a_run_is_as_it_is(runs, which):
    path = str(runs[which])
    scores = evaluate(forecast=path, truth=path)
    errors = [x for x in scores.data_vars if str(x).startswith("rmse.")]
    assert len(errors) == 6
    for name in errors:
        assert scores[name].sizes["lead_time"] == 5
        assert float(abs(scores[name]).max()) == 0


def test_errors_of_a_low_resolution(runs):
    low, high = map(str, runs)
    scores = evaluate(forecast=low, truth=high)
    error = scores["rmse.u_component_of_wind"].sel(region="global").values
    assert np.all((error > 0) & (error < 2))  # of a wind of up to 38 m/s


def test_another_forecast_is_no_truth(runs, tmp_path):
    with xr.open_zarr(runs[0]) as dataset:
        dataset.attrs["ngcm_run"] = '{"command": "forecast"}'
        dataset.drop_encoding().to_netcdf(tmp_path / "forecast.nc")
    path = str(tmp_path / "forecast.nc")
    with pytest.raises(InputDataError, match="a forecast, which cannot be the truth"):
        evaluate(forecast=str(runs[0]), truth=path)
