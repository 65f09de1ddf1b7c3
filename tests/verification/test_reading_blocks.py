"""How often chunks of a store are read, and in which parts."""

import collections
import types
from typing import Any

import numpy as np
import pytest
from synthetic_forecasts import forecast, truth
from zarr.storage import LocalStore

from ngcm_cli.verification import reading_blocks
from ngcm_cli.verification.baselines import ProbabilisticClimatology
from ngcm_cli.verification.comparison_grid import ComparisonGrid
from ngcm_cli.verification.evaluation import evaluate
from ngcm_cli.verification.reading_blocks import ReadingBlocks
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.truth import Truth


@pytest.mark.parametrize("largest", [1 << 28, 1])
def test_chunks_of_several_initial_times(tmp_path, monkeypatch, largest):
    record = truth(days=8)
    made = forecast(record, error=0.5, noise=1.0, starts=10)
    expected = evaluate(made, record, variables="temperature")
    names = {"init_time": "time", "lead_time": "prediction_timedelta"}
    stored = made[["temperature"]].rename(names)
    chunks = (4, 2, *stored.temperature.shape[2:])
    stored.to_zarr(
        tmp_path / "forecast.zarr",
        encoding={"temperature": {"chunks": chunks}},
        zarr_format=2,
    )
    reads: collections.Counter[str] = collections.Counter()
    once = LocalStore.get

    async def counted(store, key, *args, **kwargs):
        reads[key] += 1
        return await once(store, key, *args, **kwargs)

    monkeypatch.setattr(LocalStore, "get", counted)
    monkeypatch.setattr(reading_blocks, "_LARGEST_CHUNK", largest)
    location = str(tmp_path / "forecast.zarr")
    scores = evaluate(location, record, variables="temperature", check_times="no")
    fields = {
        key: count for key, count in reads.items() if key.startswith("temperature/0.")
    }
    assert fields  # the chunks of the first four initial times
    # Chunks that are too large to be kept are read for each initial time.
    assert set(fields.values()) == ({1} if largest > 1 else {4})
    for name in expected.data_vars:
        np.testing.assert_allclose(scores[name], expected[name], rtol=1e-12, atol=1e-12)


def test_blocks_end_where_chunks_do():
    blocks = ReadingBlocks(field=10 << 20, leads=4, inits=1)
    parts = [part.tolist() for part in blocks.divide(np.array([1, 2, 3, 4, 9]), 1)]
    assert parts == [[1, 2, 3], [4], [9]]
    assert blocks.scored == 1
    small = ReadingBlocks(field=1 << 18, leads=1, inits=1)
    assert small.scored == 4
    assert [part.size for part in small.divide(np.arange(100), 1)] == [96, 4]


def test_members_of_a_probabilistic_climatology_count():
    data = truth(days=366 + 2 * 365, step=24)
    record = Truth(data, ComparisonGrid.of(data))
    baseline = ProbabilisticClimatology(record, None, np.array(["2022-05-01"], "M8[s]"))
    plan: Any = types.SimpleNamespace(truth=record, grid=record.grid)
    variable = ScoredVariable("temperature", (850.0,), ("temperature",))
    assert ReadingBlocks.of(plan, baseline, variable).field == 4 * 2 * 13 * 24
