import numpy as np
import pytest

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.unit_conversion import (
    canonical_units,
    choose_conversion,
    conversion_note,
    stated_conversion,
)
from ngcm_cli.inputs.variables import VARIABLES


@pytest.mark.parametrize(
    "text", ["m**2 s**-2", "m2 s-2", "m^2/s^2", "m2/s2", "m2.s-2", " m2  s^-2 "]
)
def test_spellings_of_one_unit(text):
    assert canonical_units(text) == "m2 s-2"


def test_a_numeric_factor_is_not_swallowed():
    assert canonical_units("10^-3 kg/kg") != canonical_units("kg/kg")
    with pytest.raises(InputDataError, match="10\\^-3 kg/kg"):
        stated_conversion(VARIABLES["specific_humidity"], "q", "10^-3 kg/kg")


@pytest.mark.parametrize(
    "name, units, value, si",
    [
        ("temperature", "degC", 0.0, 273.15),
        ("temperature", "Celsius", 10.0, 283.15),
        ("temperature", "K", 250.0, 250.0),
        ("sea_ice_cover", "%", 50.0, 0.5),
        ("sea_ice_cover", "(0 - 1)", 0.5, 0.5),
        ("sea_ice_cover", "percent", 100.0, 1.0),
        ("specific_humidity", "g kg**-1", 12.0, 0.012),
        ("specific_humidity", "kg/kg", 0.01, 0.01),
        ("specific_humidity", "1", 0.01, 0.01),
        ("geopotential", "gpm", 100.0, 980.665),
        ("u_component_of_wind", "m/s", 3.0, 3.0),
        ("u_component_of_wind", "knots", 100.0, 51.4444444),
        ("u_component_of_wind", "km/h", 36.0, 10.0),
        ("temperature", "degF", 50.0, 283.15),
        ("geopotential", "km", 1.0, 9806.65),
        ("precipitation_rate", "kg/m^2/s", 0.997, 1e-3),
        ("precipitation_rate", "kg m-2 s-1", 0.997, 1e-3),
        ("precipitation_rate", "mm/day", 86400 * 0.997, 1e-3),
        ("precipitation_rate", "m s**-1", 2e-6, 2e-6),
    ],
)
def test_stated_units(name, units, value, si):
    conversion = stated_conversion(VARIABLES[name], name, units)
    assert conversion is not None
    assert conversion.apply(value) == pytest.approx(si)


@pytest.mark.parametrize(
    "name, si, spellings",
    [
        ("temperature", "degC", "degrees C|degree C|Degree Celsius|deg. C|centigrade|"
         "degreeC|degrees_celsius|°C|deg_C|C"),
        ("temperature", "K", "Kelvins|deg K|degree K|degK|degrees_kelvin|kelvin"),
        ("temperature", "degF", "degrees Fahrenheit|deg F|F"),
        ("specific_humidity", "g kg-1", "grams/kg|gm/kg|g kg**-1|gr/kg|g per kg"),
        ("specific_humidity", "kg kg-1", "kg kg^-1|g/g|1|kilogram/kilogram"),
        ("u_component_of_wind", "m s-1", "m/sec|meters/second|m s^-1|meter/sec|m.s-1|"
         "m/s |metres per second"),
        ("geopotential", "m", "gp m|gpm|geopotential meters|metre"),
        ("geopotential", "m2 s-2", "m^2/s^2|J kg**-1|m2.s-2|joules/kilogram"),
        ("sea_ice_cover", "%", "percent|per cent|pct"),
    ],
)  # fmt: skip
def test_spellings_of_archives(name, si, spellings):
    for text in spellings.split("|"):
        conversion = stated_conversion(VARIABLES[name], name, text)
        assert conversion is not None and conversion.units == si, text


def test_winds_are_no_masses_of_water_and_rain_needs_units():
    with pytest.raises(InputDataError, match="units 'kg m-2 s-1', which"):
        stated_conversion(VARIABLES["u_component_of_wind"], "u", "kg m-2 s-1")
    with pytest.raises(InputDataError, match="units 'knots', which"):
        stated_conversion(VARIABLES["precipitation_rate"], "pr", "knots")
    rain = VARIABLES["precipitation_rate"]
    with pytest.raises(InputDataError, match="which fit several of 'm s-1' or 'kg m-2"):
        choose_conversion(rain, "pr", None, np.array([0.0, 4e-5]))


