"""The standard test set for the shallow-water equations on the sphere.

Williamson, Drake, Hack, Jakob & Swarztrauber (1992), A standard test set for numerical
approximations to the shallow water equations in spherical geometry, Journal of
Computational Physics 102, doi:10.1016/S0021-9991(05)80016-6: cases 2, 5 and 6. Its
radius, rotation and gravity of the Earth are those of `units`.
"""

import functools

import numpy as np

from ngcm_cli import units
from ngcm_cli.idealized.case import Case
from ngcm_cli.idealized.layer_flow import LayerFlow
from ngcm_cli.idealized.shallow_water_model import shallow_water_model
from ngcm_cli.spectral.grid import Grid

RADIUS = units.LENGTH  # m
ROTATION = units.ANGULAR_VELOCITY / units.TIME  # s-1
DAY = 86400.0  # s
PAPER = "https://doi.org/10.1016/S0021-9991(05)80016-6"

WAVENUMBER = 4  # R of case 6
WAVE_RATE = 7.848e-6  # ω = K of case 6, s-1


def steady_zonal_flow(grid: Grid, tilt: float = 0.0) -> LayerFlow:
    """Return case 2: solid-body rotation in geostrophic balance, a steady solution.

    Section 3.2, with u₀ = 2πa / 12 days and g h₀ = 2.94 · 10⁴ m2 s-2.

    Args:
        grid: where.
        tilt: angle α between the axis of the flow and of the planet, and that of the
            grid, radians. With α ≠ 0 the flow crosses the poles of the grid.
    """
    speed = 2 * np.pi * RADIUS / (12 * DAY)
    wind = _solid_body_rotation(grid, tilt, speed)
    depth = 2.94e4 / units.GRAVITY_SI - _balanced_dip(grid, tilt, speed)
    return LayerFlow(grid, *wind, depth, np.zeros_like(depth), tilt)


def flow_over_mountain(grid: Grid) -> LayerFlow:
    """Return case 5: zonal flow that meets a cone of 2000 m at 30° N, 90° W.

    Section 3.5, with the wind and the surface of case 2 for u₀ = 20 m s-1 and
    h₀ = 5960 m.
    """
    speed, radius = 20.0, np.pi / 9
    longitude, latitude = grid.longitude[:, None], grid.latitude
    square = (longitude - 3 * np.pi / 2) ** 2 + (latitude - np.pi / 6) ** 2
    distance = np.sqrt(np.minimum(radius**2, square))
    ground = 2000 * (1 - distance / radius)
    wind = _solid_body_rotation(grid, 0.0, speed)
    depth = 5960 - _balanced_dip(grid, 0.0, speed) - ground
    return LayerFlow(grid, *wind, depth, ground)


def rossby_haurwitz_wave(grid: Grid) -> LayerFlow:
    """Return case 6: a wave of zonal wavenumber 4 that moves east, nearly unchanged.

    Section 3.6, with h₀ = 8000 m: the steadily moving solution of the barotropic
    vorticity equation, with the height that balances it in a fluid without divergence.
    """
    n, w, k = WAVENUMBER, WAVE_RATE, WAVE_RATE  # R, ω, K
    longitude, latitude = grid.longitude[:, None], grid.latitude
    cos, sin = np.cos(latitude), np.sin(latitude)
    wave, double = np.cos(n * longitude), np.cos(2 * n * longitude)
    u = w * cos + k * cos ** (n - 1) * (n * sin**2 - cos**2) * wave
    v = -k * n * cos ** (n - 1) * sin * np.sin(n * longitude)
    a = w / 2 * (2 * ROTATION + w) * cos**2 + k**2 / 4 * (
        cos ** (2 * n) * ((n + 1) * cos**2 + 2 * n**2 - n - 2)
        - 2 * n**2 * cos ** (2 * n - 2)
    )
    b = (
        (2 * (ROTATION + w) * k / ((n + 1) * (n + 2)))
        * cos**n
        * (n**2 + 2 * n + 2 - (n + 1) ** 2 * cos**2)
    )
    c = k**2 / 4 * cos ** (2 * n) * ((n + 1) * cos**2 - (n + 2))
    depth = 8000 + RADIUS**2 / units.GRAVITY_SI * (a + b * wave + c * double)
    return LayerFlow(grid, RADIUS * u, RADIUS * v, depth, np.zeros_like(depth))


def haurwitz_rate() -> float:
    """Return the angular speed of case 6 in a fluid without divergence, s-1, eastward.

    ν = (R(3 + R)ω − 2Ω) / ((1 + R)(2 + R)): Haurwitz (1940), The motion of atmospheric
    disturbances on the spherical earth, Journal of Marine Research 3.
    """
    n = WAVENUMBER
    return (n * (3 + n) * WAVE_RATE - 2 * ROTATION) / ((1 + n) * (2 + n))


def _solid_body_rotation(
    grid: Grid, tilt: float, speed: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the wind of solid-body rotation around a tilted axis."""
    longitude, latitude = grid.longitude[:, None], grid.latitude
    along = np.cos(latitude) * np.cos(tilt)
    u = along + np.cos(longitude) * np.sin(latitude) * np.sin(tilt)
    v = -np.sin(longitude) * np.sin(tilt) * np.ones_like(latitude)
    return speed * u, speed * v


def _balanced_dip(grid: Grid, tilt: float, speed: float) -> np.ndarray:
    """Return by how much the surface is below its highest, m."""
    longitude, latitude = grid.longitude[:, None], grid.latitude
    sine = np.sin(latitude) * np.cos(tilt)
    sine = sine - np.cos(longitude) * np.cos(latitude) * np.sin(tilt)
    rise = RADIUS * ROTATION * speed + speed**2 / 2
    return rise * sine**2 / units.GRAVITY_SI


WILLIAMSON_2 = Case(
    name="williamson-2",
    title="Steady zonal geostrophic flow",
    paper=PAPER,
    build=functools.partial(shallow_water_model, "williamson-2", steady_zonal_flow),
    truncation=42,
    layers=None,
    lead=np.timedelta64(5 * 86400, "s"),
    every=np.timedelta64(6 * 3600, "s"),
    speed=40.0,
)
WILLIAMSON_5 = Case(
    name="williamson-5",
    title="Zonal flow over an isolated mountain",
    paper=PAPER,
    build=functools.partial(shallow_water_model, "williamson-5", flow_over_mountain),
    truncation=42,
    layers=None,
    lead=np.timedelta64(15 * 86400, "s"),
    every=np.timedelta64(6 * 3600, "s"),
    speed=50.0,
)
WILLIAMSON_6 = Case(
    name="williamson-6",
    title="Rossby-Haurwitz wave of wavenumber 4",
    paper=PAPER,
    build=functools.partial(shallow_water_model, "williamson-6", rossby_haurwitz_wave),
    truncation=42,
    layers=None,
    lead=np.timedelta64(14 * 86400, "s"),
    every=np.timedelta64(6 * 3600, "s"),
    speed=105.0,
)
