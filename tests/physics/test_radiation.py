import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli import units
from ngcm_cli.physics import radiation
from ngcm_cli.physics.radiation import incident_radiation
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(31)
SPACING = 360 / GRID.longitude_nodes


def at(time: str) -> np.ndarray:
    hours = (np.datetime64(time) - units.REFERENCE_TIME) / np.timedelta64(1, "h")
    return np.asarray(incident_radiation(jnp.float32(hours * units.HOUR), GRID))


def days_of_year():
    return [f"2020-{month:02}-21" for month in range(1, 13)]


@pytest.mark.parametrize("day", days_of_year())
def test_it_is_a_fraction_and_half_the_globe_has_night(day):
    sun = at(f"{day}T07")
    assert sun.shape == (1, *GRID.nodal_shape)
    assert sun.min() == 0 and 0.9 < sun.max() <= 1
    area = np.broadcast_to(GRID.area_weights, GRID.nodal_shape)
    dark = (area * (sun[0] == 0)).sum() / (4 * np.pi)
    assert 0.47 < dark < 0.53  # the terminator passes between grid points


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_noon_is_where_the_sun_stands(hour):
    sun = at(f"2020-04-15T{hour:02}")[0]  # the equation of time is zero about then
    noon = np.rad2deg(GRID.longitude[np.argmax(sun.max(axis=1))])
    expected = (180 - 15 * hour) % 360
    distance = abs((noon - expected + 180) % 360 - 180)
    assert distance <= SPACING / 2 + 1  # 1° for rounding of the clock


@pytest.mark.parametrize(
    "day, latitude", [("2020-06-21", 23.45), ("2020-12-21", -23.45), ("2020-03-20", 0)]
)
def test_the_sun_stands_over_the_right_latitude(day, latitude):
    daily = np.max([at(f"{day}T{h:02}")[0] for h in range(0, 24, 6)], axis=0)
    highest = np.rad2deg(GRID.latitude[np.argmax(daily.max(axis=0))])
    spacing = 180 / GRID.latitude_nodes
    assert abs(highest - latitude) <= spacing / 2 + 0.5


def sun(time: str) -> tuple[float, float]:
    """Return declination and distance in astronomical units.

    Meeus, Astronomical Algorithms, chapter 25, to 0.01 degrees.
    """
    days = (np.datetime64(time) - np.datetime64("2000-01-01T12")) / np.timedelta64(
        1, "D"
    )
    century = days / 36525
    mean_longitude = 280.46646 + 36000.76983 * century
    anomaly = np.deg2rad(357.52911 + 35999.05029 * century)
    centre = 1.914602 * np.sin(anomaly) + 0.019993 * np.sin(2 * anomaly)
    longitude = np.deg2rad(mean_longitude + centre)
    eccentricity = 0.016708634
    distance = (1 - eccentricity**2) / (
        1 + eccentricity * np.cos(anomaly + np.deg2rad(centre))
    )
    return np.arcsin(np.sin(np.deg2rad(23.439)) * np.sin(longitude)), distance


@pytest.mark.parametrize(
    "day, south, north",
    [
        ("1990-03-20", 0, 0),
        ("1990-06-21", 0, 0),
        ("1990-12-21", 0, 0),
        ("1990-09-23", 21, -16),
        ("1990-10-08", 40, 0),
    ],
)
def test_how_wrong_daily_means_are_at_the_poles(day, south, north):
    """As `CIRCULAR_ORBIT` says; the global mean is right."""
    most = radiation.SOLAR_CONSTANT + radiation.SOLAR_VARIATION
    ours = np.mean([at(f"{day}T{h:02}")[0] for h in range(24)], axis=(0, 1)) * most
    declination, distance = sun(f"{day}T12")
    latitude = GRID.latitude
    half_day = np.arccos(np.clip(-np.tan(latitude) * np.tan(declination), -1, 1))
    overhead = half_day * np.sin(latitude) * np.sin(declination) + np.cos(
        latitude
    ) * np.cos(declination) * np.sin(half_day)
    error = ours - 1361 / distance**2 * overhead / np.pi
    assert abs(error[0] - south) < 2 and abs(error[-1] - north) < 2
    assert abs(error @ GRID.area_weights.ravel() / GRID.area_weights.sum()) < 0.7


def test_polar_day_and_polar_night():
    june = np.stack([at(f"2020-06-21T{h:02}")[0] for h in range(0, 24, 3)])
    assert (june[..., GRID.latitude > np.deg2rad(70)] > 0).all()
    assert (june[..., GRID.latitude < np.deg2rad(-70)] == 0).all()


def test_the_global_mean_is_a_quarter_of_the_solar_flux():
    area = GRID.area_weights / (4 * np.pi)
    for day, orbit in (("2020-01-03", 1.0), ("2020-07-04", -1.0)):
        mean = np.mean([(at(f"{day}T{h:02}")[0] * area).sum() for h in range(24)])
        flux = (1361 + 47 * orbit) / 1408
        # Quadrature of the kink at the terminator on this grid.
        assert abs(mean / (flux / 4) - 1) < 2e-3


@pytest.mark.parametrize(
    "rate", [2 * np.pi / units.DAY, 2 * np.pi / 365.25 / units.DAY]
)
def test_phases_are_those_of_a_float32_clock(rate):
    hours = np.arange(-350_000, 600_000, 9_973)
    times = (hours * units.HOUR).astype(np.float32)
    turn = np.float32(2 * np.pi)
    angle = np.float32(rate) * times
    expected = angle - np.floor(angle / turn) * turn
    step_by_step = np.array([radiation._phase(rate, t) for t in times])
    np.testing.assert_array_equal(step_by_step, expected)

    # A processor may fuse the last product and difference: that product is not rounded.
    compiled = jax.jit(radiation._phase, static_argnums=0)
    fused = np.array([compiled(rate, t) for t in times])
    assert (np.abs(fused - expected) <= np.spacing(np.abs(angle)) / 2).all()
