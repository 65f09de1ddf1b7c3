"""Schemas of stores: dimensions, coordinates, chunks and CF attributes."""

import math

import numpy as np
import pytest
from small_output import HOURS, climate_output, forecast_schema, selection, stream

from ngcm_cli.output.field_selection import Coordinate
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.output.schema import time_series_schema
from ngcm_cli.output.streams import total_size
from ngcm_cli.spectral.grid import Grid

FIELD = 4 * 4 * 8
"""Bytes of a field on one level."""


def test_forecast():
    schema = forecast_schema()
    assert schema.record_dimensions == ("init_time", "lead_time")
    assert schema.records == 3
    assert list(schema.variables) == ["temperature", "surface_pressure"]
    temperature, pressure = schema.variables.values()
    assert temperature.dimensions == (
        *("init_time", "lead_time", "level", "latitude", "longitude"),
    )
    assert temperature.shape == (1, 3, 3, 4, 8)
    assert temperature.chunks == (1, 1, 3, 4, 8)
    assert pressure.dimensions == ("init_time", "lead_time", "latitude", "longitude")
    assert pressure.attributes == {
        "standard_name": "surface_air_pressure",
        "long_name": "Surface pressure",
        "units": "Pa",
        "comment": "noisy in the first two hours after the initial time",
        "coordinates": "valid_time",
    }
    assert schema.nbytes == 3 * 4 * FIELD
    assert schema.file_count == 6 + 1 + 2 * 6 + 2
    assert schema.attributes["Conventions"] == "CF-1.11"
    assert schema.attributes["seed"] == 7
    assert schema.attributes["latitude_spacing"] == "gauss"
    assert "realization" not in schema.coordinates


def test_times_are_whole_hours_where_all_are():
    schema = forecast_schema(
        init_times=np.array(["1959-01-02T00", "1970-01-01T12"], "datetime64[s]")
    )
    coordinates = schema.coordinates
    assert coordinates["lead_time"].values.tolist() == [0, 6, 12]
    assert coordinates["lead_time"].attributes["units"] == "hours"
    assert coordinates["init_time"].values.tolist() == [-96408, 12]
    units = "hours since 1970-01-01"
    assert coordinates["init_time"].attributes["units"] == units
    assert coordinates["valid_time"].dimensions == ("init_time", "lead_time")
    assert coordinates["valid_time"].values[1].tolist() == [12, 18, 24]


@pytest.mark.parametrize(
    "changes",
    [
        {"lead_times": np.arange(3) * np.timedelta64(1800, "s")},
        {"init_times": np.array(["1970-01-01T00:30"], "datetime64[s]")},
    ],
)
def test_times_between_hours_are_in_seconds(changes):
    coordinates = forecast_schema(**changes).coordinates
    assert coordinates["lead_time"].attributes["units"] == "seconds"
    assert coordinates["valid_time"].attributes["units"] == "seconds since 1970-01-01"
    step = coordinates["valid_time"].values[0, 1] - coordinates["init_time"].values[0]
    assert step == coordinates["lead_time"].values[1]


def test_members_come_first_and_have_chunks_of_their_own():
    schema = forecast_schema(realizations=(0, 1, 50))
    assert schema.record_dimensions == ("realization", "init_time", "lead_time")
    temperature = schema.variables["temperature"]
    assert temperature.dimensions[:3] == schema.record_dimensions
    assert temperature.shape == (3, 1, 3, 3, 4, 8)
    assert temperature.chunks == (1, 1, 1, 3, 4, 8)
    coordinate = schema.coordinates["realization"]
    assert coordinate.values.tolist() == [0, 1, 50]
    assert coordinate.attributes["standard_name"] == "realization"


@pytest.mark.parametrize(
    "statistic, changed",
    [
        ("mean", ("Mean", {"cell_methods": "realization: mean"})),
        ("max", ("Maximum", {"cell_methods": "realization: maximum"})),
        ("p5", ("Percentile 5", {})),
        (
            "std",
            (
                "Standard deviation",
                {
                    "cell_methods": "realization: standard_deviation (divided "
                    "by the number of members minus 1)",
                    "units_metadata": "temperature: difference",
                },
            ),
        ),
    ],
)
def test_statistics_over_members(statistic, changed):
    schema = forecast_schema(
        realizations=(0, 1), statistics=(statistic,), keep_members=False
    )
    assert set(schema.variables) == {
        f"temperature_{statistic}",
        f"surface_pressure_{statistic}",
    }
    variable = schema.variables[f"temperature_{statistic}"]
    assert variable.dimensions[:2] == ("init_time", "lead_time")
    assert variable.shape == (1, 3, 3, 4, 8)
    title, attributes = changed
    assert variable.attributes == {
        "standard_name": "air_temperature",
        "units": "K",
        "units_metadata": "temperature: on_scale",
        "coordinates": "valid_time",
        "long_name": f"{title} over the ensemble of: Temperature",
        **attributes,
    }


