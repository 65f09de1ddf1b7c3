"""A system of equations without a vertical runs with what the base class gives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from ngcm_cli import run_idealized
from ngcm_cli.diagnostics import Diagnostic
from ngcm_cli.errors import ConfigError
from ngcm_cli.idealized.case import Case, Resolution
from ngcm_cli.idealized.model import IdealizedModel, IdealizedState
from ngcm_cli.spectral.grid import Grid

DAY = np.timedelta64(86400, "s")
RATE = 1e-5  # s-1


class Decay(IdealizedModel):
    """dx/dt = −x/10⁵ s, with a wave in the beginning."""

    name: str = eqx.field(static=True)
    step_seconds: int = eqx.field(static=True)
    initial: jax.Array
    truncation: int = eqx.field(static=True)

    @property
    def grid(self) -> Grid:
        return Grid.triangular(self.truncation)

    @property
    def equations(self) -> str:
        return "decay"

    @property
    def diagnostics(self):
        own = Diagnostic("height", "", "Height", "m", vertical="surface")
        return {"height": own}

    @property
    def default_outputs(self) -> tuple[str, ...]:
        return ("height",)

    def step(self, state: jax.Array) -> jax.Array:
        return state * np.float32(np.exp(-RATE * self.step_seconds))

    def decode(self, state, variables=None, forcing=None) -> dict[str, jax.Array]:
        return {name: state.state[None] for name in variables or self.default_outputs}

    def monitor(self, state: IdealizedState) -> dict[str, jax.Array]:
        return {"finite": jnp.isfinite(state.state).all()}


def build(resolution: Resolution) -> Decay:
    grid = Grid.triangular(resolution.truncation)
    wave = np.cos(grid.longitude)[:, None] * np.cos(grid.latitude)
    return Decay(
        "decay",
        resolution.step_seconds,
        jnp.asarray(wave.astype(np.float32)),
        resolution.truncation,
    )


CASE = Case("decay", "Decay", "https://example.org", build, 10, None, DAY, DAY / 4, 50)


def test_a_run_without_a_vertical(tmp_path):
    path = run_idealized(CASE, output=tmp_path / "decay.zarr", days=0.5)
    with xr.open_zarr(path, decode_timedelta=True) as data:
        assert "level" not in data.dims and "sigma" not in data.dims
        height = data["height"].isel(init_time=0).values
        assert height.shape == (3, 16, 32)
        expected = np.exp(-RATE * 21600) * height[0]
        np.testing.assert_allclose(height[1], expected, rtol=1e-5, atol=1e-7)
        assert data.attrs["source"] == "ngcm, decay, T10"


@pytest.mark.parametrize("name", ["levels", "output_levels"])
def test_levels_are_refused_where_there_are_none(tmp_path, name):
    with pytest.raises(ConfigError, match="has no vertical"):
        run_idealized(CASE, output=tmp_path / "decay.zarr", **{name: "3"})
