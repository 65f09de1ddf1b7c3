import numpy as np
import pytest
import xarray as xr
from small_analysis import FIELDS, GRID, LEVELS, read_state

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.record_fields import FREEZING_SST
from ngcm_cli.forcing.sst_record import SSTRecord
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.regrid import ConservativeRegridder, fill_nan_with_nearest
from ngcm_cli.inputs.select_analysis import select_analysis
from ngcm_cli.inputs.variables import SURFACE_VARIABLES
from ngcm_cli.spectral.grid import Grid

FORCINGS = ("sea_surface_temperature", "sea_ice_cover")
DAYS = tuple(f"2020-08-{day:02}T00" for day in range(1, 32))


@pytest.fixture
def read(tmp_path):
    """Write a dataset as NetCDF and read it back as an initial state."""

    def write_and_read(dataset, init=None, **how):
        path = str(tmp_path / "analysis.nc")
        dataset.to_netcdf(path)
        return read_state(path, init, **how)

    return write_and_read


@pytest.fixture
def refuse(read):
    """Expect an error that names the file, the thing and the next action."""

    def expect(dataset, *needles, hint, **options):
        with pytest.raises(InputDataError) as caught:
            read(dataset, **options)
        assert "analysis.nc" in caught.value.message
        for needle in needles:
            assert needle in caught.value.message
        assert hint in caught.value.hint

    return expect


def on_grid(array):
    return array.isel(time=0).transpose(..., "longitude", "latitude").values


def same_state(state, dataset):
    for name in FIELDS:
        np.testing.assert_array_equal(state.fields[name], on_grid(dataset[name]))
    for name in FORCINGS:
        sea = ~np.isnan(on_grid(dataset[name]))
        assert (state.forcing[name][0][sea] == on_grid(dataset[name])[sea]).all()


# What is read


def test_surface_fields_that_models_only_predict_are_ignored(read, native):
    pressure = native["sea_surface_temperature"].fillna(280) * 350
    names = ("sp", "ps", "surface_pressure", "msl", "psl", "tcwv", "prw")
    more = native.assign({name: pressure * np.nan for name in names})
    more["var134"] = pressure.assign_attrs(
        standard_name="surface_air_pressure", units="furlong"
    )
    more["tcw"] = pressure.assign_attrs(
        standard_name="atmosphere_mass_content_of_water_vapor"
    )
    state, same = read(native), read(more)
    assert same.analysis.notes == state.analysis.notes
    assert same.surface_forcing.notes == state.surface_forcing.notes
    assert set(same.fields) == set(FIELDS) and set(same.forcing) == set(FORCINGS)
    same_state(same, native)


def test_model_grid_passes_through_untouched(read, native):
    state = read(native)
    same_state(state, native)
    assert state.time == np.datetime64("2020-08-22T12")
    assert list(state.fields) == list(FIELDS)
    assert set(state.forcing) == set(FORCINGS)
    for array in state.fields.values():
        assert array.shape == (4, *GRID.nodal_shape)
    for array in state.forcing.values():
        assert array.shape == (1, *GRID.nodal_shape)
    for array in (*state.fields.values(), *state.forcing.values()):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert np.isfinite(array).all()
    assert not any("Regridded" in note for note in state.analysis.notes)


def test_zarr(tmp_path, native):
    native.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    same_state(read_state(tmp_path / "a.zarr"), native)


