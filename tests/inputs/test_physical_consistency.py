import numpy as np
import pytest
import xarray as xr
from small_analysis import FIELDS, GRID, MODELS, NODES, build_analysis, read_state

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.read_forcing import ForcingRequest
from ngcm_cli.forcing.run_inputs import read_inputs
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.physical_consistency import (
    check_land,
    check_longitudes,
    check_wind,
)
from ngcm_cli.inputs.read_analysis import AnalysisRequest
from ngcm_cli.inputs.sources.bundled import climatology_path
from ngcm_cli.spectral.grid import Grid

LEVELS = (300.0, 400.0, 500.0, 700.0, 850.0, 1000.0)
SAMPLE = MODELS / "era5_tl31_1959-01-02T00.nc"


@pytest.fixture
def dataset():
    return build_analysis(*NODES, levels=LEVELS)


@pytest.fixture
def read(tmp_path):
    def write_and_read(dataset, **how):
        dataset.to_netcdf(tmp_path / "a.nc")
        return read_state(tmp_path / "a.nc", levels=LEVELS, **how)

    return write_and_read


def reverse(name):
    def spoil(dataset):
        array = dataset[name]
        dataset[name] = array.copy(data=array.values[:, ::-1])

    return spoil


def still(dataset):
    dataset["u_component_of_wind"] *= 0


def late(dataset):
    """As of another time, when it was six kelvin warmer."""
    dataset["temperature"] += 6


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (reverse("temperature"), "temperature and geopotential do not belong together"),
        (reverse("specific_humidity"), "Specific humidity at 1000 hPa .* is not above"),
        (reverse("geopotential"), "is not above that at"),
        (still, "'u_component_of_wind' is 0 everywhere"),
        (late, "thickness of that layer is of"),
    ],
)
def test_fields_that_do_not_belong_together(read, dataset, spoil, sentence):
    read(dataset)
    spoil(dataset)
    with pytest.raises(InputDataError, match=f"a.nc.*{sentence}"):
        read(dataset)


def read_with_land(path, grid, levels, land):
    """As the command line has it, with a model that knows where land is."""
    forcing = ForcingRequest("persist", np.timedelta64(0, "s"))
    model_inputs = ModelInputs(grid, tuple(levels), FIELDS, land)
    return read_inputs(AnalysisRequest(str(path)), forcing, model_inputs)


@pytest.mark.parametrize("name", ["air", "sea", "all"])
def test_a_real_state_upside_down(tmp_path, name):
    """Archives had days on which all latitudes were reversed."""
    with xr.open_dataset(SAMPLE) as real:
        real = real.load()
    levels = real["level"].values.tolist()
    sea = ["sea_surface_temperature", "sea_ice_cover"]
    land = 0 * real["sea_surface_temperature"].copy()
    land[dict(longitude=slice(40), latitude=slice(20, None))] = 1  # in the north
    for variable in sea if name != "air" else ():
        real[variable] = real[variable].where(land == 0)
    turned = {"air": [*FIELDS], "sea": sea, "all": [*FIELDS, *sea]}[name]
    for variable in turned:
        other_way = real[variable].isel(latitude=slice(None, None, -1)).values
        real[variable] = real[variable].copy(data=other_way)
    real.to_netcdf(tmp_path / "a.nc")
    land = land.transpose("longitude", "latitude").values
    with pytest.raises(InputDataError, match="North and south of .* are exchanged"):
        read_with_land(tmp_path / "a.nc", Grid.linear(31), levels, land)


def test_the_right_way_up_in_every_season(tmp_path):
    """With the sea of its own season, a real state passes."""
    with xr.open_dataset(SAMPLE) as real:
        levels = real["level"].values.tolist()
    for mode in ("persist", "climatology"):
        read_state(SAMPLE, grid=Grid.linear(31), levels=levels, mode=mode)


def test_chunks_of_the_sea_that_are_not_there(tmp_path, dataset):
    """Zarr takes them for NaN, and so for land."""
    land = dataset["sea_surface_temperature"].isel(time=0).isnull()
    land = land.transpose("longitude", "latitude").values.astype("f4")
    chunks = {n: {"chunks": (1, 8, 4)} for n in dataset if dataset[n].ndim == 3}
    dataset.to_zarr(tmp_path / "a.zarr", zarr_format=2, encoding=chunks)
    path = tmp_path / "a.zarr"
    read_with_land(path, GRID, LEVELS, land)
    (tmp_path / "a.zarr" / "sea_surface_temperature" / "0.0.1").unlink()
    with pytest.raises(
        InputDataError, match=r"incomplete: chunks with open sea, .*0\.0\.1"
    ):
        read_with_land(path, GRID, LEVELS, land)
    land[4:8] = 1  # and where there is land, all is well
    read_with_land(path, GRID, LEVELS, land)


