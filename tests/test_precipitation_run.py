"""A model that predicts precipitation, through the real command to Zarr and NetCDF."""

import numpy as np
import pytest
import xarray
from command_line import ngcm
from gcm import precipitation

from ngcm_cli.checkpoint.native import write_native
from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.gcm.fields import ATMOSPHERE, NET_WATER, PRECIPITATION

pytestmark = pytest.mark.slow
DENSITY = 997  # of water in the depths, kg m-3


def forecast(folder, *words: str) -> xarray.Dataset:
    """One hour by the command."""
    done = ngcm("forecast", "--lead", "1h", "--every", "1h", *words, folder=folder)
    assert done.returncode == 0, done.stderr
    output = folder / done.stdout.strip()
    written = xarray.open_dataset(output, decode_timedelta=True)
    if output.suffix == ".nc":  # of one forecast
        return written.swap_dims(time="lead_time")
    return written.isel(init_time=0)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What is written by default, and all fluxes of water."""
    kind, folder = "precipitation", tmp_path_factory.mktemp("run")
    static = precipitation.bundled_checkpoint().static
    static = {k: static[k] for k in ("geopotential_at_surface", "land_sea_mask")}
    spec = precipitation.spec(kind)
    arrays = from_published(precipitation.parameters(kind), static, spec)
    keys = "name", "summary", "paper", "source", "licence", "stable_for"
    write_native(folder, dict.fromkeys(keys, kind), spec, arrays)
    model = "--model", str(folder / f"{kind}.yaml")
    fluxes = ",".join((*NET_WATER, *PRECIPITATION))
    return (
        forecast(folder, *model, "--output", "default.zarr"),
        forecast(folder, *model, "--variables", fluxes, "--output", "water.nc"),
    )


def test_by_default_what_the_published_models_return(outputs):
    default, water = outputs
    added = {"precipitation_cumulative_mean", "evaporation"}
    assert set(default.data_vars) == {*ATMOSPHERE, *added}
    for name in added:
        assert default[name].dims == ("lead_time", "latitude", "longitude")
        np.testing.assert_array_equal(default[name], water[name])


def test_the_budget_closes_on_disk(outputs):
    _, water = outputs
    assert set(water.data_vars) == {*NET_WATER, *PRECIPITATION}
    assert "level" not in water.dims
    rate = water["precipitation_rate"] * DENSITY + water["evaporation"]
    amount = water["precipitation_cumulative_mean"] + water["evaporation_cumulative"]
    for ours, net in (rate, "P_minus_E_rate"), (amount * DENSITY, NET_WATER[1]):
        scale = float(np.abs(ours).max())
        np.testing.assert_allclose(ours, water[net], rtol=0, atol=1e-6 * scale)
    for name in water.data_vars:
        if "cumulative" in str(name):
            assert not water[name][0].any() and water[name][1].any()
    assert water["precipitation_rate"].min() >= 0


def test_names_and_units(outputs):
    _, water = outputs
    units = {name: water[name].attrs["units"] for name in water.data_vars}
    assert units == {
        "P_minus_E_rate": "kg m-2 s-1",
        "P_minus_E_cumulative": "kg m-2",
        "precipitation_rate": "m s-1",
        "precipitation_cumulative_mean": "m",
        "evaporation": "kg m-2 s-1",
        "evaporation_cumulative": "m",
    }
    standard = {name: x.attrs.get("standard_name") for name, x in water.items()}
    assert standard["precipitation_rate"] == "lwe_precipitation_rate"
    depth = "lwe_thickness_of_precipitation_amount"
    assert standard["precipitation_cumulative_mean"] == depth
    # CF counts evaporation as positive: with the sign of ERA5 it has no name there.
    assert standard["evaporation"] is None
    assert "negative" in water["evaporation"].attrs["long_name"]


def test_p_minus_e_of_a_weather_model(reduced_model, tmp_path):
    words = "--variables", "P_minus_E_cumulative,sp", "--output", "net.zarr"
    net = forecast(tmp_path, "--model", reduced_model, *words)
    assert set(net.data_vars) == {"P_minus_E_cumulative", "surface_pressure"}
    assert not net["P_minus_E_cumulative"][0].any()
    assert np.abs(net["P_minus_E_cumulative"][1]).max() < 50  # kg m-2 in an hour


def test_precipitation_of_a_weather_model_is_refused(tmp_path):
    words = "forecast", "--variables", "precipitation_rate"
    done = ngcm(*words, folder=tmp_path)
    assert done.returncode == 2
    assert "does not predict precipitation_rate." in done.stderr