@pytest.mark.parametrize(
    "reorder",
    [
        lambda d: d.isel(latitude=slice(None, None, -1)),
        lambda d: d.isel(level=[2, 0, 3, 1]),
        lambda d: d.isel(longitude=slice(None, None, -1)),
        lambda d: d.transpose("longitude", "level", "latitude", "time"),
        lambda d: d.transpose("latitude", "longitude", "level", "time"),
        lambda d: d.assign_coords(longitude=(d["longitude"] + 180) % 360 - 180).sortby(
            "longitude"
        ),
        lambda d: d.assign_coords(longitude=d["longitude"] - 1e-4),
        lambda d: d.assign_coords(latitude=d["latitude"].astype("f4")),
    ],
    ids=["south last", "levels", "westward", "transposed", "transposed 2"]
    + ["-180..180", "rounding below 0", "float32 latitudes"],
)
def test_any_order_gives_the_same_bits(read, native, reorder):
    state = read(reorder(native))
    same_state(state, native)
    filled = read(native).forcing
    for name in FORCINGS:
        np.testing.assert_array_equal(state.forcing[name], filled[name])


def test_repeated_last_meridian(read, native):
    again = native.isel(longitude=[0]).assign_coords(longitude=[360.0])
    same_state(read(xr.concat([native, again], "longitude")), native)


def test_packed_integers(read, native):
    packing = {"dtype": "i2", "scale_factor": 3e-3, "add_offset": 270.0}
    native["temperature"].encoding = {**packing, "_FillValue": -32768}
    state = read(native)
    expected = on_grid(native["temperature"])
    np.testing.assert_allclose(state.fields["temperature"], expected, atol=1.6e-3)


def test_regrids_conservatively_and_fills_land_from_the_sea(read, regular):
    state = read(regular)
    regridder = ConservativeRegridder(
        np.deg2rad(regular["longitude"].values),
        np.deg2rad(regular["latitude"].values),
        GRID.longitude,
        GRID.latitude,
    )
    expected = regridder(on_grid(regular["temperature"]))
    np.testing.assert_array_equal(state.fields["temperature"], expected)
    sst = regridder(on_grid(regular["sea_surface_temperature"]))
    expected = fill_nan_with_nearest(sst, GRID)
    np.testing.assert_array_equal(state.forcing["sea_surface_temperature"][0], expected)
    assert "Regridded conservatively from 36x19 (10°)" in " ".join(state.analysis.notes)


def test_land_is_announced(read, native):
    notes = " ".join(read(native).surface_forcing.notes)
    count = int(native["sea_surface_temperature"].isnull().sum())
    assert f"sea_surface_temperature: {count} of 128 cells" in notes


def test_unused_levels_are_dropped_and_announced(read, native):
    state = read(native, levels=(500.0, 1000.0))
    same_state(state, native.sel(level=[500.0, 1000.0]))
    assert "left out: 100, 850 hPa" in " ".join(state.analysis.notes)


def test_chosen_time(read, analysis_on):
    dataset = analysis_on(np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude), DAYS)
    state = read(dataset, "2020-08-03T00")
    same_state(state, dataset.sel(time=["2020-08-03"]))
    assert state.time == np.datetime64("2020-08-03")


def test_static_sea_beside_a_moving_atmosphere(read, analysis_on):
    dataset = analysis_on(
        np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude), DAYS[:2]
    )
    for name in FORCINGS:
        dataset[name] = dataset[name].isel(time=0, drop=True)
    state = read(dataset, DAYS[1])
    assert "they have no time" in " ".join(state.surface_forcing.notes)
    sst = dataset["sea_surface_temperature"].transpose("longitude", "latitude").values
    sea = ~np.isnan(sst)
    assert (state.forcing["sea_surface_temperature"][0][sea] == sst[sea]).all()


def test_scalar_time(read, native):
    same_state(read(native.squeeze("time")), native)


def test_data_without_time_take_init(read, native):
    state = read(native.squeeze("time", drop=True), "2020-08-22T12")
    same_state(state, native)
    assert state.time == np.datetime64("2020-08-22T12")
    assert "no time" in " ".join(state.analysis.notes)


# Units


