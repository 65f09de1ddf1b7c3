import numcodecs
import numpy as np
import pytest
import xarray as xr
from small_analysis import FIELDS, GRID, LEVELS, build_analysis, read_state

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.input_dataset import InputDataset

NODES = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
DAYS = ("2020-08-21T12", "2020-08-22T12", "2020-08-23T12")
SURFACE_VARIABLES = (*FIELDS, "sea_surface_temperature", "sea_ice_cover")


def same(state, expected):
    assert state.time == expected.time
    for name in FIELDS:
        np.testing.assert_array_equal(state.fields[name], expected.fields[name])
    for name, field in expected.forcing.items():
        np.testing.assert_array_equal(state.forcing[name], field)


def test_one_file_per_variable(tmp_path, native):
    native.to_netcdf(tmp_path / "whole.nc")
    for name, array in native.data_vars.items():
        array.to_dataset().to_netcdf(tmp_path / f"part_{name}.nc")
    state = read_state(tmp_path / "part_*.nc")
    same(state, read_state(tmp_path / "whole.nc"))


def test_one_file_per_day(tmp_path):
    whole = build_analysis(*NODES, DAYS)
    whole.to_netcdf(tmp_path / "whole.nc")
    for day in range(3):
        whole.isel(time=[day]).to_netcdf(tmp_path / f"day_{day}.nc")
    state = read_state(tmp_path / "day_?.nc", DAYS[1])
    same(state, read_state(tmp_path / "whole.nc", DAYS[1]))
    assert (
        "2020-08-21T12 (24 h before the initial time)" in state.surface_forcing.notes[0]
    )


@pytest.mark.parametrize("keep", ["scalar", "axis", "pascals"])
def test_one_file_per_level(tmp_path, native, keep):
    native.to_netcdf(tmp_path / "whole.nc")
    sea = ["sea_surface_temperature", "sea_ice_cover"]
    native[sea].to_netcdf(tmp_path / "part_sea.nc")
    air = native.drop_vars(sea)
    air["level"].attrs["units"] = "hPa"
    if keep == "pascals":
        air["level"] = air["level"] * 100
        air["level"].attrs["units"] = "Pa"
    for number in reversed(range(len(LEVELS))):
        one = air.isel(level=number if keep == "scalar" else [number])
        one.to_netcdf(tmp_path / f"part_{number}.nc")
    same(read_state(tmp_path / "part_*.nc"), read_state(tmp_path / "whole.nc"))


def test_levels_in_different_units(tmp_path, native):
    for number in range(len(LEVELS)):
        one = native[["temperature"]].isel(level=[number])
        if number == 1:
            one["temperature"].attrs["units"] = "degC"
        one.to_netcdf(tmp_path / f"part_{number}.nc")
    with pytest.raises(InputDataError, match="different units: .*part_0.nc and"):
        InputDataset.open(str(tmp_path / "*.nc"), FIELDS)


SHORT = ("TMP", "HGT", "UGRD", "VGRD", "SPFH", "ICMR", "CLWMR")
ECMWF = ("T", "Z", "U", "V", "Q", "CIWC", "CLWC")
WGRIB2 = dict(zip(FIELDS, SHORT, strict=True))
NCL = {name: f"{short}_P0_L100_GLL0" for name, short in WGRIB2.items()}
NCL_1 = {n: f"{x}_GDS0_ISBL" for n, x in zip(FIELDS, ECMWF, strict=True)}


def test_a_variable_per_level_as_wgrib2_writes_them(tmp_path, native):
    native.to_netcdf(tmp_path / "whole.nc")
    flat = native.drop_vars(FIELDS).drop_vars("level")
    flat = flat.rename(sea_surface_temperature="WTMP_surface")
    flat["TMP_2maboveground"] = native["temperature"].isel(level=0, drop=True)
    flat["TMP_surface"] = native["temperature"].isel(level=1, drop=True)
    for name, short in WGRIB2.items():
        for index, level in enumerate(LEVELS):
            one = native[name].isel(level=index, drop=True)
            flat[f"{short}_{level:g}mb"] = one
    flat.to_netcdf(tmp_path / "flat.nc")
    same(read_state(tmp_path / "flat.nc"), read_state(tmp_path / "whole.nc"))


