"""What diagnostics say of themselves: names, units, attributes, the table."""

import importlib.resources
import xml.etree.ElementTree as ET

import cf_units
import pytest

from ngcm_cli.diagnostics import (
    DIAGNOSTICS,
    GLOBAL_MEANS,
    needs_water_budget,
    resolve_name,
)
from ngcm_cli.diagnostics.diagnostic import NEEDS
from ngcm_cli.diagnostics.table import documented_table
from ngcm_cli.errors import ConfigError
from ngcm_cli.inputs.level_names import split_level
from ngcm_cli.inputs.variables import VARIABLES

NAMES = tuple(DIAGNOSTICS)


@pytest.fixture(scope="module")
def canonical_units():
    """Canonical units of every CF standard name, aliases of old names included."""
    path = importlib.resources.files("compliance_checker") / "data"
    text = (path / "cf-standard-name-table.xml").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    return {e.get("id"): e.findtext("canonical_units") for e in root.iter("entry")}


@pytest.mark.parametrize(
    "declared",
    [*DIAGNOSTICS.values(), *GLOBAL_MEANS.values()],
    ids=lambda declared: declared.name,
)
def test_standard_names_exist_and_have_these_units(declared, canonical_units):
    cf_units.Unit(declared.units)
    if declared.standard_name:
        canonical = cf_units.Unit(canonical_units[declared.standard_name])
        # SI without a prefix, as the canonical units are.
        assert cf_units.Unit(declared.units).convert(1.0, canonical) == 1.0


@pytest.mark.parametrize("name", [n for n, d in DIAGNOSTICS.items() if d.cmip])
def test_cmip_units_are_those_of_its_standard_name(name, canonical_units):
    diagnostic = DIAGNOSTICS[name]
    standard_name = diagnostic.cmip.standard_name or diagnostic.standard_name
    unit = cf_units.Unit(diagnostic.cmip.units or diagnostic.units)
    assert unit.is_convertible(cf_units.Unit(canonical_units[standard_name]))


def test_attributes():
    assert DIAGNOSTICS["temperature"].attributes() == {
        "standard_name": "air_temperature",
        "long_name": "Temperature",
        "units": "K",
        "units_metadata": "temperature: on_scale",
    }
    net = DIAGNOSTICS["P_minus_E_cumulative"].attributes()
    assert "dynamical core gains or loses is in no flux" in net.pop("comment")
    assert net == {
        "long_name": "Precipitation minus evaporation since the initial time",
        "units": "kg m-2",
        "cell_methods": "lead_time: sum (comment: since the initial time)",
    }
    heating = DIAGNOSTICS["temperature_tendency_due_to_physics"].attributes()
    assert heating["units_metadata"] == "temperature: difference"
    assert "without the decoder's correction" in heating["comment"]


@pytest.mark.parametrize(
    "declared, said",
    [
        (DIAGNOSTICS["surface_pressure"], "noisy in the first two hours"),
        (DIAGNOSTICS["mean_sea_level_pressure"], "noisy in the first two hours"),
        (DIAGNOSTICS["mean_sea_level_pressure"], "at all times there may be noise"),
        (DIAGNOSTICS["total_column_water_vapour"], "pressure levels differs"),
        (DIAGNOSTICS["water_vapour_transport"], "pressure levels differs"),
        (GLOBAL_MEANS["water_vapour"], "pressure levels differs"),
        (GLOBAL_MEANS["insolation"], "declination of a circular orbit"),
        (DIAGNOSTICS["toa_incoming_shortwave_flux"], "declination of a circular"),
    ],
)
def test_limits_are_said_in_comments(declared, said):
    assert said in declared.attributes()["comment"]


def test_names_in_analyses_mean_the_same():
    for name in VARIABLES.keys() & DIAGNOSTICS.keys():
        ours, theirs = DIAGNOSTICS[name], VARIABLES[name]
        for fact in ("standard_name", "long_name", "units", "aliases", "on_levels"):
            assert getattr(ours, fact) == getattr(theirs, fact), (name, fact)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_found_by_itself(name):
    assert resolve_name(name, NAMES) == resolve_name(name.upper(), NAMES) == name


@pytest.mark.parametrize("name", NAMES)
def test_aliases_are_of_one_diagnostic(name):
    for alias in DIAGNOSTICS[name].aliases:
        assert resolve_name(alias, NAMES) == name


def test_standard_names_of_several_mean_the_first():
    assert resolve_name("air_temperature", NAMES) == "temperature"
    few = ("lowest_level_temperature", "surface_pressure")
    assert resolve_name("air_temperature", few) == "lowest_level_temperature"
    assert resolve_name("WAP", NAMES) == "vertical_velocity"


@pytest.mark.parametrize(
    "name, hint",
    [
        ("temprature", "Did you mean 'temperature'"),
        ("omga", "Did you mean 'vertical_velocity'?"),
        ("", "`ngcm variables` lists all of them."),
        ("qqqqqqq", "`ngcm variables` lists all of them."),
        ("t2m", "No model predicts temperature at 2 m; the nearest is lowest_level_te"),
        ("U10", "No model predicts wind at 10 m or 100 m; the nearest is lowest_level"),
    ],
)
def test_an_unknown_name_is_refused_with_a_hint(name, hint):
    with pytest.raises(ConfigError, match=f"no output variable '{name}'") as error:
        resolve_name(name, ("temperature", "surface_pressure", "vertical_velocity"))
    assert error.value.hint.startswith(hint)


@pytest.mark.parametrize(
    "asked, name, level",
    [
        *[("z500", "z", 500), ("t_850", "t", 850), ("Q700hPa", "q", 700)],
        *[("temperature_850", "temperature", 850), ("zg500", "zg", 500)],
        *[("u10", "u10", None), ("u10hPa", "u", 10), ("10u", "10u", None)],
        *[("t2m", "t2m", None), ("t", "t", None), ("500", "500", None)],
        *[("u100", "u100", None), ("t100", "t", 100), ("z٥٠٠", "z٥٠٠", None)],
    ],
)
def test_a_level_in_a_name(asked, name, level):
    """But not the heights in metres above ground that others write the same way."""
    found, pressure = split_level(asked)
    assert (found.lower(), pressure) == (name, level)


def test_a_model_may_have_variables_of_its_own():
    assert resolve_name("counter", ("counter", "temperature")) == "counter"
    assert resolve_name("Counter", ("counter", "temperature")) == "counter"


def test_which_need_a_water_budget():
    assert needs_water_budget(("temperature", "evaporation"))
    assert needs_water_budget(("P_minus_E_rate",))
    others = [n for n, d in DIAGNOSTICS.items() if d.needs != "water"]
    assert not needs_water_budget((*others, "counter"))
    accumulated = {n for n, d in DIAGNOSTICS.items() if d.is_accumulated}
    fluxes = {n for n, d in DIAGNOSTICS.items() if d.is_flux}
    of_water = {"P_minus_E_rate", "precipitation_rate", "evaporation"}
    assert fluxes == of_water | {"toa_incoming_shortwave_flux"}
    assert needs_water_budget(accumulated) and not accumulated & fluxes


def test_the_documented_table_has_a_row_for_each():
    heading, rule, *rows = documented_table().splitlines()
    assert len(rows) == len(DIAGNOSTICS)
    columns = heading.count("|")
    assert all(row.count("|") == columns for row in (rule, *rows))
    for row, diagnostic in zip(rows, DIAGNOSTICS.values(), strict=True):
        assert row.startswith(f"| `{diagnostic.name}` |")
        assert NEEDS[diagnostic.needs] in row and diagnostic.units in row