@pytest.mark.parametrize("attribute", [True, False])
@pytest.mark.parametrize(
    "name, units, to_file",
    [
        ("temperature", "degC", lambda x: x - 273.15),
        ("sea_surface_temperature", "degC", lambda x: x - 273.15),
        ("specific_humidity", "g kg-1", lambda x: x * 1e3),
        ("sea_ice_cover", "%", lambda x: x * 100),
        ("geopotential", "gpm", lambda x: x / 9.80665),
    ],
)
def test_other_units_are_converted_and_announced(
    read, native, name, units, to_file, attribute
):
    expected = read(native)
    native[name] = to_file(native[name].astype("f8"))
    native[name].attrs["units"] = units if attribute else ""
    state = read(native)
    for group in ("fields", "forcing"):
        for key, array in getattr(expected, group).items():
            np.testing.assert_allclose(getattr(state, group)[key], array, rtol=3e-7)
    notes = state.analysis.notes + state.surface_forcing.notes
    note = next(note for note in notes if note.startswith(f"{name}: '{name}'"))
    assert ("judged by the values" in note) != attribute


def test_geopotential_height_by_its_standard_name(read, native):
    expected = read(native).fields["geopotential"]
    height = native["geopotential"].astype("f8") / 9.80665
    height.attrs = {"standard_name": "geopotential_height", "units": "m"}
    state = read(native.drop_vars("geopotential").assign(z=height))
    np.testing.assert_allclose(state.fields["geopotential"], expected, rtol=3e-7)
    assert "multiplied by 9.80665" in " ".join(state.analysis.notes)


def test_units_that_contradict_the_values(refuse, native):
    native["temperature"] = native["temperature"] - 273.15
    native["temperature"].attrs["units"] = "K"
    refuse(native, "'temperature'", "'K'", "contradict", hint="look like 'degC'")


def test_unknown_units_are_refused_before_reading(tmp_path, native):
    native["temperature"].attrs["units"] = "furlong"
    native.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputDataError, match="'furlong'.*Needed: 'K'"):
        InputDataset.open(str(tmp_path / "a.nc"), FIELDS)


# Sea ice


def test_sea_ice_is_clipped(read, native):
    native["sea_ice_cover"] = native["sea_ice_cover"] * 1.1 + 0.02
    native["sea_ice_cover"].attrs["units"] = "1"
    ice = read(native).forcing["sea_ice_cover"]
    assert ice.max() == 1


def test_sea_ice_absent_is_taken_from_freezing_sst(read, native):
    state = read(native.drop_vars("sea_ice_cover"))
    ice, sst = (state.forcing[name][0] for name in FORCINGS[::-1])
    np.testing.assert_array_equal(ice, sst <= FREEZING_SST)
    assert "sea_ice_cover is not in the data" in " ".join(state.surface_forcing.notes)


def test_sea_ice_absent_needs_the_sst(refuse, native):
    native = native.drop_vars(list(FORCINGS))
    refuse(native, "missing: sea_surface_temperature (sst)", hint="--sst-data")


def test_ice_from_sst_is_near_the_analysed_ice(shared):
    """On ERA5 of 2019-07-15: a tenth too much, where no ice would be all too little."""
    path = str(shared / "data" / "era5_surface_20190715_1deg.nc")
    grid = Grid.linear(63)
    with InputDataset.open(path, SURFACE_VARIABLES) as source:
        record = SSTRecord(source, ModelInputs(grid, (), ()))
        real = record.read_time(None, []).fields
    sst = real["sea_surface_temperature"][0, 0]
    weights = grid.area_weights
    ice = (real["sea_ice_cover"][0, 0] * weights).sum()
    assert 0.5 < ((sst <= FREEZING_SST) * weights).sum() / ice < 1.3


# Refusals


def test_missing_variable(refuse, native):
    refuse(
        native.drop_vars("specific_humidity"),
        "missing: specific_humidity (q)",
        "Found the variables temperature",
        hint="standard_name",
    )


def test_variable_on_the_wrong_dimensions(refuse, native):
    native["temperature"] = native["temperature"].isel(level=0, drop=True)
    refuse(native, "'temperature' is not used: it is on time", hint="Add them")