def test_skin_temperature_without_a_mask_takes_the_models_land(tmp_path, dataset):
    skin = dataset["sea_surface_temperature"].fillna(350.0)
    no_sea = dataset.drop_vars("sea_surface_temperature").assign(skt=skin)
    no_sea.to_netcdf(tmp_path / "a.nc")
    land = dataset["sea_surface_temperature"].isel(time=0).isnull()
    land = land.transpose("longitude", "latitude").values.astype("f4")
    state = read_with_land(tmp_path / "a.nc", GRID, LEVELS, land)
    assert state.forcing["sea_surface_temperature"].max() < 305
    assert "land fraction of the model is at most 0.5" in " ".join(
        state.surface_forcing.notes
    )


@pytest.mark.parametrize(
    "move, words",
    [
        (lambda x: np.roll(x, 8, axis=0), "a displacement by 180 degrees"),
        (lambda x: np.roll(x, 2, axis=0), "a displacement by 45 degrees"),
        (lambda x: x[:, ::-1], "north and south exchanged"),
        (lambda x: x[::-1], "east and west exchanged"),
    ],
)
def test_wind_that_is_weak_where_there_is_no_land(move, words):
    rng = np.random.default_rng(3)
    land = (rng.uniform(size=GRID.nodal_shape) < 0.3).astype("f4")
    speed = np.where(land, 2, 7) * rng.uniform(0.5, 1.5, land.shape)
    levels = np.array([850.0, 1000.0])
    still = np.zeros((1, *land.shape))

    def columns(speed):
        wind = np.concatenate([still, speed[None]])
        names = "u_component_of_wind", "v_component_of_wind"
        return {name: (levels, wind) for name in names}

    check_wind(columns(speed), land, GRID)
    check_wind(columns(move(speed)), 0 * land, GRID)  # a model without land
    with pytest.raises(InputDataError, match=words):
        check_wind(columns(move(speed)), land, GRID)


def test_heights_of_a_forecast_above_the_models_top_do_not_count(tmp_path):
    """They are extrapolated, and may be 17 km too low at 1 hPa."""
    levels = (1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 400.0, 700.0, 1000.0)
    dataset = build_analysis(*NODES, levels=levels)
    at_20 = dataset["geopotential"][:, 2].values
    for index in 0, 1:
        dataset["geopotential"][:, index] = at_20 + 100 * (2 - index)
    dataset.to_netcdf(tmp_path / "a.nc")
    read_state(tmp_path / "a.nc", levels=levels)
    dataset["temperature"][:, 2:4] += 30
    dataset.to_netcdf(tmp_path / "b.nc")
    with pytest.raises(InputDataError, match="Between 50 and 100 hPa"):
        read_state(tmp_path / "b.nc", levels=levels)


@pytest.fixture(scope="module")
def earth():
    """Temperature of the sea in July, K, and land, of AMIP's climatology."""
    with xr.open_dataset(climatology_path()) as data:
        july = data.isel(time=6).transpose("lon", "lat").load()
    land = july["land_sea_mask"].values.astype(float)
    return july["sea_surface_temperature"].values, land


POSITIONS = {
    "": lambda x: x,
    "shifted .* turned by 6 degrees": lambda x: np.roll(x, 3, axis=0),
    "shifted .* turned by 180 degrees": lambda x: np.roll(x, 96, axis=0),
    "North and south .* exchanged": lambda x: x[:, ::-1],
    "East and west .* exchanged": lambda x: np.roll(x[::-1], 1, axis=0),
    "East and west .* are exchanged": lambda x: x[::-1],
}


@pytest.mark.parametrize("words", POSITIONS)
@pytest.mark.parametrize("masked", [True, False])
def test_positions_of_the_sea(earth, words, masked):
    """By missing values on land, or by the pattern where there are none."""
    temperature, land = earth
    anomaly = np.random.default_rng(0).normal(size=land.shape)
    field = POSITIONS[words](temperature + 0.7 * anomaly)
    missing = POSITIONS[words](land > 0.4)  # coast lines differ

    def check():
        if masked:
            check_land(missing, land, "'sst'")
        else:
            check_longitudes(field, temperature, land, "'sst'")

    if not words:
        check()
        return
    with pytest.raises(InputDataError, match=words):
        check()


def test_other_worlds_are_not_judged(earth):
    _, land = earth
    check_land(np.zeros(land.shape, bool), land, "'sst'")
    check_longitudes(np.full(land.shape, 300.0), earth[0], land, "'sst'")
    check_longitudes(290.0 + 0 * land, earth[0], None, "'sst'")
