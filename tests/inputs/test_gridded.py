"""Forecasts, analyses and records of any layout, opened in one canonical form."""

import pickle
import shutil

import h5py
import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr
from tiny_run import use_tiny_model

import ngcm_cli
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.gridded import highest_model_level, open_gridded

INITS = np.array(["2020-01-01T00", "2020-01-01T12", "2020-01-02T00"], "datetime64[ns]")
LEADS = np.array([0, 6, 12, 18], "timedelta64[h]").astype("timedelta64[ns]")
LEVELS, LATITUDE = np.array([500, 850]), np.linspace(-90, 90, 7)
LONGITUDE = np.arange(0, 360, 45.0)
SHAPE = 2, len(INITS), len(LEADS), len(LEVELS), len(LATITUDE), len(LONGITUDE)
DIMS = "realization", "init_time", "lead_time", "level", "latitude", "longitude"


def canonical(name="temperature", units="K") -> xr.Dataset:
    """Return two members of three forecasts, in the canonical form."""
    values = 250 + np.random.default_rng(1).normal(0, 20, SHAPE).astype(np.float32)
    return xr.Dataset(
        {name: (DIMS, values, {"units": units})},
        {
            "realization": np.arange(2),
            "init_time": INITS,
            "lead_time": LEADS,
            "level": LEVELS,
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
        },
    )


def weatherbench(dataset: xr.Dataset) -> xr.Dataset:
    """Return forecasts as WeatherBench 2 has them: north first, longitude first."""
    named = dataset.rename(
        init_time="time", lead_time="prediction_timedelta", realization="number"
    )
    named = named.transpose(
        "number", "time", "prediction_timedelta", "level", "longitude", "latitude"
    )
    return named.isel(latitude=slice(None, None, -1))


def one_forecast(dataset: xr.Dataset) -> xr.Dataset:
    """Return one forecast along its valid time, as ngcm writes NetCDF."""
    one = dataset.isel(init_time=1, realization=0, drop=True)
    one = one.assign_coords(time=("lead_time", INITS[1] + LEADS), init_time=INITS[1])
    one["init_time"].attrs["standard_name"] = "forecast_reference_time"
    one = one.swap_dims(lead_time="time").reset_coords("lead_time")
    return one.set_coords("lead_time")


def same(found: xr.Dataset, wanted: xr.Dataset, name="temperature") -> None:
    assert found[name].dims == wanted[name].dims
    for dim in wanted[name].dims:
        np.testing.assert_array_equal(found[dim], wanted[dim])
    np.testing.assert_array_equal(found[name].values, wanted[name].values)


@pytest.fixture
def save(tmp_path):
    def write(dataset, name="data.nc"):
        path = tmp_path / name
        if path.suffix == ".zarr":
            dataset.to_zarr(path, consolidated=False)
        else:
            dataset.to_netcdf(path)
        return str(path)

    return write