def test_too_few_levels(refuse, native):
    refuse(native.isel(level=[1, 2]), "2: 500, 850 hPa", hint="8")


def test_shuffled_levels(refuse, native):
    shuffled = native.assign_coords(level=native["level"].values[[0, 2, 1, 3]])
    refuse(shuffled, "Geopotential at 500 hPa", "850 hPa", hint="order of the level")


def test_nan_in_the_atmosphere(refuse, native):
    native["specific_humidity"][0, 2, 3:, 5] = np.nan
    latitude = np.rad2deg(GRID.latitude[3])
    refuse(
        native,
        "'specific_humidity' has 5 missing values",
        f"850 hPa, latitude {latitude:g}, longitude {22.5 * 5:g}",
        hint="choose another initial time",
    )


def test_whole_variable_missing_at_this_time(refuse, native):
    native["sea_surface_temperature"] = native["sea_surface_temperature"] * np.nan
    refuse(
        native,
        "'sea_surface_temperature' has no data at 2020-08-22T12",
        hint="initial time",
    )


def test_regional_data(refuse, regular):
    refuse(
        regular.sel(latitude=slice(20, 70)),
        "latitudes do not cover the globe",
        hint="pole to pole",
    )
    refuse(
        regular.sel(longitude=slice(0, 90)),
        "longitudes do not cover the globe",
        hint="a region cannot",
    )


# Times


def test_ambiguous_time(refuse, analysis_on):
    coordinates = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
    refuse(
        analysis_on(*coordinates, DAYS[:2]),
        "2 times, 2020-08-01T00, 2020-08-02T00",
        hint="initial time",
    )
    refuse(
        analysis_on(*coordinates, DAYS),
        "31 times from 2020-08-01T00 to 2020-08-31T00, every 24 h",
        hint="initial time",
    )


def test_absent_time(refuse, native):
    refuse(
        native,
        "no 2020-08-22T00",
        "one time, 2020-08-22T12",
        hint="nearest initial time is 2020-08-22T12",
        init="2020-08-22T00",
    )


def test_no_time_at_all(refuse, native):
    refuse(native.squeeze("time", drop=True), "no time", hint="initial time")


@pytest.mark.parametrize(
    "times, needle, hint",
    [
        (["2020-01-01", "2020-01-02", "2020-01-02"], "2020-01-02T00 occurs", "Keep"),
        (["2020-01-02", "2020-01-03", "2020-01-01"], "2020-01-01T00 comes", "Sort"),
        (["2020-01-02", "2020-01-01", "2020-01-03"], "not in order", "Sort"),
        (["2020-01-02", "2020-01-01", "2020-01-02"], "not in order", "Sort"),
        (["2020-01-02", "NaT", "2020-01-03"], "1 of the 3 times", "Repair"),
    ],
)
def test_disordered_times(refuse, analysis_on, times, needle, hint):
    coordinates = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
    dataset = analysis_on(*coordinates, times)
    refuse(dataset, needle, hint=hint, init="2020-01-02")


def test_newest_time_first(read, analysis_on):
    coordinates = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
    dataset = analysis_on(*coordinates, DAYS[:3][::-1])
    same_state(read(dataset, DAYS[0]), dataset.isel(time=[2]))


@pytest.mark.parametrize("calendar", ["360_day", "noleap"])
def test_calendars_without_weather(refuse, native, calendar):
    units = {"units": "days since 2000-01-01", "calendar": calendar}
    dataset = native.assign_coords(time=("time", [30.0], units))
    refuse(dataset, f"'{calendar}' calendar", hint="Gregorian")


def test_times_that_are_plain_numbers(refuse, native):
    refuse(
        native.assign_coords(time=[20200822]), "20200822", "plain numbers", hint="units"
    )


# Cheap checks first


