"""Days with the bundled model stay a plausible atmosphere."""

import numpy as np
import pytest
from gcm import bundled

from ngcm_cli.gcm import rollout


@pytest.fixture(scope="module", params=[1, pytest.param(10, marks=pytest.mark.long)])
def days(request):
    """Global means of the initial state and of every day after it."""
    count = request.param
    model, data = bundled.model(), bundled.sample()
    area = model.grid.area_weights / (4 * np.pi)
    modal_mean = np.sqrt(4 * np.pi)
    found = []
    for chunk in rollout(model, bundled.encoded(), data.forcing, every=24, count=count):
        fields = {name: x.astype(np.float64) for name, x in chunk.fields.items()}
        mean = {name: (x * area).sum((-2, -1)) for name, x in fields.items()}
        wind = np.hypot(fields["u_component_of_wind"], fields["v_component_of_wind"])
        log_pressure = float(chunk.state.state.log_surface_pressure[0, 0, 0])
        found.append(
            {"mean": mean, "wind": wind, "pressure": log_pressure / modal_mean}
        )
    assert len(found) == count + 1
    return found


@pytest.mark.slow
def test_days_stay_a_plausible_atmosphere(days):
    start = days[0]
    levels = bundled.model().levels
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
        assert 0.5 < speed / (start["wind"] ** 2).mean() ** 0.5 < 1.5
        # Mass of the atmosphere: its logarithm keeps its mean within 1 %.
        assert abs(day["pressure"] - start["pressure"]) < 0.01
        humidity = day["mean"]["specific_humidity"]
        assert (
            0.5 < humidity[at(850)] / start["mean"]["specific_humidity"][at(850)] < 1.5
        )
        assert (np.diff(day["mean"]["geopotential"]) < 0).all()
