"""The comparison of ensembles with other random numbers."""

import numpy as np
import pytest
import xarray as xr
from published_fields import (
    DIMS,
    INITS,
    LATITUDE,
    LEVELS,
    forecasts,
    plan,
    truth,
)

from ngcm_cli.inputs.cell_areas import area_weights
from ngcm_cli.verification.published.comparison import compare_forecasts
from ngcm_cli.verification.published.table import explanation, failure, table
from ngcm_cli.verification.scored_variables import ScoredVariable


def ensemble(seed: int, members: int, spread: float = 1.0) -> xr.Dataset:
    """Return members around the same forecasts."""
    rng = np.random.default_rng(seed)
    data = forecasts()[["temperature"]]
    noise = rng.normal(0, spread, (members, *data["temperature"].shape))
    values = (data["temperature"].values + noise).astype(np.float32)
    data = data.drop_vars("temperature")
    data["temperature"] = ("realization", *DIMS), values, {"units": "K"}
    return data.assign_coords(realization=np.arange(members))


def compare_ensembles(ours: xr.Dataset, published: xr.Dataset, members: int):
    only = (ScoredVariable("temperature", tuple(LEVELS), ("temperature",), units="K"),)
    chosen = plan(published, truth(0.1), variables=only, members=members)
    return compare_forecasts(chosen, ours)


def test_ensembles_with_other_random_numbers_agree():
    comparison = compare_ensembles(ensemble(1, 10), ensemble(2, 20), 10)
    assert comparison.failed == ()
    for field in comparison.fields:
        x = field.difference
        # 1024 independent cells: the root mean square is within 10 % of chance.
        assert x.sampling == pytest.approx(np.sqrt(1 / 10 + 1 / 10), rel=0.1)
        assert x.rms == pytest.approx(x.sampling, rel=0.1)
        assert x.our_spread == pytest.approx(1, rel=0.1)
        assert x.our_crps == pytest.approx(x.published_crps, rel=0.1)
    assert len(table(comparison)[0]) == len(table(comparison)[1])
    assert "none of ours can equal a published one" in explanation(comparison)[0]


def test_crps_of_two_members_by_hand():
    ours, published = ensemble(1, 2), ensemble(2, 2)
    x = compare_ensembles(ours, published, 2).fields[0].difference
    members = ours["temperature"].values[:, :, 0, 0].astype(float)
    times = truth(0.1)["temperature"].sel(time=INITS).values[:, 0].astype(float)
    fair = abs(members - times).mean(0) - abs(members[0] - members[1]) / 2
    weights = np.broadcast_to(area_weights(LATITUDE)[:, None], fair.shape)
    assert x.our_crps == pytest.approx(np.average(fair, weights=weights), rel=1e-9)


def test_ensembles_that_do_not_agree():
    wide = compare_ensembles(ensemble(1, 10), ensemble(2, 10, 1.5), 10)
    assert len(wide.failed) == 3 * len(LEVELS)
    warm = ensemble(2, 10)
    warm["temperature"] = (warm["temperature"] + np.float32(2)).assign_attrs(units="K")
    comparison = compare_ensembles(ensemble(1, 10), warm, 10)
    assert len(comparison.failed) == 3 * len(LEVELS)
    assert "off everywhere" in failure(comparison)