@pytest.mark.parametrize("names", [NCL, NCL_1], ids=["grib2", "grib1"])
def test_names_and_axes_of_ncl(tmp_path, native, names):
    """Cloud is on an axis of its own, as in GFS, where it has fewer levels."""
    native.to_netcdf(tmp_path / "whole.nc")
    cloud = [name for name in FIELDS if "cloud" in name]
    grid = {"latitude": "lat_0", "longitude": "lon_0"}
    air = native.drop_vars(cloud).rename(level="lv_ISBL0", **grid)
    dry = native[cloud].rename(level="lv_ISBL3", **grid)
    air["lv_ISBL0"].attrs["units"] = dry["lv_ISBL3"].attrs["units"] = "hPa"
    air["TMP_P0_L103_GLL0"] = air["temperature"].isel(lv_ISBL0=0, drop=True)
    air.merge(dry).rename(names).to_netcdf(tmp_path / "ncl.nc")
    same(read_state(tmp_path / "ncl.nc"), read_state(tmp_path / "whole.nc"))


def test_the_sea_may_be_on_another_grid_and_clock(tmp_path, native):
    sea = ["sea_surface_temperature", "sea_ice_cover"]
    native.drop_vars(sea).to_netcdf(tmp_path / "air.nc")
    coarse = build_analysis(np.arange(0, 360, 30.0), np.arange(-75, 76, 30.0), DAYS)
    coarse[sea].to_netcdf(tmp_path / "sea.nc")
    one = read_state(tmp_path / "*.nc")
    other = read_state(tmp_path / "air.nc", sst_data=str(tmp_path / "sea.nc"))
    same(one, other)
    assert "from 12x6 (30°)" in " ".join(one.surface_forcing.notes)
    assert one.analysis.notes == ()


