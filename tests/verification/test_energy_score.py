import itertools

import numpy as np
import pytest
from synthetic_fields import LATITUDE, LONGITUDE, SHAPE, random_fields, region_means

from ngcm_cli.verification.energy_score import energy_score_statistics
from ngcm_cli.verification.ensemble_metrics import ensemble_statistics
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.regions import region_weights

WEIGHTS = region_weights(["global", "tropics"], LATITUDE, LONGITUDE)
MEMBERS = random_fields(0, 5)


def test_energy_score_from_all_pairs():
    truth = random_fields(1, missing=True)

    def norm(x):
        return np.sqrt(region_means(np.square(x) + 0 * truth, WEIGHTS))

    skill = np.mean([norm(x - truth) for x in MEMBERS], axis=0)
    pairs = itertools.permutations(MEMBERS, 2)
    spread = np.mean([norm(a - b) for a, b in pairs], axis=0)
    means = energy_score_statistics(MEMBERS, truth, WEIGHTS).means()
    np.testing.assert_allclose(means["energy_skill"], skill, rtol=1e-10)
    np.testing.assert_allclose(means["energy_spread"], spread, rtol=1e-10)
    np.testing.assert_allclose(
        METRICS["energy_score"](means), skill - spread / 2, rtol=1e-10
    )


def test_energy_score_of_one_cell_is_the_crps():
    cell = np.ones((1, 1, 1))
    members, truth = MEMBERS[:, :, :1, :1], random_fields(1)[:, :1, :1]
    np.testing.assert_allclose(
        METRICS["energy_score"](energy_score_statistics(members, truth, cell).means()),
        METRICS["crps"](ensemble_statistics(members, truth, cell).means()),
        rtol=1e-10,
    )


def test_equal_members_have_no_spread():
    members = np.repeat(MEMBERS[:1], 4, axis=0)
    statistics = energy_score_statistics(members, MEMBERS[1], WEIGHTS)
    assert (statistics["energy_spread"].total == 0).all()


def test_missing_values():
    truth = random_fields(1)
    truth[0] = np.nan
    members = MEMBERS.copy()
    members[0, 1, 0, 0] = np.nan  # at 80 degrees south
    statistics = energy_score_statistics(members, truth, WEIGHTS)
    result = METRICS["energy_score"](statistics.means())
    assert np.isnan(result[:, 0]).all() and np.isfinite(result[:, 2]).all()
    assert np.isnan(result[0, 1]) and np.isfinite(result[1, 1])
    np.testing.assert_array_equal(
        statistics["energy_skill"].weight, [[0, 1, 1], [0, 1, 1]]
    )


def test_one_member_is_no_ensemble():
    with pytest.raises(ValueError, match="two members"):
        energy_score_statistics(MEMBERS[:1], np.zeros(SHAPE), WEIGHTS)
