"""Synthetic vortices are found where they are, and nothing where there are none."""

import logging

import numpy as np
import pytest
import xarray as xr
from synthetic_cyclones import cyclones, straight, vortex

import ngcm_cli
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.tracks.find import find_tracks

EAST = straight((12.0, 174.3), (0.4, 1.1), 13)
"""Over the date line."""
GREENWICH = straight((-14.0, 5.2), (-0.4, -1.1), 13)
"""In the southern hemisphere, over the meridian of Greenwich."""
GAUSS = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(64)[0]))


def distance_in_cells(tracks, path, spacing):
    """The largest difference of latitude or longitude, in grid cells."""
    east = (tracks.longitude.values - path[:, 1] + 180) % 360 - 180
    north = tracks.latitude.values - path[:, 0]
    return np.maximum(np.abs(east), np.abs(north)).max() / spacing


@pytest.mark.parametrize("preset", ["tempest-era5", "neuralgcm-vorticity", "gencast"])
@pytest.mark.parametrize(
    ("spacing", "latitudes"), [(1.5, None), (2.8125, None), (2.8125, GAUSS)]
)
@pytest.mark.parametrize("path", [EAST, GREENWICH], ids=["north", "south"])
def test_a_vortex_is_tracked_to_half_a_cell(path, spacing, latitudes, preset):
    data = cyclones([path], spacing, latitudes=latitudes)
    tracks = find_tracks(data, preset=preset)
    assert tracks.row_size.values.tolist() == [13]
    np.testing.assert_array_equal(tracks.time, data.time)
    assert distance_in_cells(tracks, path, spacing) < 0.51
    depth = 101_000 - tracks.mean_sea_level_pressure.values
    assert (depth > 1000).all()
    assert (depth <= 2000).all()
    assert (tracks.wind_speed.values <= 25.0).all()
    assert (tracks.wind_speed.values > 15.0).all()
    if preset == "neuralgcm-vorticity":
        assert (tracks.vorticity.values * path[:, 0] > 0).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_yields_no_track(seed):
    """Waves of total amplitude 5 hPa and of as much thickness, at random each time."""
    rng = np.random.default_rng(seed)
    data = cyclones([EAST], 2.8125, depth=0.0, strength=1e-3)
    shape = data.mean_sea_level_pressure.shape
    lon, lat = np.radians(data.longitude.values), np.radians(data.latitude.values)
    noise = np.zeros((2, *shape))
    for k in range(3, 15):
        for field in noise:
            phase = rng.uniform(0, 2 * np.pi, (shape[0], 2, 1, 1))
            wave = np.cos(k * lon + phase[:, 0]) * np.cos(
                k * lat[:, None] + phase[:, 1]
            )
            field += wave * np.cos(lat)[:, None] ** 2
    noise *= 1 / noise.std()
    data["mean_sea_level_pressure"] = data.mean_sea_level_pressure + 500 * noise[0]
    warm = np.zeros((shape[0], 3, *shape[1:]))
    warm[:, 0] = 100 * noise[1]
    data["geopotential"] = data.geopotential + warm
    assert find_tracks(data, min_wind="none").sizes == {"track": 0, "point": 0}


def test_a_cold_core_is_no_tropical_cyclone():
    data = cyclones([EAST])
    data["geopotential"] = data.geopotential.copy(data=200_000 - data.geopotential)
    assert find_tracks(data).sizes["track"] == 0
    assert find_tracks(data, thickness_fall="none").sizes["track"] == 1


def test_two_crossing_vortices_are_kept_apart():
    """The one crosses the path of the other behind it, 6.8 degrees away at least."""
    first = straight((20.0, 140.0), (0.0, 1.5), 17)
    second = straight((5.0, 149.0), (1.1, 0.0), 17)
    tracks = find_tracks(cyclones([first, second], 1.5, radius=1.5))
    assert tracks.sizes["track"] == 2
    ends = np.cumsum(tracks.row_size.values)
    for path in (first, second):
        at = [
            np.abs(tracks.latitude.values[e - 1] - path[-1, 0]) < 0.8
            and np.abs(tracks.longitude.values[e - 1] - path[-1, 1]) < 0.8
            and np.abs(tracks.latitude.values[s] - path[0, 0]) < 0.8
            for s, e in zip([0, ends[0]], ends, strict=True)
        ]
        assert sum(at) == 1


