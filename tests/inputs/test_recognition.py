import numpy as np
import pytest
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.gcm.fields import ATMOSPHERE, FORCING
from ngcm_cli.inputs.recognition import recognise
from ngcm_cli.inputs.variables import VARIABLES

READ = (*ATMOSPHERE, *FORCING)
CDS = {
    "temperature": "t",
    "geopotential": "z",
    "u_component_of_wind": "u",
    "v_component_of_wind": "v",
    "specific_humidity": "q",
    "specific_cloud_ice_water_content": "ciwc",
    "specific_cloud_liquid_water_content": "clwc",
    "sea_surface_temperature": "sst",
    "sea_ice_cover": "siconc",
    "time": "valid_time",
    "level": "pressure_level",
}
CMIP = {
    "temperature": "ta",
    "u_component_of_wind": "ua",
    "v_component_of_wind": "va",
    "specific_humidity": "hus",
    "specific_cloud_ice_water_content": "cli",
    "specific_cloud_liquid_water_content": "clw",
    "sea_surface_temperature": "tos",
    "sea_ice_cover": "siconc",
    "level": "plev",
    "latitude": "lat",
    "longitude": "lon",
}


# Recognising


def same_values(recognised, expected):
    for name in READ:
        ours = recognised[name].transpose(*expected[name].dims)
        np.testing.assert_array_equal(ours, expected[name])


@pytest.mark.parametrize("names", [{}, CDS, CMIP], ids=["era5", "cds", "cmip"])
def test_known_names(native, names):
    found = recognise(native.rename(names), READ)
    assert set(found.coords) == {"time", "level", "latitude", "longitude"}
    same_values(found, native.isel(time=0))
    assert found["temperature"].attrs["found"] == names.get(
        "temperature", "temperature"
    )


def test_capitals(native):
    renamed = native.rename(
        {"temperature": "T", "geopotential": "Z", "sea_surface_temperature": "SST"}
    )
    same_values(recognise(renamed, READ), native.isel(time=0))


def test_foreign_names_with_cf_attributes(native):
    renamed = native.rename({n: f"var{i}" for i, n in enumerate(READ)})
    for i, name in enumerate(READ):
        renamed[f"var{i}"].attrs["standard_name"] = VARIABLES[name].standard_name
    renamed = renamed.rename(level="height_axis", latitude="rows", longitude="columns")
    renamed["height_axis"].attrs["standard_name"] = "air_pressure"
    renamed["rows"].attrs["units"] = "degrees_north"
    renamed["columns"].attrs["units"] = "degrees_east"
    same_values(recognise(renamed, READ), native.isel(time=0))


def test_singleton_dimensions_are_squeezed(native):
    wide = native.expand_dims({"number": [0], "expver": ["0001"], "realization": [1]})
    same_values(recognise(wide, READ), native.isel(time=0))


def test_surface_fields_with_a_single_level_of_their_own(native):
    surface = native["sea_surface_temperature"].expand_dims({"surface": [0.0]})
    dataset = native.assign(sea_surface_temperature=surface)
    same_values(recognise(dataset, READ), native.isel(time=0))


def test_surface_geopotential_is_not_the_geopotential(native):
    both = native.rename(geopotential="phi")
    both["z"] = both["phi"].isel(level=-1, drop=True)
    both["t2m"] = both["temperature"].isel(level=-1, drop=True)
    both["t2m"].attrs["standard_name"] = "air_temperature"
    same_values(recognise(both, READ), native.isel(time=0))


def test_valid_time_of_a_forecast(native):
    """Like our own output: valid_time depends on two axes, one of which is single."""
    steps = native.isel(time=[0, 0]).rename(time="lead_time")
    steps = steps.assign_coords(lead_time=[0, 6]).expand_dims(init_time=[0])
    valid = np.array([["2020-01-01T00", "2020-01-01T06"]], "datetime64[ns]")
    steps = steps.assign_coords(valid_time=(("init_time", "lead_time"), valid))
    found = recognise(steps, READ)
    np.testing.assert_array_equal(found["time"], valid[0])
    assert found["temperature"].sizes["time"] == 2


@pytest.mark.parametrize(
    "factor, units, attribute",
    [
        (1, "hPa", "hPa"),
        (1, "hPa", ""),
        (1, "hPa", "millibars"),
        (100, "Pa", "Pa"),
        (100, "Pa", ""),
    ],
)
def test_pressure_units(native, factor, units, attribute):
    dataset = native.assign_coords(level=native["level"] * factor)
    dataset["level"].attrs["units"] = attribute
    found = recognise(dataset, ["temperature"])
    np.testing.assert_allclose(found["level"], native["level"])


def recognition_refused(dataset):
    with pytest.raises(InputDataError) as caught:
        recognise(dataset, READ)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("factor, attribute", [(1, "Pa"), (100, "hPa")])
def test_pressure_that_contradicts_its_units(native, factor, attribute):
    dataset = native.assign_coords(level=native["level"] * factor)
    dataset["level"].attrs["units"] = attribute
    error = recognition_refused(dataset)
    assert f"'{attribute}'" in error.message and "'level'" in error.message
    assert "correct the units" in error.hint


