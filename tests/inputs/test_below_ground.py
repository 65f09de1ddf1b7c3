"""Values below the ground, against an atmosphere of constant lapse rate."""

import collections

import numpy as np
import pytest
from small_analysis import FIELDS, GRID, NODES, build_analysis, read_state

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.read_forcing import ForcingRequest
from ngcm_cli.forcing.run_inputs import read_inputs
from ngcm_cli.inputs.below_ground import fill_below_ground, is_below_ground
from ngcm_cli.inputs.input_field import InputField
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.read_analysis import AnalysisRequest

LEVELS = np.array([1000.0, 300, 500, 850, 700, 925])
HIGH = np.s_[:, :, :3, 5:9]  # of (time, level, latitude, longitude)


def standard_atmosphere():
    """The troposphere of the US Standard Atmosphere 1976, dry, and moist by q."""
    ratio = (LEVELS / 1013.25)[:, None, None]
    temperature = 288.15 * ratio ** (287.05 * 6.5e-3 / 9.80665)
    height = (288.15 - temperature) / 6.5e-3
    return temperature, 9.80665 * height


def test_the_standard_atmosphere_is_continued_exactly():
    temperature, geopotential = standard_atmosphere()
    missing = np.broadcast_to(LEVELS[:, None, None] > 600, temperature.shape)
    filled = fill_below_ground(
        "temperature", LEVELS, np.where(missing, np.nan, temperature)
    )
    np.testing.assert_allclose(filled, temperature, rtol=1e-12)
    heights = np.where(missing, np.nan, geopotential)
    found = fill_below_ground("geopotential", LEVELS, heights, temperature)
    np.testing.assert_allclose(found, geopotential, atol=1e-6)
    wind = np.where(missing, np.nan, LEVELS[:, None, None])
    found = fill_below_ground("u_component_of_wind", LEVELS, wind)
    np.testing.assert_array_equal(found[missing], 500)  # of the lowest level with data


def test_moist_air_is_lighter():
    temperature, geopotential = standard_atmosphere()
    heights = np.where(LEVELS[:, None, None] > 900, np.nan, geopotential)
    q = np.full_like(temperature, 0.02)
    dry = fill_below_ground("geopotential", LEVELS, heights, temperature)
    wet = fill_below_ground("geopotential", LEVELS, heights, temperature, q)
    lowest, above = 0, 3  # 1000 and 850 hPa
    ratio = (wet - geopotential)[above] - (wet - geopotential)[lowest]
    expected = 0.608 * 0.02 * (dry[above] - dry[lowest])
    np.testing.assert_allclose(ratio, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "hpa, below",
    [((850, 925, 1000), True), ((1000,), True), ((850, 925), False), ((700,), False)],
)
def test_missing_from_a_level_downwards(hpa, below):
    missing = np.isin(LEVELS, hpa)[:, None, None] & np.array([[True, False]])
    assert is_below_ground(missing, LEVELS) == below
    assert not is_below_ground(missing | (LEVELS < 400)[:, None, None], LEVELS)


def test_a_state_without_values_below_the_ground(tmp_path):
    dataset = build_analysis(*NODES, levels=LEVELS)
    for name in FIELDS:
        dataset[name].values[HIGH][:, LEVELS > 600] = np.nan
    dataset.to_netcdf(tmp_path / "a.nc")
    levels = sorted(LEVELS)
    state = read_state(tmp_path / "a.nc", levels=levels)
    t = {p: state.fields["temperature"][i, 5:9, :3] for i, p in enumerate(levels)}
    growth = (1000 / 500) ** (287.05 * 6.5e-3 / 9.80665)
    np.testing.assert_allclose(t[1000], growth * t[500], rtol=1e-6)
    wind = state.fields["u_component_of_wind"][:, 5:9, :3]
    np.testing.assert_array_equal(wind[-1], wind[levels.index(500)])
    notes = [note for note in state.analysis.notes if "Below the ground" in note]
    assert len(notes) == 1 and "9.4 % of the points at 1000 hPa" in notes[0]


def test_holes_and_missing_sea_are_refused(tmp_path):
    dataset = build_analysis(*NODES, levels=LEVELS)
    dataset["temperature"].values[HIGH][:, LEVELS == 700] = np.nan
    dataset.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputDataError, match="missing values") as caught:
        read_state(tmp_path / "a.nc", levels=sorted(LEVELS))
    assert "below the ground" in caught.value.hint
    dataset["geopotential"].values[HIGH][:, LEVELS > 600] = np.nan
    dataset = dataset.drop_vars("temperature").assign(
        temperature=build_analysis(*NODES, levels=LEVELS)["temperature"]
    )
    dataset.to_netcdf(tmp_path / "b.nc")
    sea = ModelInputs(
        GRID, tuple(sorted(LEVELS)), FIELDS, np.zeros(GRID.nodal_shape, np.float32)
    )
    with pytest.raises(InputDataError, match="12 of the 128 cells that are sea"):
        read_inputs(
            AnalysisRequest(str(tmp_path / "b.nc")),
            ForcingRequest("persist", np.timedelta64(0, "s")),
            sea,
        )


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("gone", [("geopotential",), FIELDS])
def test_each_variable_is_read_once_or_twice(tmp_path, monkeypatch, relative, gone):
    """Below the ground geopotential needs temperature and humidity."""
    dataset = build_analysis(*NODES, levels=LEVELS)
    if relative:
        dataset = dataset.drop_vars("specific_humidity")
        dataset["relative_humidity"] = dataset["temperature"] / 400
        dataset["relative_humidity"].attrs["units"] = "1"
    for name in {*gone} & {*dataset.data_vars}:
        dataset[name].values[HIGH][:, LEVELS > 600] = np.nan
    dataset.to_netcdf(tmp_path / "a.nc")
    reads, read_stored = collections.Counter(), InputField.read_stored

    def count(self, time, levels=None):
        reads[self.name] += 1
        return read_stored(self, time, levels)

    monkeypatch.setattr(InputField, "read_stored", count)
    state = read_state(tmp_path / "a.nc", levels=sorted(LEVELS))
    assert "below the ground" in " ".join(state.analysis.notes).lower()
    # Complete temperature is not kept, and read again if it is needed after all.
    most = 2 if len(gone) == 1 and not relative else 1
    names = "temperature", "geopotential", "specific_humidity", "relative_humidity"
    assert max(reads[name] for name in names) <= most