def test_a_variable_in_two_files_at_a_time(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc")
    native[["temperature"]].to_netcdf(tmp_path / "b.nc")
    with pytest.raises(InputDataError, match="temperature is in several files at 2020"):
        InputDataset.open(str(tmp_path / "*.nc"), FIELDS)


def test_files_that_do_not_belong_together(tmp_path):
    build_analysis(*NODES, DAYS[:1]).to_netcdf(tmp_path / "a.nc")
    other = np.arange(0, 360, 30.0), np.arange(-75, 76, 30.0)
    build_analysis(*other, DAYS[1:2]).to_netcdf(tmp_path / "b.nc")
    with pytest.raises(InputDataError, match="different grids or levels in .*a.nc and"):
        InputDataset.open(str(tmp_path / "*.nc"), FIELDS)


def test_no_common_time(tmp_path):
    build_analysis(*NODES, DAYS[:1])[["temperature"]].to_netcdf(tmp_path / "t.nc")
    rest = build_analysis(*NODES, DAYS[1:2]).drop_vars("temperature")
    rest.to_netcdf(tmp_path / "rest.nc")
    with pytest.raises(InputDataError, match="no time in common"):
        read_state(tmp_path / "*.nc")


def test_a_pattern_of_nothing(tmp_path):
    with pytest.raises(InputDataError, match=r"No file matches '.*\*.nc'"):
        InputDataset.open(str(tmp_path / "*.nc"), FIELDS)


def test_a_wrong_file_among_others_is_named(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc")
    (tmp_path / "b.nc").write_text("<html>Not found</html>")
    with pytest.raises(InputDataError, match="b.nc' is a web page"):
        InputDataset.open(str(tmp_path / "*.nc"), FIELDS)


def test_a_name_with_brackets_is_no_pattern(tmp_path, native):
    native.to_netcdf(tmp_path / "run[1].nc")
    with InputDataset.open(str(tmp_path / "run[1].nc"), FIELDS) as source:
        assert set(source.fields) == set(FIELDS)


def test_only_times_that_have_data_count(tmp_path):
    dataset = build_analysis(*NODES, DAYS)
    dataset.attrs = {
        "valid_time_start": "1940-01-01",
        "valid_time_stop": "2020-08-20",
        "valid_time_stop_era5t": "2020-08-22",
    }
    dataset.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    with InputDataset.open(str(tmp_path / "a.zarr"), FIELDS) as source:
        expected = np.array(DAYS[:2], "datetime64[s]")
        np.testing.assert_array_equal(source.times("temperature"), expected)
    with pytest.raises(InputDataError, match="no 2020-08-23T12; the data hold 2 times"):
        read_state(tmp_path / "a.zarr", DAYS[2])


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name, harm", [("u_component_of_wind", True), (FIELDS[-1], 0)])
def test_a_chunk_of_zeros_that_is_not_there(tmp_path, native, zarr_format, name, harm):
    """Zarr takes it for zeros, which cloud may be, but not the wind."""
    filler = {"_FillValue": None} if zarr_format == 2 else {"fill_value": 0.0}
    encoding = {n: filler for n in native.data_vars}
    path = tmp_path / "a.zarr"
    native.to_zarr(
        path, zarr_format=zarr_format, encoding=encoding, consolidated=zarr_format == 2
    )
    chunk = path / name / ("0.0.0.0" if zarr_format == 2 else "c/0/0/0/0")
    chunk.unlink()
    if harm:
        with pytest.raises(InputDataError, match=f"'{name}' is incomplete: the chunk"):
            read_state(path)
    else:
        assert not read_state(path).fields[name].any()


def test_a_chunk_of_nan_that_is_not_there(tmp_path, native):
    native.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    (tmp_path / "a.zarr" / "temperature" / "0.0.0.0").unlink()
    with pytest.raises(InputDataError, match="'temperature' has no data at 2020-08-22"):
        read_state(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "codec", [numcodecs.GZip(), numcodecs.Zlib(), numcodecs.BZ2(), numcodecs.LZMA()]
)
def test_a_compressed_chunk_that_is_cut_short(tmp_path, native, codec):
    encoding = {"temperature": {"compressors": codec}}
    native.to_zarr(tmp_path / "a.zarr", zarr_format=2, encoding=encoding)
    chunk = tmp_path / "a.zarr" / "temperature" / "0.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:200])
    with pytest.raises(InputDataError, match="'temperature' cannot be read: ") as error:
        read_state(tmp_path / "a.zarr")
    assert "damaged" in error.value.hint


def spoilt(dataset, axis, value):
    values = dataset[axis].values.copy()
    values[1] = value
    return dataset.assign_coords({axis: values})


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda d: spoilt(d, "longitude", np.nan), "1 of the 16 longitudes are miss"),
        (lambda d: spoilt(d, "longitude", np.inf), "1 of the 16 longitudes are miss"),
        (lambda d: spoilt(d, "latitude", np.inf), "1 of the 8 latitudes are missing"),
        (lambda d: d.isel(longitude=[]), "There are no longitudes"),
        (lambda d: d.isel(latitude=[]), "There are no latitudes"),
        (lambda d: d.isel(time=[]), "The time axis is empty"),
        (lambda d: d.isel(level=[]), "'level' is empty"),
        (lambda d: d.isel(level=[0, 1, 1, 2]), "the level 500 more than once"),
        (lambda d: spoilt(d, "level", -1), "holds -1, which is not a pressure"),
    ],
)
def test_damaged_coordinates(tmp_path, native, spoil, words):
    native["level"] = native["level"].astype(float)
    spoil(native).to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputDataError, match=words) as caught:
        read_state(tmp_path / "a.nc")
    assert "a.nc" in caught.value.message and caught.value.hint
    with pytest.raises(InputDataError, match=words):
        InputDataset.open(str(tmp_path / "a.nc"), FIELDS)


@pytest.mark.parametrize("start", ["see the documentation", "NaT"])
def test_what_is_no_date_says_nothing_about_the_times(tmp_path, native, start):
    native.attrs = {"valid_time_start": start, "valid_time_stop": "2020-01-01"}
    native.to_netcdf(tmp_path / "a.nc")
    with InputDataset.open(str(tmp_path / "a.nc"), FIELDS) as source:
        assert len(source.times("temperature")) == 1


