import itertools

import pytest

from ngcm_cli.gcm.fields import (
    ATMOSPHERE,
    FORCING,
    NET_WATER,
    PRECIPITATION,
    SURFACE,
)
from ngcm_cli.inputs.humidity import SUBSTITUTES
from ngcm_cli.inputs.unit_conversion import CONVERSIONS
from ngcm_cli.inputs.variables import DAILY_PRECIPITATION, VARIABLES


def test_every_name_and_alias_means_one_variable():
    names = [(v.name, *v.aliases) for v in VARIABLES.values()]
    together = list(itertools.chain.from_iterable(names))
    assert len(set(together)) == len(together)
    lower = [name.lower() for name in together]
    assert len(set(lower)) == len(lower)  # they are compared without regard to case
    for variable in VARIABLES.values():
        assert all(alias == alias.lower() for alias in variable.aliases)
        assert variable.is_called(variable.name)


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=VARIABLES)
def test_table_is_consistent(variable):
    assert VARIABLES[variable.name] is variable
    low, high = variable.valid_range
    assert low < high


def test_the_table_is_of_what_models_read_and_predict():
    assert set(VARIABLES) == {
        *ATMOSPHERE,
        *FORCING,
        *SURFACE,
        *NET_WATER,
        *PRECIPITATION,
        *("skin_temperature", "land_sea_mask"),  # which stand for the sea's temperature
        *SUBSTITUTES,  # for specific humidity
        DAILY_PRECIPITATION,  # which is scored
    }
    layered = {*ATMOSPHERE, *SUBSTITUTES}
    assert {v.name for v in VARIABLES.values() if v.on_levels} == layered


@pytest.mark.parametrize("name", ATMOSPHERE + FORCING)
def test_what_is_read_has_conversions_to_its_units(name):
    units = VARIABLES[name].units
    assert CONVERSIONS[units][0].units == units
    assert CONVERSIONS[units][0].is_identity


@pytest.mark.parametrize(
    "name, variable",
    [
        ("t", "temperature"),
        ("TA", "temperature"),
        ("z", "geopotential"),
        ("hus", "specific_humidity"),
        ("clwc", "specific_cloud_liquid_water_content"),
        ("tos", "sea_surface_temperature"),
        ("siconc", "sea_ice_cover"),
        ("ice", "sea_ice_cover"),
        ("SP", "surface_pressure"),
        ("ps", "surface_pressure"),
        ("msl", "mean_sea_level_pressure"),
        ("psl", "mean_sea_level_pressure"),
        ("mslp", "mean_sea_level_pressure"),
        ("tcwv", "total_column_water_vapour"),
        ("prw", "total_column_water_vapour"),
    ],
)
def test_known_short_names(name, variable):
    assert [v.name for v in VARIABLES.values() if v.is_called(name)] == [variable]
