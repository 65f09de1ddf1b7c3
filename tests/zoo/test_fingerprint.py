import math

import numpy as np
import pytest
from gcm import bundled

from ngcm_cli.zoo import DEFAULT, find_card
from ngcm_cli.zoo.verify import deviation, field_prints


@pytest.fixture(scope="module")
def fields():
    """One step after the bundled state, as the tests of the model make it."""
    decoded = bundled.model().decode(bundled.advanced())
    return {name: np.asarray(x) for name, x in decoded.items()}


def test_the_bundled_model_has_the_fingerprint_of_its_card(fields):
    kept = find_card(DEFAULT).fingerprint
    assert deviation(fields, kept.variables) <= kept.tolerance


def test_another_seed_has_another_fingerprint():
    decoded = bundled.model().decode(bundled.advanced(1))
    kept = find_card(DEFAULT).fingerprint
    found = deviation({k: np.asarray(x) for k, x in decoded.items()}, kept.variables)
    assert found > 3 * kept.tolerance


def test_numbers_of_a_field():
    x = np.arange(160, dtype=np.float32).reshape(2, 8, 10)
    kept = field_prints({"x": x})
    assert kept["x"].values == (10, 30, 50, 70, 90, 110, 130, 150)
    assert kept["x"].std == pytest.approx(np.std(np.arange(160)))
    assert deviation({"x": x}, kept) == 0
    x[0, 1, 0] += 1
    assert deviation({"x": x}, kept) == pytest.approx(1 / kept["x"].std)
    assert math.isinf(deviation({"x": x, "y": x}, kept))


def test_a_field_that_is_not_finite_has_no_fingerprint():
    x = np.full((2, 8, 10), 1.0)
    kept = field_prints({"x": x + np.arange(10)})
    assert not deviation({"x": x * np.nan}, kept) <= 1
    both = {"x": kept["x"], "y": kept["x"]}
    good = x + np.arange(10)
    for one, other in (good, x * np.nan), (x * np.nan, good):
        assert not deviation({"x": one, "y": other}, both) <= 1
    assert deviation({"x": x}, kept) >= 1  # a constant field deviates by nothing
