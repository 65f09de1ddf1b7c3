"""Specific humidity from other measures: identities, and through a file."""

import jax.numpy as jnp
import numpy as np
import pytest
from small_analysis import LEVELS, NODES, build_analysis, read_state

from ngcm_cli.diagnostics.thermodynamics import relative_humidity
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.humidity import saturation_vapour_pressure, specific_humidity

PASCALS = 100 * np.array(LEVELS)


def moist(dataset):
    """The state with a relative humidity of 10 to 90 % in place of specific."""
    shape = dataset["specific_humidity"].shape
    share = np.random.default_rng(1).uniform(0.1, 0.9, shape)
    array = dataset["specific_humidity"].copy(data=100 * share)
    array.attrs = {"units": "%"}
    return dataset.drop_vars("specific_humidity").assign(rh=array)


def test_relative_humidity_replaces_specific_humidity(tmp_path, native):
    dataset = moist(native)
    dataset.to_netcdf(tmp_path / "a.nc")
    state = read_state(tmp_path / "a.nc")
    # The diagnostic of a forecast is the inverse.
    fields = {name: jnp.asarray(x) for name, x in state.fields.items()}
    back = relative_humidity(fields, jnp.asarray(PASCALS)[:, None, None])
    expected = dataset["rh"].isel(time=0).transpose(..., "longitude", "latitude") / 100
    np.testing.assert_allclose(back["relative_humidity"], expected, rtol=1e-5)
    notes = " ".join(state.analysis.notes)
    assert "derived from 'rh' (relative_humidity) (saturation over water" in notes


def test_specific_humidity_is_preferred(tmp_path, native):
    both = native.assign(rh=moist(native)["rh"])
    both.to_netcdf(tmp_path / "a.nc")
    native.to_netcdf(tmp_path / "b.nc")
    one, other = (read_state(tmp_path / name) for name in ("a.nc", "b.nc"))
    name = "specific_humidity"
    np.testing.assert_array_equal(one.fields[name], other.fields[name])
    assert one.analysis.notes == other.analysis.notes


def test_mixing_ratio_and_dew_point_of_saturated_air():
    """q = w/(1 + w) = ε e/(p − (1 − ε) e), and at the dew point air is saturated."""
    kelvin, pascal = np.array([285.0, 300.0]), 9e4
    e = saturation_vapour_pressure(kelvin)
    epsilon = (1004 * 2 / 7) / 461.0
    ratio = epsilon * e / (pascal - e)
    expected = ratio / (1 + ratio)
    for name, values in (
        ("humidity_mixing_ratio", ratio),
        ("dew_point_temperature", kelvin),
        ("relative_humidity", np.ones(2)),
    ):
        found = specific_humidity(name, values, kelvin, pascal)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("units, scale", [("%", 100), ("", 100), ("", 1)])
def test_relative_humidity_called_specific_is_refused(tmp_path, units, scale):
    dataset = build_analysis(*NODES)
    q = moist(dataset)["rh"] * scale / 100
    q.attrs = {"units": units} if units else {}
    dataset["specific_humidity"] = q
    dataset.rename(specific_humidity="q").to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputDataError) as caught:
        read_state(tmp_path / "a.nc")
    assert "'q' (specific_humidity)" in caught.value.message
    assert "called 'relative_humidity'" in caught.value.hint


def test_a_standard_name_says_more_than_a_short_name(tmp_path, native):
    """What is called q and states that it is relative humidity is that."""
    dataset = moist(native)
    dataset.to_netcdf(tmp_path / "a.nc")
    dataset["rh"].attrs["standard_name"] = "relative_humidity"
    dataset.rename(rh="q").to_netcdf(tmp_path / "b.nc")
    one, other = (read_state(tmp_path / name) for name in ("a.nc", "b.nc"))
    name = "specific_humidity"
    np.testing.assert_array_equal(one.fields[name], other.fields[name])


def test_the_hint_does_not_lead_to_relative_humidity(tmp_path, native):
    native.drop_vars("specific_humidity").to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputDataError, match="missing: specific_humidity") as caught:
        read_state(tmp_path / "a.nc")
    assert "Relative humidity, under its own name" in caught.value.hint