def test_model_levels(native):
    native["level"].attrs["standard_name"] = (
        "atmosphere_hybrid_sigma_pressure_coordinate"
    )
    error = recognition_refused(native)
    assert "model levels" in error.message
    assert "pressure levels" in error.hint


def test_no_longitude(native):
    error = recognition_refused(native.mean("longitude"))
    assert "no longitude" in error.message and "latitude (8)" in error.message


def test_a_grid_is_curvilinear_if_latitude_depends_on_longitude(native):
    dataset = native.rename(latitude="j", longitude="i").drop_vars(["i", "j"])
    mesh = np.meshgrid(native["longitude"], native["latitude"])
    dataset = dataset.assign_coords(
        lon=(("j", "i"), mesh[0]), lat=(("j", "i"), mesh[1])
    )
    same_values(recognise(dataset, READ), native.isel(time=0))
    dataset["lat"] = dataset["lat"] + 0.01 * dataset["lon"]
    error = recognition_refused(dataset)
    assert "curvilinear" in error.message
    assert "remapcon" in error.hint


def test_coordinates_on_other_dimensions(native):
    """lat(y), lon(x)."""
    dataset = native.rename(latitude="lat", longitude="lon").swap_dims(lat="y", lon="x")
    found = recognise(dataset, READ)
    same_values(found, native.isel(time=0))
    np.testing.assert_array_equal(found["longitude"], native["longitude"])


def test_latitudes_and_longitudes_of_cells_are_no_grid(native):
    cells = native.isel(latitude=0, drop=True).rename(longitude="cell")
    both = {"lat": ("cell", np.arange(16.0)), "lon": ("cell", np.arange(16.0))}
    cells = cells.drop_vars("cell").assign_coords(both)
    assert "unstructured" in recognition_refused(cells).message


def test_dates_in_another_coordinate_than_time(native):
    """As the example data of GraphCast and GenCast, where times are relative."""
    dates = np.array([["2019-03-29T00", "2019-03-29T06"]], "datetime64[ns]")
    wide = native.isel(time=[0, 0]).expand_dims(batch=1)
    for relative in (np.array([0, 6]), np.array([0, 6], "m8[h]").astype("m8[ns]")):
        dataset = wide.assign_coords(time=relative, datetime=(("batch", "time"), dates))
        found = recognise(dataset, READ)
        np.testing.assert_array_equal(found["time"], dates[0])
        named = recognise(dataset.rename(datetime="when"), READ)
        np.testing.assert_array_equal(named["time"], dates[0])


def test_two_coordinates_with_dates(native):
    dataset = native.assign_coords(time=[0], one=("time", native["time"].values))
    two = dataset.assign_coords(two=("time", native["time"].values))
    assert "one, two" in recognition_refused(two).message


@pytest.mark.parametrize("off", [-0.4, 0.4])
def test_times_are_rounded_to_the_second(native, off):
    """Days as floating point are off by a few microseconds, sometimes too early."""
    late = native.assign_coords(time=native["time"] + np.timedelta64(int(off * 1e9)))
    assert recognise(late, READ)["time"] == np.datetime64("2020-08-22T12", "s")


@pytest.mark.parametrize(
    "number, units",
    [
        (20200822.5, "day as %Y%m%d.%f"),
        (20200822.499999996, "day as %Y%m%d.%f"),
        (2020082212, ""),
        ("2020-08-22T12:00:00Z", ""),
        ("2020-08-22_12:00", ""),
        (b"2020-08-22T12", ""),
    ],
)
def test_dates_that_are_spelled(native, number, units):
    """CDO's absolute time axes, plain integers, and text."""
    dataset = native.assign_coords(time=("time", [number], {"units": units}))
    assert recognise(dataset, READ)["time"] == np.datetime64("2020-08-22T12", "s")


@pytest.mark.parametrize("number", [2020132212, 20200822, 2020, 6, "summer"])
def test_what_spells_no_date(native, number):
    found = recognise(native.assign_coords(time=[number]), READ)["time"]
    assert found.dtype.kind in "iUOT"


def test_an_axis_of_lead_times(native):
    """WeatherBench 2: one initial time, several lead times."""
    steps = native.isel(time=[0, 0]).rename(time="prediction_timedelta")
    steps = steps.assign_coords(
        prediction_timedelta=("prediction_timedelta", [6, 12], {"units": "hours"}),
        time=np.datetime64("2020-08-22T12", "ns"),
    )
    found = recognise(steps, READ)["time"].values
    np.testing.assert_array_equal(
        found, np.array(["2020-08-22T18", "2020-08-23"], "M8[s]")
    )


def test_unstructured_grid(native):
    flat = native.stack(cell=("latitude", "longitude")).reset_index("cell")
    assert "unstructured" in recognition_refused(flat).message