@pytest.mark.parametrize(("gap", "tracks"), [(3, 1), (4, 0)])
def test_a_gap_is_bridged_up_to_the_limit(gap, tracks):
    path = straight((12.0, 120.0), (0.2, 0.8), 16)
    data = cyclones([path], 1.5, missing={(0, 6 + k) for k in range(gap)})
    assert find_tracks(data).sizes["track"] == tracks


def test_forecasts_of_members_are_searched_on_their_own():
    parts = [
        cyclones([straight((12.0, 120.0 + 10 * m), (0.2, 0.8), 11)], lead_time=True)
        .expand_dims(realization=[m])
        .isel(realization=[0])
        for m in (3, 5)
    ]
    data = xr.concat(parts, "realization", data_vars="minimal", coords="minimal")
    data["surface_altitude"] = parts[0].surface_altitude.isel(realization=0, drop=True)
    done = []
    tracks = find_tracks(data, progress=lambda *counts: done.append(counts))
    assert tracks.realization.values.tolist() == [3, 5]
    assert tracks.attrs["realizations"].tolist() == [3, 5]
    assert tracks.attrs["init_times"] == "2020-08-20T00"
    assert tracks.longitude.values[[0, 11]].tolist() == [150.0, 169.5]
    hours = tracks.lead_time.values / np.timedelta64(1, "h")
    np.testing.assert_array_equal(hours, np.tile(6 * np.arange(11), 2))
    assert done[-1] == (22, 22)
    assert len(done) == 22


def test_several_data_name_their_tracks():
    data = [cyclones([path]).assign_attrs(location=name)
            for path, name in ((EAST, "a.nc"), (GREENWICH, "b.nc"))]  # fmt: skip
    tracks = find_tracks(*data)
    assert tracks.source.values.tolist() == ["a.nc", "b.nc"]
    with pytest.raises(InputDataError, match="others are records"):
        find_tracks(data[0], cyclones([EAST], lead_time=True))


def test_reading_in_blocks_changes_nothing(monkeypatch):
    whole = find_tracks(cyclones([EAST]))
    monkeypatch.setattr("ngcm_cli.tracks.cyclone_fields._BLOCK_BYTES", 1)
    xr.testing.assert_equal(find_tracks(cyclones([EAST])), whole)


def test_without_pressure_vorticity_is_searched_and_said(caplog):
    data = cyclones([GREENWICH]).drop_vars("mean_sea_level_pressure")
    with caplog.at_level(logging.INFO, "ngcm_cli"):
        tracks = find_tracks(data)
    assert "neuralgcm-vorticity" in caplog.text
    assert "neuralgcm-vorticity" in tracks.attrs["notes"]
    assert tracks.sizes["track"] == 1
    assert "mean_sea_level_pressure" not in tracks
    assert (tracks.vorticity.values < 0).all()
    with pytest.raises(InputDataError, match="lacks mean_sea_level_pressure") as error:
        find_tracks(data, preset="tempest-era5")
    assert "--preset neuralgcm-vorticity" in error.value.hint


def test_vorticity_of_the_data_is_taken_before_that_of_the_wind():
    data = cyclones([EAST])
    bump = vortex(data.latitude.values, data.longitude.values, (20.0, 200.0))[0]
    data["vorticity"] = data.geopotential.copy(data=np.tile(1e-3 * bump, (13, 3, 1, 1)))
    tracks = find_tracks(
        data, search="vorticity", thickness_fall="none", min_wind="none"
    )
    assert set(tracks.longitude.values) == {199.5}
    assert "derived" not in tracks.attrs["notes"]


@pytest.mark.parametrize(
    ("drop", "settings", "said"),
    [
        ("geopotential", {}, "geopotential at 300 hPa and geopotential at 500 hPa"),
        ("u_component_of_wind", {"search": "vorticity"}, "u_component_of_wind at 850"),
        ("v_component_of_wind", {"min_wind": "10"}, "no wind near the surface"),
        ("time", {"wind_level": "10m"}, "no wind at 10 m"),
        ("surface_altitude", {"max_surface_height": "150"}, "no height of the ground"),
    ],
)
def test_what_is_missing_is_named(drop, settings, said):
    data = cyclones([EAST])
    data = data if drop == "time" else data.drop_vars(drop)
    with pytest.raises(InputDataError, match=said):
        find_tracks(data, **settings)


