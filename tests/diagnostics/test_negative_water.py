"""Negative humidity and cloud: what clipping does, and the water that it adds."""

import pathlib

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from tiny_run import CARD

import ngcm_cli
from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig
from ngcm_cli.diagnostics.negative_water import ADDED, clip, water_added_by_clipping
from ngcm_cli.dynamics.state import TRACERS
from ngcm_cli.errors import ConfigError
from ngcm_cli.gcm.fields import ATMOSPHERE
from ngcm_cli.simulation import setup
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.summary import summarize
from ngcm_cli.testing import TinyModel

G = 9.80616
LEVELS = 100e2, 300e2, 500e2, 900e2


def column(surface_pressure, pressure=LEVELS, **lacking):
    """The water that clipping adds to columns, where fields are as negative as this."""
    surface = np.full((1, 1, 1), surface_pressure, np.float32)
    pressure = np.asarray(pressure, np.float32)[:, None, None]
    fields = {
        name: -np.broadcast_to(
            np.reshape(lacking.get(name, -1e-3), (-1, 1, 1)), (len(pressure), 1, 1)
        )
        for name in TRACERS
    }
    fields["surface_pressure"] = surface
    return float(water_added_by_clipping(fields, jnp.asarray(pressure))[ADDED].item())


def test_a_column_that_lacks_the_same_everywhere():
    for name in TRACERS:
        assert column(980e2, **{name: 1e-4}) == pytest.approx(1e-4 * 980e2 / G)
    three = dict.fromkeys(TRACERS, 1e-4)
    assert column(980e2, **three) == pytest.approx(3e-4 * 980e2 / G)
    assert column(980e2) == 0


@pytest.mark.parametrize(
    "surface_pressure, layers",
    [(980e2, (200e2, 200e2, 300e2, 280e2)), (550e2, (200e2, 200e2, 150e2, 0))],
)
def test_a_level_stands_for_the_air_about_it_above_the_ground(surface_pressure, layers):
    for i, thickness in enumerate(layers):
        lacking = np.where(np.arange(4) == i, 1e-4, -1e-3)
        added = column(surface_pressure, specific_humidity=lacking)
        assert added == pytest.approx(1e-4 * thickness / G)


def test_only_water_is_clipped():
    x = jnp.asarray([-1.0, np.nan, 2.0])
    clipped = clip({name: x for name in (*ATMOSPHERE, "relative_humidity")})
    for name, y in clipped.items():
        is_water = name in (*TRACERS, "relative_humidity")
        np.testing.assert_array_equal(y, [0.0 if is_water else -1.0, np.nan, 2.0])


class HumidModel(TinyModel):
    """The tiny model whose wind is humidity; what it lacks is a number of its own."""

    @property
    def output_variables(self):
        return (*super().output_variables, "specific_humidity", ADDED)

    def decode(self, state, variables=None):
        names = variables or self.default_outputs
        own = tuple(n for n in names if n not in ("specific_humidity", ADDED))
        fields = super().decode(state, own) if own else {}
        wind = super().decode(state, ("u_component_of_wind",))["u_component_of_wind"]
        others = {"specific_humidity": wind, ADDED: wind[:1] * 0 + 7}
        return fields | {n: x for n, x in others.items() if n in names}


@pytest.fixture
def humid(monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "open_model", lambda name, **how: (CARD, HumidModel()))
    monkeypatch.chdir(tmp_path)


def test_the_output_is_clipped_when_asked_for(humid):
    settings = {"lead": "6h", "variables": "q,u"}
    plain, clipped = (
        xr.open_zarr(ngcm_cli.forecast(**settings, output=f"{i}.zarr", clip_humidity=i))
        for i in (0, 1)
    )
    assert plain["specific_humidity"].min() < 0 and ADDED not in plain
    assert "comment" not in plain["specific_humidity"].attrs
    np.testing.assert_array_equal(
        clipped["specific_humidity"], plain["specific_humidity"].clip(min=0)
    )
    np.testing.assert_array_equal(
        clipped["u_component_of_wind"], plain["u_component_of_wind"]
    )
    assert (clipped[ADDED] == 7).all()
    assert ADDED in clipped["specific_humidity"].attrs["comment"]
    assert ADDED in clipped.attrs["variables_notes"]


def test_means_are_of_clipped_samples(humid):
    settings = {"days": 1, "variables": "q,u", "means": "daily"}
    output = ngcm_cli.amip(**settings, clip_humidity=True, output="run")
    means = xr.open_zarr(pathlib.Path(output) / "daily.zarr")
    # Winds change sign within a day at some nodes: these tell the two means apart.
    wind, humidity = means["u_component_of_wind"], means["specific_humidity"]
    assert (humidity >= 0).all() and (humidity >= wind).all()
    mixed = (wind > 0) & (humidity > wind * 1.001)
    assert mixed.any()


@pytest.mark.parametrize(
    "config", [ForecastConfig, EnsembleConfig, lambda **x: AmipConfig(days=1, **x)]
)
def test_the_plan_says_so_and_what_cannot_be_clipped_is_refused(humid, config):
    plan = summarize(set_up(config(clip_humidity="yes", variables="q")))
    assert "specific_humidity: negative values are set to zero" in plan
    assert ADDED in plan
    assert "set to zero" not in summarize(set_up(config(variables="q")))
    with pytest.raises(ConfigError, match="neither humidity nor cloud"):
        set_up(config(clip_humidity="yes", variables="t"))