def test_ensemble(native):
    error = recognition_refused(native.expand_dims(number=[0, 1]))
    assert "number (2)" in error.message
    assert "isel(number=0)" in error.hint


def test_two_variables_for_one(native):
    both = native.rename(temperature="t").assign(ta=native["temperature"])
    error = recognition_refused(both)
    assert "t, ta" in error.message and "temperature" in error.message
    assert "rename it" in error.hint


def valid_time(dataset, tmp_path):
    """Through a file, where durations are numbers with units."""
    dataset.to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", decode_timedelta=False) as opened:
        times = recognise(opened, READ)["time"].values.ravel()
    return times.astype("datetime64[m]").astype(str).tolist()


@pytest.mark.parametrize(
    "lead, units",
    [
        (30, "hours"),
        (30.0, "h"),
        (1.25, "days"),
        (1800, "minutes"),
        (108000, "seconds"),
        (108000 * 10**9, "nanoseconds"),
        (np.timedelta64(30, "h").astype("m8[ns]"), None),
    ],
)
@pytest.mark.parametrize("name", ["prediction_timedelta", "lead_time", "step"])
@pytest.mark.parametrize("shape", ["scalar", "axis"])
def test_the_initial_time_and_a_lead_time(native, tmp_path, lead, units, name, shape):
    """WeatherBench 2 calls the initial time ``time``."""
    attributes = {"units": units} if units else {}
    if shape == "axis":
        dataset = native.expand_dims({name: [lead]})
        dataset[name].attrs = attributes
    else:
        dataset = native.isel(time=0).assign_coords({name: ((), lead, attributes)})
    assert valid_time(dataset, tmp_path) == ["2020-08-23T18:00"]


def test_beside_a_forecast_period_time_is_valid_as_cf_has_it(native, tmp_path):
    attributes = {"units": "hours", "standard_name": "forecast_period"}
    period = {"forecast_period": ((), 30, attributes)}
    dataset = native.isel(time=0).assign_coords(period)
    assert valid_time(dataset, tmp_path) == ["2020-08-22T12:00"]


def test_a_lead_time_in_memory(native):
    lead = np.timedelta64(6, "h").astype("m8[ns]")
    found = recognise(native.assign_coords(step=lead), READ)
    assert found["time"].values.ravel() == np.datetime64("2020-08-22T18", "ns")


@pytest.mark.parametrize(
    "more",
    [
        {"forecast_reference_time": np.datetime64("2020-08-21T06", "ns")},
        {"start": ((), 0, {"standard_name": "forecast_reference_time"})},
        {"valid_time": ("time", np.array(["2020-08-22T12"], "M8[ns]"))},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_lead_time_that_is_in_the_valid_time(native, tmp_path, more):
    native = native.assign_coords(step=((), 30, {"units": "hours"}), **more)
    assert valid_time(native, tmp_path) == ["2020-08-22T12:00"]


def test_no_lead_time_needs_no_units(native, tmp_path):
    dataset = native.assign_coords(step=0)
    assert valid_time(dataset, tmp_path) == ["2020-08-22T12:00"]


@pytest.mark.parametrize(
    "lead, attributes, words",
    [
        (24, {}, "is 24, without units"),
        (24, {"units": "1"}, "is 24, in units of '1'"),
        (np.nan, {"units": "hours"}, "is missing"),
        ("a day", {}, "not a duration: a day"),
    ],
)
def test_lead_times_that_say_nothing(native, lead, attributes, words):
    error = recognition_refused(native.assign_coords(step=((), lead, attributes)))
    assert "'step'" in error.message and words in error.message
    assert "valid_time" in error.hint


# Damaged coordinates


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda d: d.isel(level=[0, 1, 1, 2]), "the level 500 more than once"),
        (lambda d: d.isel(level=[]), "'level' is empty"),
        (lambda d: d.assign_coords(level=[0, 500, 850, 1000]), "holds 0, which is no"),
        (lambda d: d.assign_coords(level=[np.nan, 5, 8, 9]), "holds nan, which is no"),
        (lambda d: d.assign_coords(level=[-1, 5, 8, np.inf]), "(2 of its 4 levels"),
        (
            lambda d: d.assign_coords(latitude=list("abcdefgh")),
            "'latitude' is not numeric",
        ),
    ],
)
def test_damaged_coordinates(native, spoil, words):
    assert words in recognition_refused(spoil(native)).message


def test_a_depth_of_the_sea_does_not_matter(native):
    sea = native[["sea_surface_temperature"]].assign_coords(lev=("lev", [0.0, 10.0]))
    assert "sea_surface_temperature" in recognise(sea, READ)


def test_several_initial_times_with_lead_times(native):
    valid = np.array("2020-01-01", "datetime64[ns]") + np.zeros((2, 2), "m8[h]")
    dataset = native.squeeze("time", drop=True).expand_dims(init=[0, 1], step=[0, 1])
    dataset = dataset.assign_coords(valid_time=(("init", "step"), valid))
    error = recognition_refused(dataset)
    assert "init (2), step (2)" in error.message
    assert "Select one" in error.hint
