"""Quality control by departure from the background, and the table of statistics."""

import numpy as np

from ngcm_cli.assimilation.departures import (
    BELOW_GROUND,
    FAR_FROM_BACKGROUND,
    USED,
    control_quality,
    layer_of,
    statistics_table,
)
from ngcm_cli.assimilation.observations import Observations


def departures(limit=5.0):
    """Three temperatures, one of them far off, a wind underground, and a pressure."""
    count = 5
    observations = Observations(
        time=np.full(count, np.datetime64("2020-01-01", "s")),
        latitude=np.zeros(count),
        longitude=np.zeros(count),
        pressure=np.array([500.0, 420.0, 410.0, 990.0, np.nan]),
        variable=np.array(
            [*["temperature"] * 3, "u_component_of_wind", "surface_pressure"]
        ),
        value=np.array([252.0, 249.0, 257.0, 10.0, 100100.0]),
        error=np.array([0.6, 0.6, 0.6, 1.0, 80.0]),
        row=np.arange(count),
    )
    background = np.array([250.0, 250.0, 250.0, 8.0, 1e5])
    samples = np.array([[0.8, -0.8, 0.8, 1.0, 60.0], [-0.8, 0.8, 0.8, 1.0, -60.0]])
    ground = np.array([1000.0, 1000, 1000, 980, 980])
    return control_quality(observations, background, samples, ground, limit)


def test_rejection():
    """The limit is 5 times the root of 0.6 K squared plus 0.8 K squared: 5 K."""
    found = departures()
    assert layer_of(found.observations).tolist() == [3, 3, 3, 5, -1]
    np.testing.assert_allclose(found.background_error, [0.8, 0.8, 0.8, 1, 60])
    expected = [USED, USED, FAR_FROM_BACKGROUND, BELOW_GROUND, USED]
    assert found.status.tolist() == expected
    assert departures(7.01).status[2] == USED
    assert departures(6.99).status[2] == FAR_FROM_BACKGROUND


def test_statistics():
    found = departures()
    found.analysis[:] = found.background + 0.5
    head, temperature, wind, pressure = statistics_table(found)
    assert head[4:8] == ("O-B mean", "O-B rms", "O-A mean", "O-A rms")
    assert pressure[:4] == ("surface_pressure", "surface", "1", "0")
    assert temperature[:4] == ("temperature", "400-600", "2", "1")
    # Of +2 and -1 K, and of 1.5 and -1.5 K.
    assert temperature[4:] == ("0.5", "1.58", "0", "1.5", "K")
    assert wind[2:] == ("0", "1", "-", "-", "-", "-", "m s-1")
