"""Ten days stay a plausible atmosphere."""

import jax
import numpy as np
import pytest
from climate.reduced import write_reduced_model
from gcm import bundled

from ngcm_cli.gcm import rollout
from ngcm_cli.run import bundled_state
from ngcm_cli.zoo import load_model

DAYS = 10


# Of the wind at the start; the diffusion of the reduced model is strong.
CALMEST = {"tl15_reduced": 0.25, "tl63_stochastic_mini": 0.5}


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    """The bundled model on a coarse grid, and its bundled state."""
    model = load_model(str(write_reduced_model(tmp_path_factory.mktemp("reduced"))))
    data = bundled_state(model)
    state = model.encode(data.fields, data.forcing, data.time, jax.random.key(0))
    return model, state, data


@pytest.fixture(
    scope="module", params=["reduced", pytest.param("bundled", marks=pytest.mark.long)]
)
def run(request):
    """A model, and global means of its initial state and of every day after it."""
    if request.param == "bundled":
        model, state, data = bundled.model(), bundled.encoded(), bundled.sample()
    else:
        model, state, data = request.getfixturevalue("reduced")
    return model, list(daily(model, state, data.forcing))


def daily(model, state, forcing):
    area = model.grid.area_weights / (4 * np.pi)
    modal_mean = np.sqrt(4 * np.pi)
    for chunk in rollout(model, state, forcing, every=24, count=DAYS):
        fields = {name: x.astype(np.float64) for name, x in chunk.fields.items()}
        mean = {name: (x * area).sum((-2, -1)) for name, x in fields.items()}
        wind = np.hypot(fields["u_component_of_wind"], fields["v_component_of_wind"])
        log_pressure = float(chunk.state.state.log_surface_pressure[0, 0, 0])
        yield {"mean": mean, "wind": wind, "pressure": log_pressure / modal_mean}


@pytest.mark.slow
def test_ten_days_stay_a_plausible_atmosphere(run):
    model, days = run
    assert len(days) == DAYS + 1
    start = days[0]
    levels = model.levels
    at = lambda p: levels.index(p)
    for day in days:
        temperature = day["mean"]["temperature"]
        # Global means at 850 and 500 hPa drift by a few kelvin, not by tens.
        for p in 850, 500:
            change = temperature[at(p)] - start["mean"]["temperature"][at(p)]
            assert abs(change) < 5, p
        assert temperature.min() > 180 and temperature.max() < 300
        assert day["wind"].max() < 150  # m/s; polar night jets reach about 120
        speed = (day["wind"] ** 2).mean() ** 0.5
        assert CALMEST[model.name] < speed / (start["wind"] ** 2).mean() ** 0.5 < 1.5
        # Mass of the atmosphere: its logarithm keeps its mean within 1 %.
        assert abs(day["pressure"] - start["pressure"]) < 0.01
        humidity = day["mean"]["specific_humidity"]
        assert (
            0.5 < humidity[at(850)] / start["mean"]["specific_humidity"][at(850)] < 1.5
        )
        assert (np.diff(day["mean"]["geopotential"]) < 0).all()
