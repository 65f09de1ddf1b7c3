"""Fields on their way to the disk: levels, grid and order of axes."""

import numpy as np
import pytest
from small_output import GRID, LEVELS, selection

from ngcm_cli.output.grid import OutputGrid


def field() -> np.ndarray:
    """Return values that say where they stand, (level, longitude, latitude)."""
    level, longitude, latitude = np.meshgrid(
        LEVELS, np.arange(8), np.arange(4), indexing="ij"
    )
    return (level + 10 * longitude + latitude).astype("f4")


def test_fields_on_some_levels_in_the_order_of_the_disk():
    chosen = selection(levels=(200, 850)).select("temperature", field())
    assert chosen.shape == (2, 4, 8) and chosen.dtype == np.float32
    assert chosen[1, 3, 7] == 850 + 70 + 3 and chosen[0, 1, 2] == 200 + 20 + 1
    assert chosen.flags.c_contiguous


def test_members_stay_in_front():
    both = np.stack([field(), -field()])
    chosen = selection().select("temperature", both)
    assert chosen.shape == (2, 3, 4, 8)
    np.testing.assert_array_equal(chosen[1], -chosen[0])
    surface = selection().select("surface_pressure", both[:, :1])
    assert surface.shape == (2, 4, 8)
    np.testing.assert_array_equal(surface[0], field()[0].T)


def test_a_surface_field_has_no_level():
    fields = selection()
    assert fields.describe("surface_pressure")[0] == ("latitude", "longitude")
    assert fields.shape("surface_pressure") == (4, 8)
    assert fields.describe("temperature")[0] == ("level", "latitude", "longitude")
    assert not fields.is_on_levels("surface_pressure") and fields.has_levels
    assert not selection(("surface_pressure",)).has_levels
    np.testing.assert_array_equal(
        fields.select("surface_pressure", field()[:1]), field()[0].T
    )


def test_fields_on_a_regular_grid():
    fields = selection(grid=OutputGrid.regular(GRID, 45))
    regridded = fields.select("temperature", np.ones((3, 8, 4), "f4"))
    assert regridded.shape == (3, 5, 8) == fields.shape("temperature")
    assert (regridded == 1).all()


def test_sigma_levels():
    sigma = (0.25, 0.75)
    fields = selection(levels=sigma, model_levels=sigma, vertical="sigma")
    assert fields.describe("temperature")[0] == ("sigma", "latitude", "longitude")
    coordinate = fields.coordinates()["sigma"]
    assert coordinate.values.tolist() == [0.25, 0.75]
    assert coordinate.attributes["long_name"] == "Pressure divided by surface pressure"
    assert "level" not in fields.coordinates()
    chosen = fields.select("temperature", field()[:2])
    np.testing.assert_array_equal(chosen, field()[:2].swapaxes(1, 2))


@pytest.mark.parametrize(
    "levels, kind", [((200, 850), "i"), ((200.0, 850.0), "i"), ((0.5, 500), "f")]
)
def test_levels_between_whole_numbers_keep_their_fraction(levels, kind):
    values = selection(levels=levels, model_levels=levels).coordinates()["level"].values
    assert values.tolist() == list(levels) and values.dtype.kind == kind


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"top": 500.5}, (200, 500)),
        ({"top": 200.0}, ()),
        ({"top": 500.5, "levels": (850,)}, ()),
        ({"top": 500.5, "variables": ("surface_pressure",)}, ()),
        ({}, ()),
        ({"top": 0.5, "levels": (0.25, 0.75), "vertical": "sigma"}, ()),
    ],
)
def test_levels_above_the_model_are_said_to_be_extrapolated(changes, expected):
    fields = selection(**changes)
    assert fields.extrapolated == expected
    coordinates = fields.coordinates()
    if "level" in coordinates:
        said = coordinates["level"].attributes
        assert said.get("highest_model_level") == changes.get("top")
        assert ("200, 500 hPa: above" in said.get("comment", "")) == bool(expected)
