"""Statistics that come block by block are those of all members at once."""

import hypothesis
import numpy as np
import pytest
import xarray as xr
from hypothesis import strategies

from ngcm_cli.diagnostics.ensemble_statistics import evaluate, merge, summarize

ALL = ("mean", "std", "min", "max", "p1", "p10", "p37", "p50", "p75", "p90", "p99")


def expected(x: np.ndarray) -> dict[str, np.ndarray]:
    x = x.astype(np.float64)
    simple = {f.__name__: f(x, axis=0) for f in (np.mean, np.std, np.min, np.max)}
    percentiles = {
        name: np.percentile(x, int(name[1:]), axis=0)
        for name in ALL
        if name not in simple
    }
    return simple | percentiles


def in_blocks(x: np.ndarray, ends: list[int], statistics=ALL, ddof=0) -> dict:
    whole, start = None, 0
    for end in [*ends, len(x)]:
        if end > start:
            numbers = tuple(range(start, end))
            some = summarize(numbers, x[start:end], statistics, len(x))
            whole = some if whole is None else merge(whole, some, statistics, len(x))
            start = end
    assert whole is not None and whole.members == tuple(range(len(x)))
    return evaluate(whole, statistics, ddof)


@hypothesis.given(
    strategies.integers(1, 40),
    strategies.lists(strategies.integers(1, 40), max_size=4),
    strategies.integers(0, 2**16),
)
def test_any_blocks(count, ends, seed):
    x = np.random.default_rng(seed).normal(280, 5, (count, 2, 3)).astype(np.float32)
    ours = in_blocks(x, sorted(min(end, count) for end in ends))
    for name, field in expected(x).items():
        assert ours[name].dtype == np.float32
        # The deviation is small beside the values, and float32 at the very end.
        np.testing.assert_allclose(ours[name], field, rtol=2e-7, atol=1e-6)


def test_extremes_are_values_of_members():
    x = np.random.default_rng(0).normal(size=(9, 50)).astype(np.float32)
    ours = in_blocks(x, [4])
    assert (ours["min"] == x.min(0)).all() and (ours["max"] == x.max(0)).all()
    assert (ours["p50"] == np.sort(x, axis=0)[4]).all()


@pytest.mark.parametrize("statistics", [(name,) for name in ALL])
def test_each_alone_keeps_what_it_needs(statistics):
    x = np.random.default_rng(1).normal(size=(11, 20)).astype(np.float32)
    ours = in_blocks(x, [3, 7], statistics)[statistics[0]]
    np.testing.assert_allclose(ours, expected(x)[statistics[0]], rtol=1e-6, atol=1e-6)


def test_few_values_are_kept():
    x = np.zeros((50, 3), np.float32)
    summary = summarize(range(50), x, ("mean", "p10", "p90"), 50)
    assert len(summary.least) == 6 and len(summary.greatest) == 6
    summary = summarize(range(50), x, ("std",), 50)
    assert not len(summary.least) and not len(summary.greatest)


@pytest.mark.parametrize("lost", [[0], [3, 4, 5], [2, 8]])
def test_a_member_that_is_lost_is_no_part_of_them(lost):
    x = np.random.default_rng(2).normal(size=(9, 4)).astype(np.float32)
    rest = np.delete(x, lost, axis=0)
    x[lost, 1] = np.nan
    ours = in_blocks(x, [3, 6])
    for name, field in expected(rest).items():
        np.testing.assert_allclose(ours[name], field, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("ddof", [0, 1])
def test_the_divisor_of_the_standard_deviation(ddof):
    """As ``xarray.DataArray.std(ddof=1)`` in WeatherBench; NaN of one member."""
    x = np.random.default_rng(4).normal(280, 5, (7, 6)).astype(np.float32)
    x[3, 0] = np.nan
    std = in_blocks(x, [2, 5], ("std",), ddof)["std"]
    kept = xr.DataArray(np.delete(x, 3, axis=0).astype("f8"), dims=("number", "place"))
    np.testing.assert_allclose(std, kept.std("number", ddof=ddof), rtol=1e-6)
    alone = in_blocks(x[:1], [], ("std",), ddof)["std"]
    np.testing.assert_array_equal(alone, np.full(6, np.nan if ddof else 0.0))


def test_nobody_left():
    x = np.full((3, 4), np.nan, np.float32)
    assert all(np.isnan(field).all() for field in in_blocks(x, [2]).values())
