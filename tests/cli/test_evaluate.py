"""``ngcm evaluate`` from files to a score file."""

import csv
import io
import json
import pathlib
import sys

import numpy as np
import pytest
import xarray as xr
from command_line import ngcm

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "verification"))
from synthetic_forecasts import forecast, truth  # noqa: E402

VARIABLES = "temperature", "geopotential"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    """A folder with a truth, and the same forecasts in three layouts."""
    folder = tmp_path_factory.mktemp("evaluate")
    record = truth(days=8, variables=VARIABLES)
    record["geopotential"] = record["geopotential"] * 200  # m2 s-2, as at 500 hPa
    record["geopotential"].attrs = {"units": "m2 s-2"}
    record.to_netcdf(folder / "truth.nc")
    made = forecast(record, error=0.5, noise=1.0, starts=10)
    made.to_zarr(folder / "ours.zarr", zarr_format=3, consolidated=False)
    weatherbench = made.rename(
        init_time="time", lead_time="prediction_timedelta"
    ).transpose("time", "prediction_timedelta", "level", "longitude", "latitude")
    weatherbench.isel(latitude=slice(None, None, -1)).to_zarr(
        folder / "weatherbench.zarr", zarr_format=2
    )
    made.drop_vars("geopotential").to_netcdf(folder / "x.nc")
    forecast(record, error=1.0, noise=0.5, members=3, starts=10).rename(
        realization="number"
    ).to_netcdf(folder / "members.nc")
    return folder


def run(folder: pathlib.Path, *words: str, fails: bool = False):
    done = ngcm("evaluate", *words, folder=folder)
    assert (done.returncode == 2) == fails, done.stderr
    return done


def test_layouts_give_equal_scores(folder, tmp_path):
    output = tmp_path / "scores.nc"
    done = run(
        folder, "ours.zarr", "weatherbench.zarr", "wbx=x.nc", "members.nc",
        *("--truth", "truth.nc", "--variables", "t850", "-o", str(output)),
    )  # fmt: skip
    assert done.stdout == f"{output}\n"
    assert "rmse temperature 850 hPa (K)" in done.stderr
    with xr.open_dataset(output, decode_timedelta=True) as scores:
        assert scores.forecast.values.tolist() == [
            "ours", "weatherbench", "wbx", "members",
        ]  # fmt: skip
        rmse = scores["rmse.temperature"]
        for other in "weatherbench", "wbx":
            np.testing.assert_array_equal(
                rmse.sel(forecast=other), rmse.sel(forecast="ours")
            )
        assert scores.reference == "ours"
        assert np.isnan(scores["crps.temperature"].sel(forecast="ours")).all()
        assert np.isfinite(scores["crps.temperature"].sel(forecast="members")).all()
        difference = scores["rmse.temperature_difference"]
        np.testing.assert_allclose(difference.sel(forecast="wbx"), 0, atol=1e-12)
        lower = scores["rmse.temperature_difference_lower"].sel(forecast="members")
        assert (lower <= difference.sel(forecast="members")).all()


def test_parts_are_merged(folder, tmp_path):
    others = "--truth", "truth.nc", "--by-init", "--maps", "--variables", "t850,z500"
    words = "ours.zarr", *others, "--baseline", "persistence", "-o"
    first = "2020-01-01/2020-01-02T12/12h"
    second = "2020-01-03/2020-01-05T12/12h"
    run(folder, *words, str(tmp_path / "whole.nc"))
    run(folder, *words, str(tmp_path / "b.nc"), "--init", second)
    run(folder, *words, str(tmp_path / "a.nc"), "--init", first)
    names = ["b.nc", "a.nc"]
    run(tmp_path, *names, "--merge", "--output", "merged.nc")
    with (
        xr.open_dataset(tmp_path / "whole.nc", decode_timedelta=True) as whole,
        xr.open_dataset(tmp_path / "merged.nc", decode_timedelta=True) as merged,
    ):
        assert set(whole.variables) == set(merged.variables)
        for name in whole.data_vars:
            np.testing.assert_allclose(
                merged[name], whole[name], rtol=1e-12, atol=1e-12, err_msg=str(name)
            )
        assert merged.merged_from == "b.nc, a.nc"
    done = run(tmp_path, "a.nc", "whole.nc", "--merge", "-o", "c.nc", fails=True)
    assert "2020-01-01T00 is in two of the files" in done.stderr
    bare = [word for word in words if word != "--maps"]
    run(folder, *bare, str(tmp_path / "without.nc"), "--init", second)
    done = run(tmp_path, "a.nc", "without.nc", "--merge", "-o", "c.nc", fails=True)
    assert "without.nc has other maps" in done.stderr
    run(folder, "ours.zarr", "--truth", "truth.nc", "-o", str(tmp_path / "bare.nc"))
    done = run(tmp_path, "a.nc", "bare.nc", "--merge", "-o", "c.nc", fails=True)
    assert "--by-init" in done.stderr


