"""Statistics written while an ensemble runs are those of the members it stores."""

import numpy as np
import pytest
from ngcm_cli.ensemble.parts import parts_folder
from small import NAMES, go, read

pytestmark = pytest.mark.slow


def test_they_are_those_of_the_stored_members(five):
    ds = read(five)
    for name in NAMES:
        x = ds[name].astype(np.float64)
        for statistic in ("mean", "std", "min", "max"):
            ours = ds[f"{name}_{statistic}"]
            theirs = getattr(x, statistic)("realization").transpose(*ours.dims)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
        for percent in (10, 50, 90):
            ours = ds[f"{name}_p{percent}"]
            theirs = x.quantile(percent / 100, "realization").transpose(*ours.dims)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_attributes_say_what_they_are(five):
    ds = read(five)
    assert ds["temperature_std"].attrs["units"] == "K"
    assert ds["temperature_std"].attrs["units_metadata"] == "temperature: difference"
    assert (
        "realization: standard_deviation"
        in (ds["temperature_std"].attrs["cell_methods"])
    )
    assert ds["temperature_p10"].attrs["long_name"].startswith("Percentile 10")
    assert ds["realization"].attrs["standard_name"] == "realization"
    assert ds.attrs["status"] == "complete"
    assert (ds["completed_lead_times"] == 3).all()
    assert (ds["finite_lead_times"] == 3).all()


def test_without_the_members(five, reduced_model, tmp_path):
    path = go(
        tmp_path / "a.zarr",
        model=reduced_model,
        members=5,
        batch=2,
        statistics="mean,p90",
        keep_members=False,
    )
    ours, theirs = read(path), read(five)
    assert not set(NAMES) & set(ours.data_vars)
    for name in NAMES:
        for statistic in ("mean", "p90"):
            full = f"{name}_{statistic}"
            assert ours[full].values.tobytes() == theirs[full].values.tobytes()
    assert not parts_folder(path).exists()
    assert [p.name for p in tmp_path.iterdir()] == ["a.zarr"]


def test_as_netcdf(five, reduced_model, tmp_path):
    import xarray as xr

    path = go(
        tmp_path / "a.nc", model=reduced_model, members=5, batch=2, statistics="mean"
    )
    with xr.open_dataset(path) as ours:
        for name in (*NAMES, "temperature_mean"):
            assert (ours[name].values == read(five)[name].values).all()
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"]