LAYOUTS = {
    "canonical": lambda x: x,
    "WeatherBench 2": weatherbench,
    "WeatherBench-X": lambda x: x.rename(realization="number"),
    "GRIB as cfgrib opens it": lambda x: x.rename(
        init_time="time", lead_time="step", realization="number"
    ).assign_coords(valid_time=(("time", "step"), INITS[:, None] + LEADS)),
    "the date line first": lambda x: x.roll(longitude=4, roll_coords=True),
    "lead times in hours": lambda x: x.assign_coords(
        lead_time=("lead_time", np.arange(0.0, 24, 6), {"units": "hours"})
    ),
    "the last forecast first": lambda x: x.isel(init_time=[2, 1, 0]),
    "pressures in Pa, lowest first": lambda x: x.assign_coords(
        level=("level", 100.0 * LEVELS, {"units": "Pa"})
    ).isel(level=[1, 0]),
}


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
@pytest.mark.parametrize("ending", ["nc", "zarr"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, ending, save):
    path = save(LAYOUTS[layout](canonical()), f"data.{ending}")
    with open_gridded(path) as found:
        same(found, canonical())
        assert found["temperature"].attrs["units"] == "K"
        assert found.attrs["location"] == path


def test_one_forecast_along_its_valid_time(save):
    with open_gridded(save(one_forecast(canonical()))) as found:
        one = canonical().isel(init_time=[1], realization=0, drop=True)
        same(found, one)


def test_one_lead_time_as_a_scalar(save):
    data = weatherbench(canonical()).isel(prediction_timedelta=2, number=0)
    with open_gridded(save(data)) as found:
        same(found, canonical().isel(lead_time=[2], realization=0, drop=True))


def test_durations_beside_dates(save):
    """As in the example data of GraphCast."""
    data = canonical().isel(init_time=[0], realization=0, drop=True)
    data = data.rename(init_time="batch", lead_time="time").drop_vars("batch")
    data = data.assign_coords(datetime=(("batch", "time"), (INITS[0] + LEADS)[None]))
    with open_gridded(save(data)) as found:
        same(found, canonical().isel(init_time=[0], realization=0, drop=True))


def test_a_record(save):
    data = canonical().isel(lead_time=0, realization=0, drop=True)
    data = data.rename(init_time="time")
    backwards = data.isel(time=slice(None, None, -1))
    with open_gridded(save(backwards)) as found:
        same(found, data)


def test_an_analysis_with_a_lead_time_of_zero_is_no_forecast(save):
    data = canonical().isel(lead_time=0, realization=0).rename(init_time="time")
    data = data.drop_vars("realization").rename(lead_time="step")
    with open_gridded(save(data)) as found:
        assert found["temperature"].dims == ("time", *DIMS[3:])


def test_means_over_bounded_periods_have_their_middle(save):
    data = canonical().isel(lead_time=0, realization=0, drop=True)
    data = data.rename(init_time="time")
    ends = np.array(["2020-02-01", "2020-03-01", "2020-04-01"], "datetime64[ns]")
    begins = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "datetime64[ns]")
    data = data.assign_coords(time=("time", ends, {"bounds": "time_bnds"}))
    data["time_bnds"] = ("time", "bnds"), np.stack([begins, ends], 1)
    data["time"].encoding["units"] = "hours since 2020-01-01"
    with open_gridded(save(data)) as found:
        assert found["time"].values[0] == np.datetime64("2020-01-16T12")


@pytest.mark.parametrize("along", ["init_time", "lead_time", "level", "realization"])
def test_several_files_follow_each_other(along, save, tmp_path):
    data = canonical()
    order = [1, 0, *range(2, data.sizes[along])]
    for number, index in enumerate(order):
        save(data.isel({along: [index]}), f"part{number}.nc")
    with open_gridded(str(tmp_path / "part*.nc")) as found:
        same(found, data)
        some = {"realization": 1, "init_time": [0, 2], "level": slice(0, 1)}
        np.testing.assert_array_equal(
            found["temperature"].isel(some), data["temperature"].isel(some)
        )


def test_files_that_overlap_are_refused(save, tmp_path):
    save(canonical(), "part1.nc")
    save(canonical().isel(init_time=[0]), "part2.nc")
    with pytest.raises(InputDataError, match="is in several files at init_time"):
        open_gridded(str(tmp_path / "part*.nc"))


@pytest.mark.parametrize(
    "index",
    [
        {"realization": 0},
        {"init_time": 2, "lead_time": -1, "level": 0},
        {"init_time": [2, 0], "lead_time": slice(1, None, 2)},
        {"latitude": 3, "longitude": [7, 0, 3]},
        {"latitude": slice(None, None, -2), "level": [1, 0], "realization": [1]},
        {},
    ],
)
def test_an_index_reads_what_it_names(index, save):
    with open_gridded(save(weatherbench(canonical()))) as found:
        np.testing.assert_array_equal(
            found["temperature"].isel(index), canonical()["temperature"].isel(index)
        )


def test_units_are_converted_when_values_are_read(save):
    data = canonical()
    data["temperature"] = (DIMS, data["temperature"].values - np.float32(273.15))
    with open_gridded(save(data.assign_attrs(model="another"))) as found:
        kelvin = found["temperature"].isel(lead_time=2).values
        wanted = canonical()["temperature"].isel(lead_time=2)
        np.testing.assert_allclose(kelvin, wanted, atol=1e-4)
        assert found.attrs["model"] == "another"


@pytest.mark.parametrize("name", ["pr", "rain"])
def test_precipitation_of_cmip_is_a_depth_of_water(name, save):
    """A flux of mass, by its name or its standard name, is divided by the density."""
    data = canonical("pr", "kg m-2 s-1").isel(level=0, drop=True) * 1e-5
    data["pr"].attrs = {"units": "kg m-2 s-1", "standard_name": "precipitation_flux"}
    found = open_gridded(save(data.rename(pr=name)))["precipitation_rate"]
    assert found.attrs["units"] == "m s-1" and found.attrs["found"] == name
    np.testing.assert_allclose(found, data["pr"] / 997, rtol=1e-6)