def test_formats(folder, tmp_path):
    words = "ours.zarr", "--truth", "truth.nc", "--variables", "t850", "--output"
    done = run(folder, *words, str(tmp_path / "a.nc"), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows[0]["metric"] == "rmse" and rows[0]["region"] == "global"
    assert float(rows[0]["lower"]) < float(rows[0]["value"])
    assert str(tmp_path / "a.nc") in done.stderr
    done = run(folder, *words, str(tmp_path / "b.nc"), "--format", "json")
    found = json.loads(done.stdout)
    assert {row["metric"] for row in found["scores"]} == {"rmse", "mae", "bias", "rmsb"}
    assert found["attributes"]["truth"] == "truth.nc"
    done = run(folder, *words, str(tmp_path / "c.nc"), "--format", "md")
    assert done.stdout.startswith("| Score | 6h | 12h | 1d |\n| --- |")


def test_dry_run_and_run_file(folder, tmp_path):
    (tmp_path / "run.yaml").write_text(
        f"forecast: [{folder}/ours.zarr]\ntruth: {folder}/truth.nc\n"
        "variables: z500\nlead: 1d\nbaseline: persistence\n"
    )
    done = run(tmp_path, "--config", "run.yaml", "--dry-run")
    assert "Variables   geopotential at 500 hPa" in done.stdout
    assert "Starts      10, 2020-01-01T00 to 2020-01-05T12" in done.stdout
    assert not (tmp_path / "scores.nc").exists()
    done = run(tmp_path, "--config", "run.yaml", "--regions", "tropics")
    assert done.stdout == "scores.nc\n"
    with xr.open_dataset(tmp_path / "scores.nc", decode_timedelta=True) as scores:
        assert scores.region.values.tolist() == ["global", "tropics"]
        assert scores.lead_time.values.tolist() == [86400 * 10**9]
        settings = json.loads(scores.settings)
        assert settings["lead"] == "1d" and settings["variables"] == "z500"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ours.zarr",), "There is no truth to compare with"),
        ((), "There is nothing to score"),
        (("ours.zarr", "--truth", "nothing.nc"), "nothing.nc"),
        (("ours.zarr", "--truth", "ours.zarr"), "is a forecast, which cannot be"),
        (("truth.nc", "--truth", "truth.nc"), "is no forecast"),
        (("ours.zarr", "--truth", "truth.nc", "--resume"), "no interrupted"),
        (("a=ours.zarr", "a=x.nc", "--truth", "truth.nc"), "'a' is taken"),
        (("x.nc", "x.nc", "--truth", "truth.nc"), "x.nc is given twice"),
        (("ours.zarr", "--merge"), "One score file is not merged"),
        (("ours.zarr", "--truth", "truth.nc", "-o", "no/s.nc"), "does not exist"),
    ],
)
def test_wrong_commands(folder, words, message):
    done = run(folder, *words, fails=True)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_workers_of_a_cluster_share_the_initial_times(folder, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    from ngcm_cli.verification import evaluation_blocks

    def blocks(count):
        return [range(i, min(i + 4, count)) for i in range(0, count, 4)]

    monkeypatch.setattr(evaluation_blocks, "divide", blocks)
    words = "ours.zarr", "--truth", "truth.nc", "--variables", "t850", "-o"
    run(folder, *words, str(tmp_path / "alone.nc"))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        run(folder, *words, str(tmp_path / "shared.nc"), "--scheduler", address)
    with (
        xr.open_dataset(tmp_path / "alone.nc", decode_timedelta=True) as alone,
        xr.open_dataset(tmp_path / "shared.nc", decode_timedelta=True) as shared,
    ):
        for name in alone.data_vars:
            np.testing.assert_allclose(shared[name], alone[name], rtol=1e-12)
