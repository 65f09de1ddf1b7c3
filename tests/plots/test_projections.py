"""Map projections: formulas, inverses, and lines that are cut at the edge."""

import numpy as np
import pytest

from ngcm_cli.plots.coastlines import coastlines, project_coastlines
from ngcm_cli.plots.projections import (
    Mollweide,
    Orthographic,
    PlateCarree,
    PolarStereographic,
    Robinson,
    project_line,
)

GLOBAL = [Robinson(), Robinson(150.0), Mollweide(-60.0), PlateCarree(20.0)]
ALL = [
    *GLOBAL,
    Orthographic(-60.0, 40.0),
    PolarStereographic(),
    PolarStereographic(30.0, south=True, edge=40.0),
    PlateCarree(10.0, 30.0, 33.0, 72.0),
]


@pytest.mark.parametrize("projection", ALL, ids=repr)
def test_inverse_of_forward(projection):
    random = np.random.default_rng(0)
    latitude = np.degrees(np.arcsin(random.uniform(-0.999, 0.999, 2000)))
    longitude = random.uniform(-180, 180, 2000)
    x, y = projection.forward(longitude, latitude)
    shown = np.isfinite(x)
    if isinstance(projection, Orthographic):
        assert 0.4 < shown.mean() < 0.6  # a hemisphere
    back = projection.inverse(x[shown], y[shown])
    apart = (back[0] - longitude[shown] + 180) % 360 - 180
    assert np.abs(apart * np.cos(np.radians(latitude[shown]))).max() < 2e-3
    assert np.abs(back[1] - latitude[shown]).max() < 2e-3


def test_mollweide_keeps_areas():
    """The area between parallels is that on the sphere."""
    _, y = Mollweide().forward(np.zeros(91), np.arange(91.0))
    fine = np.linspace(0, y[45], 20001)
    width = 2 * np.sqrt(8) * np.sqrt(1 - (fine / np.sqrt(2)) ** 2)
    area = np.trapezoid(width, fine)
    assert area == pytest.approx(2 * np.pi * np.sin(np.pi / 4), rel=1e-5)


def test_robinson_has_its_table():
    x, y = Robinson().forward(np.array([90.0, 90.0]), np.array([0.0, 60.0]))
    assert x[0] == pytest.approx(0.8487 * np.pi / 2)
    assert x[1] == pytest.approx(0.8487 * 0.7986 * np.pi / 2)
    assert y[1] == pytest.approx(1.3523 * 0.7346)


def test_stereographic_keeps_angles():
    place = np.array([20.0]), np.array([55.0])
    projection = PolarStereographic()
    x, y = projection.forward(*place)
    east = projection.forward(place[0] + 1e-4 / np.cos(np.radians(55)), place[1])
    north = projection.forward(place[0], place[1] + 1e-4)
    along = np.array([east[0] - x, east[1] - y]).ravel()
    across = np.array([north[0] - x, north[1] - y]).ravel()
    assert abs(along @ across) < 1e-5 * (along @ along)
    assert along @ along == pytest.approx(across @ across, rel=1e-4)


@pytest.mark.parametrize("projection", ALL, ids=repr)
def test_outline_is_closed_and_holds_the_map(projection):
    outline = projection.outline()
    np.testing.assert_allclose(outline[0], outline[-1], atol=1e-12)
    west, east, south, north = projection.extent
    inside = projection.inverse(
        np.array([(west + east) / 2]), np.array([(south + north) / 2])
    )
    assert np.isfinite(inside).all()
    outside = projection.inverse(np.array([east * 1.5]), np.array([north * 1.5]))
    assert np.isfinite(outside).all()


@pytest.mark.parametrize("projection", GLOBAL, ids=repr)
def test_lines_are_cut_at_the_edge(projection):
    """A circle of latitude is two parts that reach the edge, without a jump."""
    around = np.arange(0.0, 361, 20)
    parts = project_line(projection, around, np.full(19, 30.0))
    west, east, _, _ = projection.extent
    edge, _ = projection.forward(
        np.array(projection.centre + 180 - 1e-9), np.array(30.0)
    )
    ends = np.concatenate([part[:, 0] for part in parts])
    assert ends.max() == pytest.approx(float(edge))
    assert ends.min() == pytest.approx(-float(edge))
    steps = max(np.abs(np.diff(part[:, 0])).max() for part in parts)
    assert steps < (east - west) / 100


def test_coastlines_have_no_seam():
    """Natural Earth closes land at the date line, which is no coast."""
    assert sum(map(len, coastlines())) > 5000
    drawn = project_coastlines(Robinson(180.0))
    for part in drawn:  # in the middle of this map
        on_seam = (np.abs(part[:-1, 0]) < 1e-6) & (np.abs(part[1:, 0]) < 1e-6)
        assert not on_seam.any()