# The atmosphere: levels and substitutions

THIRTEEN = (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)


@pytest.fixture
def thirteen(tmp_path):
    """An analysis as operational centres publish it: 13 levels and no cloud."""
    dataset = build_analysis(*NODES, levels=THIRTEEN)
    return dataset.drop_vars([name for name in FIELDS if "cloud" in name])


def test_thirteen_levels_and_no_cloud(tmp_path, thirteen):
    thirteen.to_netcdf(tmp_path / "a.nc")
    levels = (10.0, 50.0, 125.0, 500.0, 1000.0)
    state = read_state(tmp_path / "a.nc", levels=levels)
    there = thirteen["temperature"].isel(time=0).transpose(..., "longitude", "latitude")
    for index, level in ((1, 50), (3, 500), (4, 1000)):
        for name in ("temperature", "geopotential", "specific_humidity"):
            field = thirteen[name].isel(time=0).sel(level=level)
            np.testing.assert_array_equal(
                state.fields[name][index], field.transpose("longitude", "latitude")
            )
    share = np.log(125 / 100) / np.log(150 / 100)
    between = (1 - share) * there.sel(level=100) + share * there.sel(level=150)
    np.testing.assert_allclose(state.fields["temperature"][2], between, rtol=2e-7)
    np.testing.assert_array_equal(
        state.fields["temperature"][0], state.fields["temperature"][1]
    )
    assert not state.fields["specific_cloud_ice_water_content"].any()
    notes = " ".join(state.analysis.notes)
    assert "Interpolated from 13 pressure levels (50 to 1000 hPa)" in notes
    assert "above 50 hPa" in notes and "set to zero" in notes


def test_a_level_without_data_is_interpolated(tmp_path, thirteen):
    thirteen["specific_humidity"][:, 2] = np.nan
    thirteen.to_netcdf(tmp_path / "a.nc")
    state = read_state(tmp_path / "a.nc", levels=THIRTEEN)
    assert np.isfinite(state.fields["specific_humidity"]).all()
    assert "specific_humidity: no data at 150 hPa" in " ".join(state.analysis.notes)


def test_all_the_models_levels_pass_untouched(tmp_path, native):
    """Also where the data have more, in another order."""
    native.isel(level=[3, 1, 0, 2]).to_netcdf(tmp_path / "a.nc")
    state = read_state(tmp_path / "a.nc", levels=LEVELS[1:])
    wind = native["u_component_of_wind"].isel(time=0, level=[1, 2, 3])
    np.testing.assert_array_equal(
        state.fields["u_component_of_wind"],
        wind.transpose(..., "longitude", "latitude"),
    )


def test_gfs_starts_a_forecast(shared):
    path = shared / "data" / "gfs_f072_valid_20111011T00_2p5deg_26lev.nc"
    with xr.open_dataset(shared / "data" / "era5_tl31_1959-01-02T00.nc") as era5:
        levels = era5["level"].values.tolist()
    state = read_state(path, levels=levels)
    assert all(np.isfinite(x).all() for x in state.fields.values())
    assert "no data at 20 hPa" in " ".join(state.analysis.notes)
    sea = state.forcing["sea_surface_temperature"]
    assert sea.min() > 271 and sea.max() < 306
    assert "skin_temperature" in " ".join(state.surface_forcing.notes)


def test_a_learned_forecast_on_thirteen_levels(shared, tmp_path):
    path = shared / "data" / "archesweather_f024_valid_20200102T00_1p5deg_13lev.nc"
    with xr.open_dataset(path) as dataset:
        dataset.isel(member=0).drop_vars("member").to_netcdf(tmp_path / "a.nc")
    state = read_state(
        tmp_path / "a.nc", levels=(20.0, 50.0, 70.0, 500.0, 1000.0), mode="climatology"
    )
    assert all(np.isfinite(x).all() for x in state.fields.values())
    z = state.fields["geopotential"].mean(axis=(1, 2)) / 9.80665
    # Thickness from 50 to 20 hPa of a stratosphere of 215 K: R T / g ln 2.5 = 5.8 km.
    assert 5500 < z[0] - z[1] < 6200
