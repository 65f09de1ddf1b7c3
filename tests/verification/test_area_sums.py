"""Sums of fields without gaps, beside those of any field."""

import numpy as np

from ngcm_cli.verification.area_sums import FieldSums, area_sums
from ngcm_cli.verification.regions import region_weights

LATITUDE = np.linspace(-90, 90, 19)
LONGITUDE = np.arange(36) * 10.0
RANDOM = np.random.default_rng(0)
NAMES = ("global", "europe", "tropics_land", "europe_land", "x=-10:20,-30:40")
LAND = RANDOM.uniform(size=(19, 36))
WEIGHTS = region_weights(NAMES, LATITUDE, LONGITUDE, LAND)
FIELD = RANDOM.normal(size=(5, 19, 36))


def sums(field: np.ndarray) -> FieldSums:
    found = FieldSums(WEIGHTS, 5, ["same", "twice"])
    for levels in slice(0, 2), slice(2, 5):
        found.put(levels, np.stack([field[levels], 2 * field[levels]]))
    return found


def test_sums_in_bands_boxes_and_on_land():
    expected = np.einsum("ryx,lyx->rl", WEIGHTS, FIELD)
    found = sums(FIELD).statistics()
    assert found is not None
    everywhere = np.ones(FIELD.shape, bool)
    others = area_sums({"same": FIELD}, everywhere, WEIGHTS)["same"]
    total, weight = found["same"]
    np.testing.assert_allclose(total, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(total, others.total, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(weight, others.weight, rtol=1e-14)
    np.testing.assert_array_equal(found["twice"].total, 2 * total)


def test_regions_without_any_box():
    land = WEIGHTS[2:4]
    everywhere = np.ones(FIELD.shape, bool)
    total, _ = area_sums({"sum": FIELD}, everywhere, land)["sum"]
    expected = np.einsum("ryx,lyx->rl", land, FIELD)
    np.testing.assert_allclose(total, expected, rtol=1e-12, atol=1e-12)


def test_values_that_are_not_finite_are_left_to_others():
    for value in np.nan, np.inf:
        field = FIELD.copy()
        field[3, 7, 11] = value
        assert sums(field).statistics() is None
