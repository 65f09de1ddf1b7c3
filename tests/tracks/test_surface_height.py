"""The height of the ground, from the data or from the model that made them."""

import numpy as np
import pytest
import xarray as xr

from ngcm_cli.errors import CheckpointError
from ngcm_cli.simulation import ground
from ngcm_cli.tracks.model_height import model_surface_height
from ngcm_cli.tracks.surface_height import find_surface_height

FIELD = np.arange(6.0).reshape(2, 3)
PLACE = "latitude", "longitude"
NAMED = {"model": "tiny", "weights_sha256": "0" * 64}


@pytest.mark.parametrize(
    ("name", "attributes", "factor"),
    [
        ("orog", {}, 1),
        ("surface_altitude", {}, 1),
        ("topography", {"standard_name": "surface_altitude"}, 1),
        ("geopotential_at_surface", {}, 1 / 9.80616),
        ("zs", {"standard_name": "surface_geopotential"}, 1 / 9.80616),
    ],
)
def test_names_of_the_data(name, attributes, factor):
    data = xr.Dataset({"t": (PLACE, FIELD), name: (PLACE, FIELD, attributes)})
    height, note = find_surface_height(data)
    np.testing.assert_allclose(height, factor * FIELD)
    assert name in note


def test_a_height_at_several_times_is_that_of_the_first():
    both = np.stack([FIELD.T, FIELD.T + 5], axis=1)
    data = xr.Dataset({"orog": (("longitude", "time", "latitude"), both)})
    np.testing.assert_array_equal(find_surface_height(data)[0], FIELD)


def test_geopotential_on_levels_is_no_height():
    data = xr.Dataset({"geopotential": (("level", *PLACE), FIELD[None])})
    assert find_surface_height(data) == (None, "")


def test_the_model_of_the_data(monkeypatch):
    data = xr.Dataset({"t": (PLACE, FIELD)}, attrs=NAMED)
    given = []

    def fields(*words):
        given.append(words)
        return {"orog": FIELD, "sftlf": FIELD}

    monkeypatch.setattr(ground, "ground_of_model", fields)
    np.testing.assert_array_equal(model_surface_height(data), FIELD)
    assert given == [("tiny", "0" * 64, NAMED)]
    assert model_surface_height(data.isel(latitude=[0])) is None  # a part of the grid
    assert model_surface_height(xr.Dataset()) is None


def test_a_model_that_is_not_here(monkeypatch, caplog):
    def fail(*_):
        raise CheckpointError("There is no model tiny.", "")

    monkeypatch.setattr(ground, "ground_of_model", fail)
    data = xr.Dataset({"t": (PLACE, FIELD)}, attrs=NAMED)
    with caplog.at_level("INFO", "ngcm_cli"):
        assert model_surface_height(data) is None
    assert "There is no model tiny" in caplog.text