def test_units_that_the_values_contradict_are_refused(save):
    data = canonical()
    data["temperature"] = DIMS, data["temperature"].values - 273.15, {"units": "K"}
    with (
        open_gridded(save(data)) as found,
        pytest.raises(InputDataError, match="contradict"),
    ):
        found["temperature"].isel(lead_time=2).load()


def test_a_percentage_is_judged_by_the_whole_column(save):
    """In the stratosphere percentages are as small as fractions."""
    data = canonical("r", "%")
    data["r"] = 0 * data["r"] + xr.DataArray([0.2, 90.0], dims="level")
    data["r"].attrs["units"] = "%"
    with open_gridded(save(data)) as found:
        humidity = found["relative_humidity"].isel(level=0)
        np.testing.assert_allclose(humidity, 0.002, rtol=1e-6)


def test_an_axis_of_one_value_before_time(save):
    data = canonical().isel(lead_time=0, realization=0, drop=True)
    data = data.rename(init_time="time").expand_dims(height=[2.0])
    data["ozone"] = 1 * data["temperature"]
    with open_gridded(save(data)) as found:
        assert found["temperature"].dims == ("time", *DIMS[3:])
        assert found["ozone"].dims == ("time", "level", "height", *DIMS[4:])
        wanted = data["ozone"].transpose(*found["ozone"].dims)
        np.testing.assert_array_equal(found["ozone"], wanted)


@pytest.mark.parametrize(
    ("dim", "what"), [("realization", "member 0"), ("init_time", "initial time 2020")]
)
def test_what_occurs_twice_is_refused(dim, what, save):
    data = canonical().isel({dim: [0, 0]})
    with pytest.raises(InputDataError, match=f"The {what}.* occurs more than once"):
        open_gridded(save(data))


def test_named_members_are_announced(save, caplog):
    data = canonical().assign_coords(realization=["control", "perturbed"])
    caplog.set_level("INFO", "ngcm_cli")
    with open_gridded(save(data)) as found:
        assert found["realization"].values.tolist() == [0, 1]
    assert "The members are named, not numbered: 2 count from 0." in caplog.text


def test_other_variables_keep_name_and_units(save):
    data = canonical()
    data["ozone"] = DIMS[3:], np.ones(SHAPE[3:], np.float32), {"units": "kg kg-1"}
    data["name"] = "realization", ["a", "b"]
    with open_gridded(save(data)) as found:
        assert found["ozone"].dims == DIMS[3:]
        assert found["ozone"].attrs["units"] == "kg kg-1"
        assert "name" not in found


def test_a_chunk_that_is_missing_is_refused(tmp_path):
    group = zarr.open_group(tmp_path / "data.zarr", mode="w")
    data = canonical().isel(realization=0, init_time=0, lead_time=0, drop=True)
    for name, array in {**data.coords, **data.data_vars}.items():
        dims = [str(dim) for dim in array.dims]
        stored = group.create_array(
            name, data=array.values, fill_value=0, dimension_names=dims
        )
        stored.attrs["units"] = "K" if name == "temperature" else ""
    shutil.rmtree(tmp_path / "data.zarr" / "temperature" / "c")
    with (
        open_gridded(str(tmp_path / "data.zarr")) as found,
        pytest.raises(InputDataError, match="incomplete"),
    ):
        found["temperature"].load()


def test_zonal_means(save):
    data = weatherbench(canonical("ta", "degC")).mean("longitude")
    data["ta"] = data["ta"] - 250
    data["ta"].attrs = {"units": "degC"}
    data["other"] = data["ta"] * 1
    with open_gridded(save(data)) as found:
        assert found["temperature"].dims == DIMS[:-1] == found["other"].dims
        wanted = canonical("ta")["ta"].mean("longitude") + 23.15
        np.testing.assert_allclose(found["temperature"], wanted, atol=1e-4)
        np.testing.assert_allclose(
            found["temperature"].isel(lead_time=1, latitude=[2, 0]),
            wanted.isel(lead_time=1, latitude=[2, 0]),
            atol=1e-4,
        )
        assert "longitude" not in found.dims


