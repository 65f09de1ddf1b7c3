"""Sums of products of fields without gaps, beside those of any field."""

import numpy as np

from ngcm_cli.verification.area_sums import ProductSums, area_sums
from ngcm_cli.verification.regions import region_weights

LATITUDE = np.linspace(-90, 90, 19)
LONGITUDE = np.arange(36) * 10.0
RANDOM = np.random.default_rng(0)
NAMES = ("global", "europe", "tropics_land", "europe_land", "x=-10:20,-30:40")
LAND = RANDOM.uniform(size=(19, 36))
WEIGHTS = region_weights(NAMES, LATITUDE, LONGITUDE, LAND)
FIRST, SECOND = RANDOM.normal(size=(2, 5, 19, 36))


def products(first: np.ndarray, second: np.ndarray | None) -> ProductSums:
    sums = ProductSums(WEIGHTS, len(first))
    for levels in slice(0, 2), slice(2, 5):
        other = None if second is None else second[levels]
        sums.add("product", levels, first[levels], other)
    return sums


def test_products_in_bands_boxes_and_on_land():
    for second in SECOND, FIRST, None:
        whole = FIRST if second is None else FIRST * second
        expected = np.einsum("ryx,lyx->rl", WEIGHTS, whole)
        found = products(FIRST, second).statistics()
        assert found is not None
        everywhere = np.ones(FIRST.shape, bool)
        others = area_sums({"product": whole}, everywhere, WEIGHTS)["product"]
        total, weight = found["product"]
        np.testing.assert_allclose(total, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(total, others.total, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(weight, others.weight, rtol=1e-14)


def test_products_that_are_not_finite_are_left_to_others():
    for value in np.nan, np.inf:
        field = FIRST.copy()
        field[3, 7, 11] = value
        assert products(field, None).statistics() is None
