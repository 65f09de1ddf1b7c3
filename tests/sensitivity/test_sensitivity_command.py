"""``ngcm sensitivity`` of the tiny model: files, tables and sentences."""

import cf_xarray  # noqa: F401
import numpy as np
import pytest
import xarray as xr
from command_line import ngcm
from tiny_run import CARD

import ngcm_cli
from ngcm_cli.diagnosis.columns import GROUND
from ngcm_cli.simulation import single_start
from ngcm_cli.testing import TinyModel
from ngcm_cli.units import GRAVITY_SI, LENGTH

BOX = "mean(t850, lat=0:90, lon=180:359)"
QUARTER = np.pi * LENGTH**2


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Let every start be of the tiny model, which adds one per step to all fields."""
    monkeypatch.setattr(
        single_start,
        "open_model",
        lambda name, **how: (CARD, TinyModel(stochastic=False)),
    )


def run(folder, *words):
    if "--with-respect-to" not in words:  # it has no humidity
        words = *words, "--with-respect-to", "t"
    return ngcm("sensitivity", *words, folder=folder)


def test_gradients_that_are_known(tmp_path):
    done = run(
        tmp_path,
        *("--target", BOX, "--target", "wind=kinetic_energy(500)", "--lead", "6h"),
        *("--with-respect-to", "t,u,sst", "--output", "out.nc"),
        *("--perturbation", "t850 += 2, lat=0:90", "--perturbation", "gradient"),
    )
    assert (done.returncode, done.stdout) == (0, "out.nc\n"), done.stderr
    data = ngcm_cli.bundled_state(TinyModel())
    with xr.open_dataset(tmp_path / "out.nc") as found:
        mean = found["gradient_of_mean_t850_to_temperature"]
        assert mean.dims == ("level", "latitude", "longitude")
        inside = (found.latitude > 0) & (found.longitude >= 180)
        # The weight of each cell in the box, nothing elsewhere, and one in all.
        np.testing.assert_allclose(mean.sum(), 1, rtol=1e-6)
        assert (mean.sel(level=[200, 500]) == 0).all()
        assert (mean.sel(level=850).where(~inside, 0) == 0).all()
        # The same per mass in all cells: that of a quarter of a layer down to GROUND.
        per_mass = found["sensitivity_of_mean_t850_to_temperature"].sel(level=850)
        layer = QUARTER * (GROUND - 67500) / GRAVITY_SI
        values = per_mass.values[inside.values]
        np.testing.assert_allclose(values, 1 / layer, rtol=1e-5)
        assert (mean.units, per_mass.units) == ("1", "kg-1")
        # The derivative of u²/2 is u, which has grown by one in each of six hours.
        u = found["gradient_of_wind_to_u_component_of_wind"].sel(level=500)
        weights = mean.sel(level=850).where(inside, 0).max("longitude")  # of a row / 16
        north = (u / (data.fields["u_component_of_wind"][1].T + 6)).sel(
            latitude=found.latitude > 0
        )
        expected = weights.sel(latitude=found.latitude > 0) / 4
        np.testing.assert_allclose(north, expected.broadcast_like(north), rtol=1e-4)
        assert u.units == "m s-1"
        assert found["wind"].units == "m2 s-2"
        # The tiny model has a sea that does nothing.
        sea = found["sensitivity_of_wind_to_sea_surface_temperature"]
        assert sea.units == "s-2 K-1"  # (m2 s-2) K-1 m-2
        assert (sea == 0).all()
        assert (
            found.attrs["title"]
            == "Sensitivity of forecasts by tiny from 1959-01-02T00"
        )
        assert "ngcm sensitivity --target" in found.attrs["history"]
        table = found.attrs["perturbation_check"].splitlines()
        assert found.cf["latitude"].units == "degrees_north"
    # Two targets, two perturbations; the first changes all of the box.
    assert [line.split()[0] for line in table[1:]] == 2 * ["mean_t850", "wind"]
    predicted, true = map(float, table[1].split()[-4:-2])
    assert predicted == pytest.approx(2, rel=1e-5)
    assert true == pytest.approx(2, rel=1e-4)
    assert all(line in done.stderr for line in table)


def test_squared_error_from_a_truth(tmp_path):
    """Its value and its gradient, 2 (forecast - truth) times the weight of the cell."""
    model = TinyModel()
    sample, valid = ngcm_cli.bundled_state(model), np.datetime64("1959-01-02T06", "ns")
    longitude, latitude = map(np.rad2deg, (model.grid.longitude, model.grid.latitude))
    dims = "level", "longitude", "latitude"
    coords = {"time": valid, "level": list(model.levels)}
    coords |= {"longitude": longitude, "latitude": latitude}
    error = np.sin(np.arange(sample.fields["temperature"].size))
    truth = {name: x + 6 for name, x in sample.fields.items()}  # one for each hour
    truth["temperature"] = truth["temperature"] - error.reshape(
        truth["temperature"].shape
    )
    dataset = xr.Dataset({name: (dims, x) for name, x in truth.items()}, coords)
    for name, x in dataset.data_vars.items():
        x.attrs["units"] = "K" if name == "temperature" else "m s-1"
    dataset.expand_dims("time").to_netcdf(tmp_path / "truth.nc")
    words = "--target", "mse(t850)", "--target", "mean(t850)", "--lead", "6h"
    done = run(tmp_path, *words, "--truth", "truth.nc", "--output", "out.nc")
    assert (done.returncode, done.stdout) == (0, "out.nc\n"), done.stderr
    with xr.open_dataset(tmp_path / "out.nc") as found:
        of_mean = found["gradient_of_mean_t850_to_temperature"].sel(level=850)
        of_error = found["gradient_of_mse_t850_to_temperature"].sel(level=850)
        apart = error.reshape(truth["temperature"].shape)
        apart = apart[list(model.levels).index(850)].T
        weights = of_mean.transpose("latitude", "longitude").values
        np.testing.assert_allclose(
            of_error.transpose("latitude", "longitude"), 2 * apart * weights, atol=1e-5
        )
        value = float(found["mse_t850"])
        np.testing.assert_allclose(value, (weights * apart**2).sum(), rtol=1e-4)
        assert found["mse_t850"].units == "K2" and of_error.units == "K"
    beside = run(tmp_path, *words[:2], "--lead", "5h", "--truth", "truth.nc")
    assert beside.returncode == 2 and "There is no 1959-01-02T05" in beside.stderr


def test_members_and_the_default_name(tmp_path, monkeypatch):
    stochastic = lambda name, **how: (CARD, TinyModel())
    monkeypatch.setattr(single_start, "open_model", stochastic)
    words = "--target", BOX, "--lead", "1h", "--members", "2"
    done = run(tmp_path, *words, "--perturbation", "none")
    assert done.stdout == "tiny_1959-01-02T00_sensitivity.nc\n", done.stderr
    with xr.open_dataset(tmp_path / done.stdout.strip()) as found:
        assert found.realization.values.tolist() == [0, 1]
        assert found["mean_t850"].dims == ("realization",)
        assert len(set(found["mean_t850"].values)) == 2
        assert "perturbation_check" not in found.attrs
    again = run(tmp_path, *words)
    assert again.returncode == 2
    assert "exists" in again.stderr


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "There is nothing to compute: neither a target nor singular vectors."),
        (["--target", "t850"], "'t850' is not a target."),
        (["--target", "mena(t850)"], "there is no 'mena'. Did you mean 'mean'?"),
        (["--target", "mean(tt850)"], "There is no output variable 'tt850'."),
        (["--target", "mean(t855)"], "tiny has no level 855 hPa. The nearest is 850."),
        (["--target", "mean(t)"], "'mean(t)' needs a level: temperature has many."),
        (["--target", "mean()"], "'mean()' names no variable."),
        (["--target", "mean(t850, lat=60:45)"], "are not south:north."),
        (["--target", "mean(t850, lat=a:45)"], "is not understood."),
        (["--target", "mean(t850, foo=3)"], "'foo=3' in 'mean(t850, foo=3)'"),
        (["--target", "mean(t850, region=europ)"], "Did you mean 'europe'?"),
        (["--target", "mean(t850, region=europe_sea)"], "more than the region"),
        (["--target", "mean(t850, lat=1:2)"], "has no cell of the grid of tiny"),
        (["--target", "kinetic_energy(t)"], "is neither a level nor a layer."),
        (["--target", "mse(t850)"], "'mse(t850)' needs temperature of a truth."),
        (["--target", f"a={BOX}", "--target", "a=mean(t500)"], "are called a."),
        (
            ["--target", BOX, "--with-respect-to", "tempratur"],
            "Did you mean 'temperature'",
        ),
        (["--target", BOX, "--with-respect-to", "t850"], "'t850' has a level"),
        (["--target", BOX, "--perturbation", "t850 = 3"], "is not a perturbation."),
        (["--target", BOX, "--perturbation", "sst850 += 3"], "is at the surface."),
        (["--target", BOX, "--perturbation", "x += 3"], "'x' is no field that"),
        (["--target", BOX, "--perturbation", "t += 3,none"], "none and something."),
        (["--target", BOX, "--lead", "90m"], "is not one or more steps of tiny, 1h."),
        (["--target", BOX, "--lead", "0h"], "lead is zero."),
        (["--target", BOX, "--members", "2"], "it is deterministic."),
        (["--target", BOX, "--output", "x.zarr"], "is not named as NetCDF."),
        (["--target", BOX, "--output", "no/x.nc"], "does not exist."),
        (["--singular-vectors", "2"], "tiny has no modal state"),
        (["--singular-vectors", "0"], "'0' is not a number of singular vectors."),
        (["--singular-vectors", "2", "--norm", "energy"], "Did you mean"),
        (["--target", BOX, "--truth", "no.nc"], "no.nc"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, words, said):
    done = run(tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())
    assert not list(tmp_path.iterdir())
