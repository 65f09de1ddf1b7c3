import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_analysis import GRID, NODES, build_analysis, read_state

import ngcm_cli
from ngcm_cli.errors import ConfigError
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.forcing.sst_anomaly import SSTAnomaly
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.spectral.grid import Grid

FINE = Grid.linear(63)
SST, ICE = "sea_surface_temperature", "sea_ice_cover"
EPSILON = float(np.finfo(np.float32).eps)


def test_the_published_form():
    """Every node on its own, with the formula as it is printed."""
    centre, width, amplitude = (10.0, 350.0), 30.0, 2.0
    field = SSTAnomaly(*centre, width, amplitude).on_grid(FINE)
    assert field.shape == FINE.nodal_shape and field.dtype == np.float32
    for i, east in enumerate(np.rad2deg(FINE.longitude)):
        for j, north in enumerate(np.rad2deg(FINE.latitude)):
            apart = min(abs(east - centre[1] + turn) for turn in (-360, 0, 360))
            away = abs(north - centre[0])
            expected = 0.0
            if away < width and apart < width:
                expected = amplitude * np.cos(np.pi / 2 * away / width) ** 2
                expected *= np.cos(np.pi / 2 * apart / width) ** 2
            assert field[i, j] == pytest.approx(expected, abs=2 * EPSILON)
    assert field.max() == pytest.approx(2, rel=0.02)  # a node is near the centre


def test_it_goes_across_the_meridian_of_greenwich():
    field = SSTAnomaly(0, 0, 20, 1).on_grid(FINE)
    np.testing.assert_allclose(field[1:7], field[:-7:-1], atol=EPSILON)
    assert (field[:7].max(axis=1) > 0).all() and not field[8:-8].any()


@given(st.floats(-90, 90), st.floats(-180, 360), st.floats(4, 90))
def test_longitudes_may_be_counted_either_way(latitude, longitude, width):
    one = SSTAnomaly(latitude, longitude, width, 1).on_grid(FINE)
    other = SSTAnomaly(latitude, (longitude + 180) % 360 - 180, width, 1).on_grid(FINE)
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert one.min() == 0 and 0 < one.max() <= 1


def test_anomalies_side_by_side_add_up_to_one():
    """cos² and sin²: half a width apart in longitude, they warm a band evenly."""
    fields = [SSTAnomaly(0, east, 30, 1).on_grid(FINE) for east in range(0, 360, 30)]
    band = np.sum(fields, axis=0)
    np.testing.assert_allclose(band, np.broadcast_to(band[0], band.shape), atol=1e-6)


def test_an_anomaly_between_the_nodes_is_refused():
    wrong = "No node of the model's 128x64 grid is within 1°"
    with pytest.raises(ConfigError, match=wrong) as caught:
        SSTAnomaly(0, 1.4, 1, 1).on_grid(FINE)
    assert caught.value.hint


# Through a run

RISE = SSTAnomaly(10.0, 190.0, 45.0, 2.0)
START, YEAR = np.datetime64("2020-01-05", "s"), np.timedelta64(365 * 86400, "s")


def climatic(land=None, mode="climatology", **more):
    request = ForcingRequest(mode, YEAR, **more)
    return read_forcing(request, START, ModelInputs(GRID, (), (), land))


def test_an_anomaly_and_an_offset_add_up():
    plain = climatic()
    warmer = climatic(sst_anomaly=RISE, sst_offset=-1.5)
    for days in (0, 100, 364):
        when = START + np.timedelta64(days, "D")
        expected = plain.at_time(when)[SST] + (RISE.on_grid(GRID) - np.float32(1.5))
        np.testing.assert_array_equal(warmer.at_time(when)[SST], expected)
        np.testing.assert_array_equal(
            warmer.at_time(when)[ICE], plain.at_time(when)[ICE]
        )
    assert warmer.sst_offset.shape == (1, *GRID.nodal_shape)
    notes = " ".join(warmer.notes)
    assert "-1.5 K everywhere" in notes
    assert "+2 K at latitude 10, longitude 190, falling off as cos²" in notes


def test_the_model_sees_the_anomaly():
    sea = climatic(sst_anomaly=RISE)
    forcing = Forcing.at_times(sea.times, sea.fields, sea.sst_offset)
    plain = Forcing.at_times(sea.times, sea.fields)
    minute = (START - np.datetime64("1979-01-01", "s")) // np.timedelta64(1, "m")
    rise = np.asarray(forcing.select(minute)[SST] - plain.select(minute)[SST])
    np.testing.assert_allclose(rise[0], RISE.on_grid(GRID), atol=300 * EPSILON)
    np.testing.assert_allclose(
        forcing.select(minute)[SST], sea.at_time(START)[SST], atol=300 * EPSILON
    )
    # A single number is kept as one, and so is the program compiled for it.
    assert plain.sst_offset.shape == ()


def test_a_sea_that_persists_has_its_anomaly(tmp_path):
    build_analysis(*NODES).to_netcdf(tmp_path / "a.nc")
    plain = read_state(tmp_path / "a.nc").forcing[SST]
    warm = read_state(tmp_path / "a.nc", sst_anomaly=RISE).forcing[SST]
    np.testing.assert_array_equal(warm, plain + RISE.on_grid(GRID))


def test_an_anomaly_on_land_alone_is_refused():
    land = np.zeros(GRID.nodal_shape)
    touched = RISE.on_grid(GRID) != 0
    land[touched] = 1
    with pytest.raises(ConfigError, match="covers land only"):
        climatic(land, sst_anomaly=RISE)
    land[np.argwhere(touched)[0][0]] = 0.5  # a coast
    assert climatic(land, sst_anomaly=RISE).sst_offset.max() > 0


def test_an_anomaly_is_judged_before_the_data_are_opened():
    with pytest.raises(ConfigError, match="No node of the model's"):
        climatic(
            mode="prescribed",
            data="no such file",
            sst_anomaly=SSTAnomaly(0, 1, 0.1, 1),
        )


@pytest.mark.parametrize("latitude, longitude, width", [(23, 5, 6), (65, 100, 5)])
def test_the_sahara_and_siberia_have_no_sea(latitude, longitude, width):
    land = ModelInputs.of(ngcm_cli.load_model()).land
    assert land is not None
    with pytest.raises(ConfigError, match="covers land only"):
        SSTAnomaly(latitude, longitude, width, 1).on_grid(FINE, land)
    assert SSTAnomaly(0, 180, 25, 1).on_grid(FINE, land).any()
