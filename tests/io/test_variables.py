import itertools

import pytest

from ngcm_cli.io.conversion import CONVERSIONS
from ngcm_cli.io.variables import VARIABLES


def test_every_name_and_alias_means_one_variable():
    names = [(v.name, *v.aliases) for v in VARIABLES.values()]
    together = list(itertools.chain.from_iterable(names))
    assert len(set(together)) == len(together)
    assert together == [name.lower() for name in together]


@pytest.mark.parametrize("variable", VARIABLES.values(), ids=VARIABLES)
def test_table_is_consistent(variable):
    assert VARIABLES[variable.name] is variable
    low, high = variable.valid_range
    assert low < high
    assert CONVERSIONS[variable.units][0].units == variable.units
    assert CONVERSIONS[variable.units][0].is_identity


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
    ],
)
def test_known_short_names(name, variable):
    assert [v.name for v in VARIABLES.values() if v.is_called(name)] == [variable]