def test_statistics_beside_members():
    schema = forecast_schema(realizations=(0, 1), statistics=("mean", "p10"))
    assert list(schema.variables)[:3] == [
        *("temperature", "temperature_mean", "temperature_p10"),
    ]
    assert schema.nbytes == 3 * 4 * FIELD * (2 + 2)


def test_records_along_time_share_chunks_where_they_are_small():
    fields = {"x": (("sigma",), (5,), {"units": "K"})}
    times = np.datetime64("2000-01-01T12", "s") + np.arange(40) * HOURS[24]
    bounds = np.stack([times - HOURS[1], times + HOURS[1]], axis=1)
    sigma = Coordinate(("sigma",), np.arange(5.0), {})
    schema = time_series_schema(fields, {"sigma": sigma}, times, bounds, None, 12, {})
    assert schema.variables["x"].dimensions == ("time", "sigma")
    assert schema.variables["x"].chunks == (12, 5)
    assert (schema.records, schema.file_count) == (40, 1 + 2 + 2 * 3)
    assert schema.coordinates["time"].attributes["bounds"] == "time_bnds"
    both = schema.coordinates["time_bnds"]
    assert both.dimensions == ("time", "bnds")
    assert (both.values.mean(axis=1) == schema.coordinates["time"].values).all()
    many = time_series_schema(fields, {}, times, bounds, (3, 4), 99, {})
    assert many.record_dimensions == ("realization", "time")
    assert many.variables["x"].chunks == (1, 40, 5)
    assert many.coordinates["realization"].values.tolist() == [3, 4]


def test_records_of_one_forecast_have_files_of_their_own():
    """Which also programs read that do not know shards."""
    for leads, shared in ((41, 1), (240, 240)):
        for variable in forecast_schema(leads).variables.values():
            assert variable.chunks[:2] == (1, 1)
            assert variable.shards[:2] == (1, shared)
    init_times = np.array(["1959-01-02", "1959-01-03"], "datetime64[s]")
    for changes in ({"realizations": [0]}, {"init_times": init_times}):
        variable = forecast_schema(3, **changes).variables["temperature"]
        assert variable.file_count == len(changes.get("init_times", [0]))


@pytest.mark.parametrize("wavenumbers", [31, 63, 127, 255])  # of published models
def test_decades_and_large_ensembles_are_a_few_thousand_files(wavenumbers):
    levels = tuple(range(1, 38))
    names = (
        *("geopotential", "temperature", "u_component_of_wind", "v_component_of_wind"),
        *("specific_humidity", "specific_cloud_ice_water_content", "surface_pressure"),
        *("specific_cloud_liquid_water_content", "mean_sea_level_pressure"),
    )
    fields = selection(
        names,
        levels=levels,
        model_levels=levels,
        grid=OutputGrid.native(Grid.linear(wavenumbers)),
    )
    decades = climate_output("1982-01-01", "2022-01-01", fields=fields)
    streams = decades.streams(("daily", "monthly"), None)
    assert total_size(streams)[1] < 5000
    members = forecast_schema(31, fields=fields, realizations=range(50))
    assert members.file_count < 5000
    for schema in (members, *(s.schema for s in streams)):
        for variable in schema.variables.values():
            assert 4 * math.prod(variable.shards) < 2**31  # as Zarr 2 needs


def test_times_on_half_hours():
    schema = stream("instantaneous", every=np.timedelta64(1800, "s")).schema
    time = schema.coordinates["time"]
    assert time.attributes["units"] == "seconds since 1970-01-01"
    assert "bounds" not in time.attributes and "time_bnds" not in schema.coordinates
    assert set(np.diff(time.values)) == {1800}


def test_at_the_surface_there_are_no_levels():
    fields = selection(("surface_pressure",), levels=())
    assert "level" not in forecast_schema(fields=fields).coordinates
    for one in climate_output(fields=fields).streams(("daily",), None):
        assert "level" not in one.schema.coordinates


def test_size_is_that_of_what_is_written():
    at_surface = forecast_schema(1, fields=selection(("surface_pressure",)))
    assert at_surface.nbytes == FIELD
    some = selection(levels=(500,))
    assert forecast_schema(1, fields=some).nbytes == 2 * FIELD == some.nbytes
