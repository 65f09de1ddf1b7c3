"""The Python interface to a user's own file: read, encoded, decoded."""

import jax
import numpy as np
import pytest
import xarray as xr

import ngcm_cli
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.testing import TinyModel
from ngcm_cli.zoo import bundled_folder

SAMPLE = bundled_folder() / "era5_tl31_1959-01-02T00.nc"
TIME = np.datetime64("1959-01-02T00", "s")


@pytest.fixture(scope="module")
def model():
    return TinyModel()


@pytest.fixture(scope="module")
def data(model):
    return ngcm_cli.read_state(model, SAMPLE, "1959010200")


def test_the_state_is_that_of_the_file(model, data):
    bundled = ngcm_cli.bundled_state(model)
    assert data.time == TIME
    for name in model.input_variables:
        np.testing.assert_array_equal(data.fields[name], bundled.fields[name])
    for name in model.forcing_variables:
        np.testing.assert_array_equal(data.forcing[name], bundled.forcing[name])


def test_a_time_that_is_not_there(model):
    with pytest.raises(InputDataError, match="There is no 1960-01-01T00"):
        ngcm_cli.read_state(model, SAMPLE, "1960-01-01")
    with pytest.raises(ConfigError, match="init: 'soon' is not a time"):
        ngcm_cli.read_state(model, SAMPLE, "soon")


def test_a_decoded_state_has_coordinates(model, data):
    state = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    found = ngcm_cli.decode(model, state, ["t", "ps"], time=data.time)
    assert isinstance(found, xr.Dataset) and found.time == TIME
    assert found.temperature.dims == ("level", "latitude", "longitude")
    assert found.surface_pressure.dims == ("latitude", "longitude")
    assert found.level.values.tolist() == [200, 500, 850]
    assert found.temperature.attrs["standard_name"] == "air_temperature"
    raw = np.asarray(model.decode(state, ("temperature",))["temperature"])
    at = found.temperature.sel(level=500).isel(latitude=1, longitude=3)
    assert at == raw[1, 3, 1]
    latitude = np.rad2deg(np.arcsin(model.grid.sin_latitude))
    np.testing.assert_allclose(found.latitude, latitude, atol=1e-5)
    assert set(ngcm_cli.decode(model, state)) == set(model.default_outputs)
    with pytest.raises(ConfigError, match="no output variable 't2m'"):
        ngcm_cli.decode(model, state, ["t2m"])