def test_selection_reads_no_field(tmp_path, native):
    """A chunk that cannot be decoded is met on reading, not on selecting."""
    native.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    (tmp_path / "a.zarr" / "temperature" / "0.0.0.0").write_bytes(b"rubbish")
    with InputDataset.open(str(tmp_path / "a.zarr"), FIELDS) as source:
        selection = select_analysis(source, None, ModelInputs(GRID, LEVELS, FIELDS))
        assert selection.time == np.datetime64("2020-08-22T12")
        with pytest.raises(InputDataError, match="cannot be read.*damaged"):
            selection.read()


# Real data


def test_era5_sample(shared):
    path = shared / "data" / "era5_tl31_1959-01-02T00.nc"
    with xr.open_dataset(path) as dataset:
        levels = dataset["level"].values.tolist()
        temperature = dataset["temperature"].values
    state = read_state(path, None, Grid.linear(31), levels)
    assert state.time == np.datetime64("1959-01-02")
    np.testing.assert_array_equal(state.fields["temperature"], temperature)
    assert state.analysis.notes == ()
    assert "the data have none from 24 h before" in state.surface_forcing.notes[0]
    finer = read_state(path, None, Grid.linear(63), levels)
    assert finer.fields["temperature"].shape == (37, 128, 64)
    assert len(finer.analysis.notes) == 1


def test_era5_sample_equals_the_reference_preparation(reference, shared):
    """The demo of the reference regrids this file to its model's grid."""
    path = shared / "data" / "era5_tl31_1959-01-02T00.nc"
    with xr.open_dataset(path) as dataset:
        dataset = dataset.load()
    levels = dataset["level"].values.tolist()
    ours = read_state(path, None, Grid.linear(63), levels)

    def theirs(name):
        from dinosaur import horizontal_interpolation, spherical_harmonic

        grids = (getattr(spherical_harmonic.Grid, x)() for x in ("TL31", "TL63"))
        regrid = horizontal_interpolation.ConservativeRegridder(*grids)
        return regrid(dataset[name].values)

    for name, array in {**ours.fields, **ours.forcing}.items():
        expected = reference(name, lambda name=name: theirs(name), 2000)
        expected = expected.astype(np.float64)
        scale = np.sqrt((expected**2).mean())
        difference = reference.sample(array, 2000) - expected
        rms = np.sqrt((difference**2).mean()) / scale
        assert rms < 3e-6, f"{name}: relative RMS {rms:.1e}"  # its weights are float32


@pytest.mark.parametrize(
    "name, needle",
    [
        ("archesweather_f024_valid_20200102T00_1p5deg_13lev.nc", "member (2)"),
        ("era5_ens_20170101_3deg_ZT_500_850.nc", "number (10)"),
        ("era5_static_orography_lsm_0p25deg.nc", "Found no levels"),
        ("era5_surface_20190715_1deg.nc", "Found no levels"),
        ("erainterim_zonalmean_monthly_1979_2016_37lev.nc", "no longitude"),
        ("ibtracs_laura_2020.csv", "text file"),
        ("oisst_sst_monthly_2p5deg_198112_202301.nc", "variables sst"),
    ],
)
def test_real_files_that_cannot_start_a_forecast(shared, name, needle):
    path = str(shared / "data" / name)
    with pytest.raises(InputDataError) as caught:
        read_state(path)
    assert needle in caught.value.message
    assert name in caught.value.message


def test_oisst_in_celsius(shared):
    path = str(shared / "data" / "oisst_sst_monthly_2p5deg_198112_202301.nc")
    with InputDataset.open(path, SURFACE_VARIABLES) as source:
        record = SSTRecord(source, ModelInputs(Grid.linear(63), (), ()))
        sea = record.read_time(np.datetime64("1990-01-01", "s"), [])
    sst = sea.fields["sea_surface_temperature"]
    assert 271 < sst.min() < 272 and 300 < sst.max() < 306
    assert "degC to K" in " ".join(sea.notes)
