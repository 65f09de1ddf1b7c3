"""Settings of cyclone tracks: presets, and what replaces their criteria."""

import numpy as np
import pytest

from ngcm_cli.config.cyclone_criteria import PRESETS
from ngcm_cli.config.tracks import TracksConfig, describe_criteria
from ngcm_cli.errors import ConfigError

HOUR = np.timedelta64(3600, "s")


def test_the_default_is_tempestextremes_on_era5():
    criteria = TracksConfig().criteria()
    assert criteria == PRESETS["tempest-era5"]
    assert criteria.search == "pressure"
    assert (criteria.pressure_rise, criteria.contour_radius) == (200, 5.5)
    thickness = criteria.thickness_fall, criteria.thickness_radius
    assert (*thickness, criteria.thickness_search) == (58.8, 6.5, 1.0)
    assert (criteria.merge_distance, criteria.max_displacement) == (6, 8)
    assert (criteria.min_duration, criteria.max_gap) == (54 * HOUR, 24 * HOUR)
    assert (criteria.min_points, criteria.min_wind) == (10, 10)
    assert (criteria.max_latitude, criteria.max_surface_height) == (50, 150)


def test_other_presets():
    vorticity = TracksConfig(preset="neuralgcm_vorticity").criteria()
    assert vorticity.search == "vorticity"
    assert (vorticity.vorticity_fall, vorticity.thickness_fall) == (6e-5, 25.8)
    gencast = TracksConfig(preset="gencast").criteria()
    assert (gencast.max_displacement, gencast.reference_step) == (12, 12 * HOUR)


def test_the_preset_of_the_data_gives_way_to_one_that_is_set():
    assert TracksConfig().criteria("neuralgcm-vorticity").search == "vorticity"
    config = TracksConfig(preset="tempest-era5")
    assert config.criteria("neuralgcm-vorticity").search == "pressure"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("pressure_rise", "2hPa", 200.0),
        ("pressure_rise", 150, 150.0),
        ("vorticity_fall", "3.5e-5", 3.5e-5),
        ("contour_radius", "4.5 degrees", 4.5),
        ("thickness_fall", "6m", 6 * 9.80616),
        ("thickness_fall", "none", 0.0),
        ("merge_distance", "3°", 3.0),
        ("max_gap", "12h", 12 * HOUR),
        ("min_duration", "1d12h", 36 * HOUR),
        ("min_points", "4", 4),
        ("min_wind", "17m/s", 17.0),
        ("min_wind", "none", 0.0),
        ("max_latitude", "none", 90.0),
        ("max_surface_height", "1km", 1000.0),
        ("max_surface_height", "none", float("inf")),
    ],
)
def test_every_criterion_can_be_replaced(name, text, value):
    criteria = TracksConfig(**{name: text}).criteria()
    assert getattr(criteria, name) == pytest.approx(value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"preset": "era5"}, "preset: 'era5' is none of tempest-era5"),
        ({"search": "wind"}, "search: 'wind' is none of"),
        ({"pressure_rise": "2mm"}, "pressure_rise: '2mm' is not a pressure difference"),
        ({"pressure_rise": "none"}, "'none' is not a pressure difference"),
        ({"contour_radius": "100"}, "100 deg is not from 0.01 to 90 deg"),
        ({"contour_radius": "1e400"}, "'1e400' is not a distance"),
        ({"min_wind": "-5"}, "min_wind: -5 m/s is not from"),
        ({"min_points": "0"}, "min_points: '0' is not a positive whole number"),
        ({"max_gap": "0h"}, "max_gap is zero"),
        ({"wind_level": "2m"}, "wind_level: '2m' is no level of wind"),
        ({"output": "tracks.csv"}, "does not say the format"),
        ({"format": "csv"}, "format: 'csv' is none of netcdf, tempest"),
        ({"strike_radius": "0km"}, "strike_radius: 0 km is not from 1 to 5000 km"),
        ({"strike_radius": "120km", "strike_grid": "native"}, "no spacing"),
        ({"min_winds": "5"}, "Unknown setting 'min_winds'"),
    ],
)
def test_mistakes_are_named(settings, said):
    with pytest.raises(ConfigError) as error:
        TracksConfig(**settings)
    assert said in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "netcdf"),
        ({"output": "a.nc"}, "netcdf"),
        ({"output": "a.TXT"}, "tempest"),
        ({"output": "a.csv", "format": "tempest"}, "tempest"),
    ],
)
def test_the_format_follows_from_the_name(settings, expected):
    assert TracksConfig(**settings).output_format == expected


def test_the_command_line_is_what_was_given():
    config = TracksConfig(
        min_wind="17m/s", overwrite="yes", offline="no", wind_level="850hPa"
    )
    assert config.command_line(["my run.zarr"]) == (
        "ngcm tracks 'my run.zarr' --min-wind 17m/s --overwrite --wind-level 850hPa"
    )


def test_criteria_are_described():
    text = describe_criteria(PRESETS["gencast"])
    assert text.startswith(
        "search: pressure; pressure_rise: 200; vorticity_fall: 6e-05"
    )
    assert "reference_step: 12h; max_displacement: 12; max_gap: 1d" in text