def test_zonal_means_of_a_climate_run(save):
    """Attributes of the coordinate time do not make them a climatology."""
    data = canonical().isel(lead_time=0, realization=0, drop=True).mean("longitude")
    data = data.rename(init_time="time")
    begins = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "datetime64[ns]")
    ends = np.array(["2020-02-01", "2020-03-01", "2020-04-01"], "datetime64[ns]")
    middle = begins + (ends - begins) // 2
    data["temperature"].attrs = {"units": "K", "cell_methods": "time: mean area: mean"}
    time = {"standard_name": "time", "axis": "T", "bounds": "time_bnds"}
    data = data.assign_coords(time=("time", middle, time)).assign_attrs(frequency="mon")
    data["time_bnds"] = ("time", "bnds"), np.stack([begins, ends], 1)
    data["time"].encoding["units"] = "hours since 2020-01-01"
    with open_gridded(save(data)) as found:
        assert found["temperature"].dims == ("time", "level", "latitude")
        np.testing.assert_array_equal(found["time"], middle)
        np.testing.assert_array_equal(found["temperature"], data["temperature"])


def test_the_highest_level_of_the_model_is_kept(save, tmp_path):
    data = canonical()
    save(data.drop_vars("temperature").assign(ozone=data["temperature"] * 1), "a1.nc")
    data["level"].attrs = {"highest_model_level": 600.5, "comment": "not kept"}
    save(data, "a2.nc")
    with open_gridded(str(tmp_path / "a*.nc")) as found:
        assert found["level"].attrs == {"highest_model_level": 600.5}
        assert highest_model_level(found) == 600.5
    with open_gridded(str(tmp_path / "a1.nc")) as found:
        assert highest_model_level(found) == 0


def test_no_fields_are_refused(save):
    data = xr.Dataset({"a": ("time", [1.0])}, {"time": INITS[:1]})
    with pytest.raises(InputDataError, match="no latitude coordinate"):
        open_gridded(save(data))


def test_a_lead_time_without_an_initial_time_is_refused(save):
    data = canonical().isel(init_time=0, drop=True)
    with pytest.raises(InputDataError, match="no initial time"):
        open_gridded(save(data))


@pytest.mark.parametrize("ending", ["zarr", "nc"])
def test_an_ensemble_of_ngcm(ending, tmp_path, monkeypatch):
    use_tiny_model(monkeypatch)
    path = ngcm_cli.ensemble(
        members=2, lead="2h", every="1h", statistics="mean,std",
        variables="t,P_minus_E_rate", output=tmp_path / f"run.{ending}",
    )  # fmt: skip
    with (
        open_gridded(str(path)) as found,
        xr.open_dataset(
            path,
            engine="zarr" if ending == "zarr" else None,
            decode_timedelta=True,
            chunks=None,
        ) as written,
    ):
        assert {*found.data_vars} == {*written.data_vars}
        for name in found.data_vars:
            assert {*found[name].dims} == {*written[name].dims}
            np.testing.assert_array_equal(
                found[name],
                written[name].transpose(*found[name].dims).sortby("latitude"),
            )


def test_none_of_several_files_are_none(save, tmp_path):
    data = canonical()
    for number in range(2):
        save(data.isel(init_time=[number]), f"part{number}.nc")
    with open_gridded(str(tmp_path / "part*.nc")) as found:
        none = found["temperature"].isel(init_time=slice(0, 0), level=1)
        assert none.values.shape == none.shape
        assert none.shape[1] == 0


def test_loaded_data_can_be_pickled(save):
    with open_gridded(save(canonical())) as found:
        with pytest.raises(TypeError, match="load()"):
            pickle.dumps(found)
        xr.testing.assert_identical(found.copy(deep=True), found)
        loaded = found.load()
        copy = pickle.loads(pickle.dumps(loaded))
    xr.testing.assert_identical(copy, loaded)
    copy.close()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_chunks_of_nan_that_are_missing_stay_where_they_are(tmp_path, zarr_format):
    """A store that is being written: what is there can be read, before and after."""
    data = canonical().isel(realization=0, lead_time=0, drop=True)
    data = data.rename(init_time="time").chunk(time=1)
    path, fill = tmp_path / "data.zarr", {"_FillValue": np.nan}
    encoding = {"temperature": fill}
    is_2 = zarr_format == 2
    data.to_zarr(path, zarr_format=zarr_format, encoding=encoding, consolidated=is_2)
    name = "1.0.0.0" if is_2 else "c/1/0/0/0"
    (path / "temperature" / name).unlink()
    with open_gridded(str(path)) as found:
        temperature = found["temperature"]
        assert np.isnan(temperature.isel(time=1)).all()
        np.testing.assert_array_equal(
            temperature.isel(time=0), data["temperature"].isel(time=0)
        )