def test_values_up_to_one_that_are_labelled_percent_are_fractions():
    """As NOAA labels its daily analyses."""
    ice = VARIABLES["sea_ice_cover"]
    stated = stated_conversion(ice, "ice", "%")
    chosen = choose_conversion(ice, "ice", stated, np.array([0.0, 0.98]))
    assert chosen.is_identity
    assert "taken as fractions" in conversion_note(ice, "ice", stated, chosen)


def test_unknown_units_name_the_variable_and_what_is_needed():
    with pytest.raises(InputDataError) as caught:
        stated_conversion(VARIABLES["temperature"], "t", "furlong")
    assert "'t' (temperature)" in caught.value.message
    assert "'furlong'" in caught.value.message
    assert "'K' or 'degC' or 'degF'" in caught.value.hint


@pytest.mark.parametrize(
    "name, values, top, units",
    [
        ("temperature", [190.0, 310], 1, "K"),
        ("temperature", [-80.0, 35], 1, "degC"),
        ("temperature", [-112.0, 95], 1, "degF"),
        ("sea_surface_temperature", [-1.8, 30], 1, "degC"),
        ("sea_ice_cover", [0.0, 1], 1, "1"),
        ("sea_ice_cover", [0.0, 100], 1, "%"),
        ("sea_ice_cover", [0.0, 0], 1, "1"),
        ("specific_humidity", [1e-6, 0.02], 1, "kg kg-1"),
        ("specific_humidity", [1e-3, 20], 1, "g kg-1"),
        ("geopotential", [-2000.0, 498e3], 1, "m2 s-2"),
        ("geopotential", [-200.0, 50e3], 1, "m"),
        ("geopotential", [0.0, 58e3], 500, "m2 s-2"),
        ("geopotential", [0.0, 5.9e3], 500, "m"),
        ("geopotential", [0.0, 590], 500, "dam"),
    ],
)
def test_without_units_the_values_decide(name, values, top, units):
    chosen = choose_conversion(VARIABLES[name], name, None, np.array(values), top)
    assert chosen.units == units


@pytest.mark.parametrize(
    "name, units, values, likely",
    [
        ("temperature", "K", [-40.0, 30], "degC"),
        ("sea_surface_temperature", "K", [0.0, 30], "degC"),
        ("sea_surface_temperature", "degC", [271.0, 303], "K"),
        ("sea_ice_cover", "1", [0.0, 100], "%"),
        ("sea_ice_cover", "%", [0.0, 0.3], "1"),
        ("specific_humidity", "kg kg-1", [0.0, 18], "g kg-1"),
        ("specific_humidity", "g/kg", [0.0, 0.018], "kg kg-1"),
        ("geopotential", "m2 s-2", [-200.0, 5.9e3], "m"),
        ("geopotential", "m", [-2000.0, 57e3], "m2 s-2"),
    ],
)
def test_values_that_contradict_their_units_are_refused(name, units, values, likely):
    variable, data = VARIABLES[name], np.array([*values, np.nan])
    stated = stated_conversion(variable, name, units)
    with pytest.raises(InputDataError) as caught:
        choose_conversion(variable, name, stated, data, top=500)
    assert f"'{name}' has the units attribute" in caught.value.message
    assert f"from {values[0]:g} to" in caught.value.message
    assert caught.value.hint.startswith(f"They look like '{likely}'")


def test_ice_free_percent_is_not_a_contradiction():
    ice = VARIABLES["sea_ice_cover"]
    stated = stated_conversion(ice, "ci", "%")
    assert choose_conversion(ice, "ci", stated, np.zeros(3)) is stated


@pytest.mark.parametrize("units", ["K", ""])
def test_undeclared_missing_value_marker(units):
    variable, data = VARIABLES["temperature"], np.array([250.0, -9999])
    stated = stated_conversion(variable, "t", units)
    with pytest.raises(InputDataError) as caught:
        choose_conversion(variable, "t", stated, data)
    assert "-9999" in caught.value.message
    assert "_FillValue" in caught.value.hint
