"""``ngcm sensitivity``, of the tiny model: files, tables and sentences."""

import numpy as np
import pytest
import xarray as xr
from command_line import ngcm
from tiny_run import CARD

import ngcm_cli
from ngcm_cli.simulation import single_start
from ngcm_cli.testing import TinyModel

BOX = "mean(t850, lat=0:90, lon=180:360)"


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Let every start be of the tiny model."""
    monkeypatch.setattr(
        single_start, "open_model", lambda name, **how: (CARD, TinyModel())
    )


def run(folder, *words):
    return ngcm("sensitivity", *words, folder=folder)


def test_gradients_of_a_model_that_keeps_its_fields(tmp_path):
    done = run(
        tmp_path,
        *("--target", BOX, "--target", "wind=kinetic_energy(500)", "--lead", "6h"),
        *("--with-respect-to", "t,u,v", "--members", "2", "--output", "out.nc"),
        *("--perturbation", "t850 += 2, lat=0:90", "--perturbation", "gradient"),
    )
    assert (done.returncode, done.stdout) == (0, "out.nc\n"), done.stderr
    data = ngcm_cli.bundled_state(TinyModel())
    with xr.open_dataset(tmp_path / "out.nc") as found:
        gradient = found.gradient_of_mean_t850_to_temperature.isel(realization=1)
        assert set(gradient.dims) == {"level", "latitude", "longitude"}
        # A weight of each cell in the box, and nothing elsewhere.
        inside = (found.latitude > 0) & (found.longitude >= 180)
        np.testing.assert_allclose(gradient.sum(), 1, rtol=1e-6)
        assert (gradient.sel(level=850).where(~inside, 0) == 0).all()
        assert (gradient.sel(level=[200, 500]) == 0).all()
        assert found.gradient_of_mean_t850_to_temperature.units == "1"
        # A mean over a hemisphere's half of 1 kg-1, whatever the cell.
        per_mass = found.sensitivity_of_mean_t850_to_temperature.sel(level=850)
        inside_values = per_mass.isel(realization=0).where(inside).values
        inside_values = inside_values[np.isfinite(inside_values)]
        area = 4 * np.pi * 6.37122e6**2 / 4
        mass = area * (1e5 - 67500) / 9.80616
        np.testing.assert_allclose(inside_values, 1 / mass, rtol=1e-5)
        assert found.sensitivity_of_mean_t850_to_temperature.units == "kg-1"
        # The derivative of u²/2 is u, which the model has increased by six.
        u = found.gradient_of_wind_to_u_component_of_wind.sel(level=500)
        offset = np.array(jax_offsets())
        field = data.fields["u_component_of_wind"][1].T
        weights = gradient.sel(level=850).where(False, 0)  # shape only
        area = np.gradient(np.ones(len(found.latitude)))  # not used
        ratio = u.values / (field + 6 + offset[:, None, None])
        np.testing.assert_allclose(ratio, ratio[:, :, :1] + 0 * ratio, rtol=1e-4)
        np.testing.assert_allclose(ratio.sum((1, 2)), 1, rtol=1e-5)
        assert u.units == "m s-1"
        assert found.wind.units == "m2 s-2"
        assert found.attrs["history"].endswith(
            "--output out.nc"
        ) or "ngcm sensitivity" in found.attrs["history"]
        table = found.attrs["perturbation_check"].splitlines()
    assert len(table) == 9  # two targets, two perturbations, two members
    assert table[0].split()[:3] == ["target", "perturbation", "value"]
    assert "t850 += 2, lat=0:90" in table[1] and " 2 " in table[1]
    assert "1.0000" in table[1]
    assert table[0] in done.stderr