def test_zonal_means_are_no_fields_on_a_grid():
    """Who needs a grid refuses them, with a sentence."""
    from ngcm_cli.config.tracks import TracksConfig
    from ngcm_cli.inputs.gridded import check_grid
    from ngcm_cli.tracks.cyclone_fields import find_fields
    from ngcm_cli.verification.forecasts import check_forecast
    from ngcm_cli.verification.truth import check_truth

    values = np.zeros((1, 1, 3, 4))
    dims = ("init_time", "lead_time", "latitude", "longitude")
    fields = xr.Dataset({"temperature": (dims, values)})
    check_grid(fields)
    check_forecast(fields)
    zonal = fields.mean("longitude")
    record = zonal.isel(lead_time=0).rename(init_time="time")
    config = TracksConfig()
    for refuse in (
        lambda: check_grid(zonal),
        lambda: check_forecast(zonal),
        lambda: check_truth(record),
        lambda: find_fields(record, config),
    ):
        with pytest.raises(InputDataError, match="no longitude: it may hold zonal"):
            refuse()
    with pytest.raises(InputDataError, match="no latitude and no longitude"):
        check_grid(zonal.mean("latitude"))


@pytest.mark.parametrize(
    ("kind", "results"),
    [
        ("tracks", {"track_id": ("track", [0]), "row_size": ("track", [1])}),
        ("scores", {"rmse.temperature": ("region", [1.0])}),
        ("a diagnosis", {"jet": ((), 45.0, {"topic": "Circulation"})}),
    ],
)
def test_results_are_no_fields(tmp_path, kind, results):
    path = tmp_path / "results.nc"
    xr.Dataset(results).to_netcdf(path)
    with pytest.raises(InputDataError, match=f"results.nc.* holds {kind}, no fields"):
        open_gridded(str(path))


def test_amounts_of_a_record_are_not_those_since_an_initial_time(save):
    """ERA5 has those of an hour; forecasts of ECMWF those since the initial time."""
    data = canonical("tp", "m").isel(level=0, drop=True) * 1e-5
    data["tp"].attrs = {"units": "m", "long_name": "Total precipitation"}
    with open_gridded(save(data)) as found:
        assert found["precipitation_cumulative_mean"].attrs["found"] == "tp"
    record = data.isel(lead_time=0, drop=True).rename(init_time="time")
    found = open_gridded(save(record))
    assert "precipitation_cumulative_mean" not in found
    assert found["tp"].attrs["long_name"] == "Total precipitation"
    np.testing.assert_allclose(found["tp"], record["tp"], rtol=1e-6)


@pytest.mark.parametrize("codec", ["", "zlib", "lzma"])
def test_values_of_a_damaged_file_are_refused_when_they_are_read(tmp_path, codec):
    """Codecs raise their own errors, such as zlib.error."""
    data, chunks = canonical(), (*SHAPE[:4], 7, 8)
    if codec:
        path = tmp_path / "data.zarr"
        stored = {"chunks": chunks, "compressors": [numcodecs.get_codec({"id": codec})]}
        data.to_zarr(path, zarr_format=2, encoding={"temperature": stored})
        file, begin = next((path / "temperature").glob("0*")), 16
    else:
        file = path = tmp_path / "data.nc"
        stored = {"zlib": True, "chunksizes": chunks}
        data.to_netcdf(path, encoding={"temperature": stored})
        with h5py.File(path) as opened:
            begin = opened["temperature"].id.get_chunk_info(0).byte_offset
    damaged = bytearray(file.read_bytes())
    damaged[begin + 20 : begin + 420] = b"?" * 400
    file.write_bytes(damaged)
    found = open_gridded(str(path))
    with pytest.raises(InputDataError, match="'temperature' cannot be read: "):
        found.load()


def test_no_lead_times_are_refused(tmp_path):
    path = tmp_path / "empty.nc"
    fields = canonical().isel(lead_time=slice(0, 0))
    fields["lead_time"] = ("lead_time", np.zeros(0), {"units": "hours"})
    fields.to_netcdf(path)
    with pytest.raises(InputDataError):
        open_gridded(str(path))
