"""Statistics over members, against NumPy over the members themselves."""

import shutil

import numpy as np
import pytest
from runs import (
    ENSEMBLE,
    STATISTICS,
    STATISTICS_ONLY,
    Stop,
    assert_same_values,
    read,
    stopping,
)

from ngcm_cli.errors import OutputError
from ngcm_cli.output.run_directory import RunDirectory

NAMES = "temperature", "surface_pressure"


def assert_statistics(ds, members):
    """Assert that all statistics are those of the members of a data set."""
    for name in NAMES:
        x = members[name].values.astype(np.float64)
        expected = {
            "mean": x.mean(0),
            "std": x.std(0, ddof=int(len(x) > 1)),
            "min": x.min(0),
            "max": x.max(0),
            **{f"p{n}": np.percentile(x, n, axis=0) for n in (10, 50, 90)},
        }
        assert sorted(expected) == sorted(STATISTICS.split(","))
        for statistic, right in expected.items():
            ours = ds[f"{name}_{statistic}"].values
            if statistic in ("min", "max"):
                assert ours.tobytes() == right.astype(np.float32).tobytes()
            scale = np.abs(x).max()
            np.testing.assert_allclose(ours, right, rtol=0, atol=2e-7 * scale)


def test_the_divisor_is_a_choice(tiny, tmp_path):
    name, stores = "temperature_std", []
    for ddof in (0, 1):
        (tmp_path / f"{ddof}").mkdir()
        settings = {"members": 4, "statistics": "std", "ddof": ddof}
        stores.append(read(ENSEMBLE.start(tmp_path / f"{ddof}", **settings))[name])
    np.testing.assert_allclose(stores[1], stores[0] * np.sqrt(4 / 3), rtol=1e-6)
    for ddof, divisor in enumerate(("members", "members minus 1")):
        methods = stores[ddof].attrs["cell_methods"]
        assert methods.endswith(f"(divided by the number of {divisor})")


@pytest.mark.parametrize("members, batch", [(5, 1), (5, 2), (5, 5), ("1:8", 3), (1, 1)])
@pytest.mark.parametrize("keep_members", [True, False])
def test_blocks_of_any_size(tiny, tmp_path, members, batch, keep_members):
    settings = {"members": members, "batch": batch, "ddof": int(members != 1)}
    kept = read(ENSEMBLE.start(tmp_path, **settings, statistics="none"))
    (tmp_path / "statistics").mkdir()
    ds = read(
        ENSEMBLE.start(tmp_path / "statistics", **settings, keep_members=keep_members)
    )
    assert_statistics(ds, kept)
    for name in NAMES:
        assert (name in ds) == keep_members
        if keep_members:
            assert ds[name].values.tobytes() == kept[name].values.tobytes()
    assert (ds["realization"].values == kept["realization"].values).all()


def test_several_initial_times(tiny, tmp_path):
    ds = read(ENSEMBLE.start(tmp_path, init="1959-01-02T00,1959-01-03T00"))
    assert ds.sizes["init_time"] == 2
    assert_statistics(ds, ds)


def test_the_same_twice(whole, tmp_path):
    assert_same_values(ENSEMBLE.start(tmp_path), whole(ENSEMBLE))


@pytest.mark.parametrize(
    "case, damage, task",
    [
        *((case, b"", 2) for case in (ENSEMBLE, STATISTICS_ONLY)),
        *((case, b"\xff[", 2) for case in (ENSEMBLE, STATISTICS_ONLY)),
        *((case, None, 2) for case in (ENSEMBLE, STATISTICS_ONLY)),
        (STATISTICS_ONLY, None, 1),
    ],
)
def test_partial_statistics_that_are_gone_are_computed_again(
    whole, tmp_path, case, damage, task
):
    """Also if only the list of their members is damaged."""
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(task, 1 if task == 2 else 3))
    folder = tmp_path / f".{case.output}.run/statistics"
    if damage is None:
        shutil.rmtree(folder)
    else:
        lists = list(folder.rglob("members.json"))
        assert lists
        for path in lists:
            path.write_bytes(damage)
    case.resume(tmp_path)
    ours, expected = read(tmp_path / case.output), read(whole(case))
    for name in expected.data_vars:
        if name.endswith("_std"):  # sums of squares in another order
            scale = expected[name].values.max()
            np.testing.assert_allclose(ours[name], expected[name], atol=3e-7 * scale)
        else:
            assert ours[name].values.tobytes() == expected[name].values.tobytes(), name


@pytest.mark.parametrize("case", [ENSEMBLE, STATISTICS_ONLY], ids=str)
def test_a_summary_that_is_damaged(whole, tmp_path, case):
    """What to remove is said; then it is computed again."""
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(1, 3))
    folder = tmp_path / f".{case.output}.run/statistics/0/0-0"
    for path in folder.glob("*.npz"):
        path.write_bytes(b"PK")
    with pytest.raises(OutputError, match="damaged or missing") as caught:
        case.resume(tmp_path)
    assert f"Remove {folder}" in caught.value.hint
    shutil.rmtree(folder)
    case.resume(tmp_path)
    assert_statistics(read(tmp_path / case.output), read(whole(ENSEMBLE)))


def test_nothing_is_left_beside_the_output(tiny, tmp_path):
    STATISTICS_ONLY.start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [STATISTICS_ONLY.output]
    assert not RunDirectory(tmp_path / ".statistics.zarr.run").has_statistics(0)