def test_what_is_left_out_or_replaced_is_recorded():
    data = cyclones([EAST]).drop_vars("surface_altitude")
    tracks = find_tracks(data)
    assert "its criterion is left out" in tracks.attrs["notes"]
    assert "max_surface_height: inf" in tracks.attrs["criteria"]
    assert tracks.attrs["wind"] == tracks.wind_speed.attrs["comment"]
    assert tracks.attrs["wind"] == "wind at 850 hPa"
    windless = data.drop_vars(["u_component_of_wind", "v_component_of_wind"])
    found = find_tracks(windless)
    assert "wind_speed" not in found
    assert found.attrs["wind"] == "none"


def test_wind_at_10_m_is_preferred():
    data = cyclones([EAST])
    for name in "uv":
        own = data[f"{name}_component_of_wind"].sel(level=850, drop=True)
        data[f"{name}10"] = 0.7 * own
    assert find_tracks(data).wind_speed.values.max() <= 0.7 * 25
    tracks = find_tracks(data, wind_level="850hPa")
    assert tracks.wind_speed.values.max() > 20


def test_high_ground_is_a_criterion():
    data = cyclones([EAST])
    data["surface_altitude"] = data.surface_altitude + 200.0
    assert find_tracks(data).sizes["track"] == 0
    data = data.rename(surface_altitude="geopotential_at_surface")
    tracks = find_tracks(data)  # 20 m
    np.testing.assert_allclose(tracks.surface_altitude, 200 / 9.80616)


def test_radii_that_the_grid_does_not_resolve_are_widened_unless_given():
    data = cyclones([EAST], 2.8125)
    notes = find_tracks(data).attrs["notes"]
    assert "contour_radius 7.03, thickness_radius 7.03, wind_radius 4.22" in notes
    given = find_tracks(data, contour_radius="5.5deg")
    assert "contour_radius: 5.5;" in given.attrs["criteria"]
    assert "wider" not in find_tracks(cyclones([EAST], 1.5)).attrs["notes"]


def test_missing_values_are_counted():
    data = cyclones([EAST])
    data["mean_sea_level_pressure"][3, 100:] = np.nan
    assert "missing at 1 times" in find_tracks(data).attrs["notes"]


def test_scaling_to_the_time_step_is_recorded():
    path = straight((12.0, 120.0), (0.2, 1.6), 7)
    notes = find_tracks(cyclones([path], step=12)).attrs["notes"]
    assert "16 degrees" in notes
    assert "5 of them" in notes


@pytest.mark.parametrize(
    ("steps", "hours", "said"),
    [(5, 6, "spans 1d"), (5, 48, "2d apart"), (1, 6, "spans 0h")],
)
def test_too_short_or_coarse_data_are_refused(steps, hours, said):
    data = cyclones([EAST[:steps]], 30.0, step=hours)
    with pytest.raises(InputDataError, match=said):
        find_tracks(data)


def test_a_single_field_is_refused():
    data = cyclones([EAST], 30.0).isel(time=0, drop=True)
    with pytest.raises(InputDataError, match="has no times"):
        find_tracks(data)


def test_times_that_do_not_increase_are_refused():
    data = cyclones([EAST], 30.0)
    with pytest.raises(InputDataError, match="do not increase"):
        find_tracks(data.isel(time=slice(None, None, -1)))


def test_nothing_or_two_kinds_of_settings_are_refused():
    with pytest.raises(ConfigError, match="No data"):
        find_tracks()
    with pytest.raises(ConfigError, match="Give one of them"):
        find_tracks("a.nc", config=ngcm_cli.config.tracks.TracksConfig(), preset="x")


def test_zonal_means_are_refused():
    data = cyclones([EAST], 2.8125).mean("longitude")
    with pytest.raises(InputDataError, match="zonal means"):
        find_tracks(data)
