"""GRIB files as users have them, written by ecCodes and read through open_dataset."""

import sys

import numpy as np
import pytest
from small_analysis import read_state

from ngcm_cli.errors import InputDataError
from ngcm_cli.gcm.fields import ATMOSPHERE, FORCING
from ngcm_cli.inputs.recognition import recognise
from ngcm_cli.inputs.sources.grib import open as grib
from ngcm_cli.inputs.sources.open import open_dataset
from ngcm_cli.spectral.grid import Grid

eccodes = pytest.importorskip("eccodes")
pytest.importorskip("cfgrib")

GRID = Grid.linear(7)  # 16 x 8
LEVELS = (100.0, 500.0, 850.0, 1000.0)
PARAMETERS = {
    "temperature": 130,
    "geopotential": 129,
    "u_component_of_wind": 131,
    "v_component_of_wind": 132,
    "specific_humidity": 133,
    "specific_cloud_ice_water_content": 247,
    "specific_cloud_liquid_water_content": 246,
    "sea_surface_temperature": 34,
    "sea_ice_cover": 31,
}
NO_DATA = 9999


def message(values, edition=2, sample=None, **keys):
    """The handle of a message; the keys are those of ecCodes, in this order."""
    level = "pl" if "level" in keys else "sfc"
    sample = sample or f"regular_ll_{level}_grib{edition}"
    handle = eccodes.codes_grib_new_from_samples(sample)
    keys = {"dataDate": 20200822, "dataTime": 1200, "bitsPerValue": 24, **keys}
    for key, value in keys.items():
        eccodes.codes_set(handle, key, value)
    if values is not None:
        if np.isnan(values).any():
            eccodes.codes_set(handle, "bitmapPresent", 1)
            eccodes.codes_set(handle, "missingValue", NO_DATA)
            values = np.where(np.isnan(values), NO_DATA, values)
        eccodes.codes_set_values(handle, values.astype(float).ravel())
    return handle


def grid_keys(array, gaussian=False, west=False, columns=False):
    """Of a field (latitude, longitude) in the order in which it is stored."""
    latitude, longitude = array["latitude"].values, array["longitude"].values
    first, last = longitude[[0, -1]]
    keys = {
        "Ni": len(longitude),
        "Nj": len(latitude),
        "iScansNegatively": int(west),
        "jScansPositively": int(latitude[1] > latitude[0]),
        "jPointsAreConsecutive": int(columns),
        "latitudeOfFirstGridPointInDegrees": latitude[0],
        "latitudeOfLastGridPointInDegrees": latitude[-1],
        "longitudeOfFirstGridPointInDegrees": first,
        "longitudeOfLastGridPointInDegrees": last,
        "iDirectionIncrementInDegrees": abs(longitude[1] - longitude[0]),
    }
    if gaussian:
        return {"gridType": "regular_gg", **keys, "N": len(latitude) // 2}
    return {**keys, "jDirectionIncrementInDegrees": abs(latitude[1] - latitude[0])}


def fields(dataset, edition=2, gaussian=False, parameters=PARAMETERS, **keys):
    """A message for each time, level and variable of an analysis, north first."""
    dataset = dataset.sortby("latitude", ascending=False)
    for name, array in dataset.data_vars.items():
        for time in array["time"].values:
            date = str(np.datetime_as_string(time, "m"))
            when = {
                "dataDate": int(date[:10].replace("-", "")),
                "dataTime": int(date[11:].replace(":", "")),
            }
            at_time = array.sel(time=time)
            for level in array["level"].values if "level" in array.dims else [None]:
                field = at_time if level is None else at_time.sel(level=level)
                where = {} if level is None else {"level": int(level)}
                yield message(
                    field.values,
                    edition,
                    **grid_keys(field, gaussian),
                    **where,
                    **when,
                    paramId=parameters[name],
                    **keys,
                )


def save(path, *handles, mode="wb"):
    with path.open(mode) as file:
        for handle in handles:
            eccodes.codes_write(handle, file)
            eccodes.codes_release(handle)
    return str(path)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "analysis.grib"


def refused(path):
    with pytest.raises(InputDataError) as caught:
        open_dataset(str(path))
    assert caught.value.hint
    return str(caught.value)


def packed(values):
    """Half of what 24 bits tell apart, and of float32."""
    spread = np.nanmax(values) - np.nanmin(values)
    return float(spread) * 2.0**-24 + float(np.nanmax(np.abs(values))) * 2.0**-23


# What is read


@pytest.mark.parametrize("edition", [1, 2])
@pytest.mark.parametrize("gaussian", [False, True])
def test_analysis(file, native, regular, edition, gaussian, tmp_path):
    analysis = native if gaussian else regular
    save(file, *fields(analysis, edition, gaussian))
    with open_dataset(str(file)) as dataset:
        assert not any(dataset[name].variable._in_memory for name in dataset.data_vars)
        found = recognise(dataset, (*ATMOSPHERE, *FORCING))
        assert set(found.data_vars) == {*ATMOSPHERE, *FORCING}
        levels = found["level"].values
        np.testing.assert_array_equal(np.sort(levels), LEVELS)
        np.testing.assert_array_equal(found["time"], np.datetime64("2020-08-22T12"))
        np.testing.assert_allclose(
            np.sort(found["latitude"]), analysis["latitude"], atol=1.1e-3
        )
        np.testing.assert_allclose(found["longitude"], analysis["longitude"], atol=1e-3)
        assert found["temperature"].attrs["found"] == "t"
        units = {name: found[name].attrs["units"] for name in found.data_vars}
        assert units["geopotential"] == "m**2 s**-2"
        assert units["specific_humidity"] == "kg kg**-1"
        assert units["sea_surface_temperature"] == "K"
        assert units["sea_ice_cover"] == "(0 - 1)"
        for name, array in found.data_vars.items():
            here = array.sortby("latitude")
            here = here.sortby("level") if "level" in here.dims else here
            there = analysis[name].isel(time=0).values
            np.testing.assert_allclose(
                here.squeeze().values, there, rtol=0, atol=packed(there)
            )
    assert [p.name for p in tmp_path.iterdir()] == ["analysis.grib"]


@pytest.mark.parametrize("edition", [1, 2])
@pytest.mark.parametrize("gaussian", [False, True])
def test_initial_state_is_that_of_netcdf(file, native, regular, edition, gaussian):
    analysis = native if gaussian else regular
    save(file, *fields(analysis, edition, gaussian))
    analysis.to_netcdf(file.with_suffix(".nc"))
    state, same = (read_state(path) for path in (file, file.with_suffix(".nc")))
    assert state.time == same.time
    for name in ATMOSPHERE:
        theirs = same.fields[name]
        np.testing.assert_allclose(
            state.fields[name], theirs, rtol=0, atol=2 * packed(theirs)
        )
    for name in FORCING:
        theirs = same.forcing[name]
        np.testing.assert_allclose(state.forcing[name], theirs, atol=packed(theirs))
    assert any("Regridded" in note for note in state.analysis.notes) == (not gaussian)


def test_editions_and_kinds_of_level_in_one_file(file, native):
    save(
        file,
        *fields(native[["temperature"]].isel(level=[0, 1]), 1, gaussian=True),
        *fields(native[["temperature"]].isel(level=[2, 3]), 2, gaussian=True),
        *fields(native[["sea_surface_temperature"]], 2, gaussian=True),
        *fields(native[["sea_ice_cover"]], 1, gaussian=True),
    )
    found = recognise(open_dataset(str(file)), ("temperature", *FORCING))
    assert set(found.data_vars) == {"temperature", *FORCING}
    there = native["temperature"].isel(time=0)
    ours = found["temperature"].sortby("level").sortby("latitude").squeeze()
    np.testing.assert_allclose(ours.values, there.values, rtol=0, atol=packed(there))


def test_levels_in_pascals_beside_hectopascals(file, native):
    """As of NCEP, above 1 hPa: ecCodes calls 0.4 hPa isobaricInPa."""
    field = native["temperature"].isel(time=0, level=0, drop=True)
    field = field.sortby("latitude", ascending=False)
    handles = [
        message(
            field.values + level,
            **grid_keys(field, gaussian=True),
            level=1,
            paramId=130,
            typeOfLevel=kind,
        )
        for kind, level in (("isobaricInPa", 40), ("isobaricInhPa", 1))
    ]
    for handle, level in zip(handles, (40, 1), strict=True):
        eccodes.codes_set(handle, "level", level)
    save(file, *handles)
    found = recognise(open_dataset(str(file)), ("temperature",))
    np.testing.assert_array_equal(np.sort(found["level"]), [0.4, 1])
    ours = found["temperature"].sortby("level").squeeze().sortby("latitude")
    theirs = np.stack([field.values[::-1] + 40, field.values[::-1] + 1])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=packed(theirs))


def test_open_data_of_ecmwf(file, native):
    """Geopotential height in gpm, skin temperature, and their compression."""
    height = native[["geopotential"]] / 9.80665
    height_of = {"geopotential": 156}
    save(
        file,
        *fields(height, parameters=height_of, packingType="grid_ccsds"),
        *fields(
            native[["sea_surface_temperature"]],
            parameters={"sea_surface_temperature": 235},
        ),
    )
    dataset = open_dataset(str(file))
    assert set(dataset.data_vars) == {"gh", "skt"}
    assert dataset["gh"].attrs["units"] == "gpm"
    found = recognise(dataset, ("geopotential",))
    assert found["geopotential"].attrs["found"] == "gh"
    assert found["geopotential"].attrs["units"] == "gpm"
    ours = found["geopotential"].sortby("level").sortby("latitude").squeeze()
    theirs = height["geopotential"].isel(time=0).values
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=packed(theirs))


NCEP = {  # discipline, category, number; name in the dataset
    "temperature": (0, 0, 0, "t"),
    "geopotential": (0, 3, 5, "gh"),
    "u_component_of_wind": (0, 2, 2, "u"),
    "v_component_of_wind": (0, 2, 3, "v"),
    "specific_humidity": (0, 1, 0, "q"),
    "specific_cloud_liquid_water_content": (0, 1, 22, "clwmr"),
    "specific_cloud_ice_water_content": (0, 1, 23, "icmr"),
}


def ncep(field, discipline, category, number, **keys):
    return message(
        field.sortby("latitude", ascending=False).values,
        centre="kwbc",
        **grid_keys(field.sortby("latitude", ascending=False), gaussian=True),
        discipline=discipline,
        parameterCategory=category,
        parameterNumber=number,
        **keys,
    )


def test_ncep(file, native):
    """TMP at the ground is not that of air; U and V share a message."""
    handles = {
        (name, level): ncep(native[name].sel(level=level)[0], *codes, level=int(level))
        for name, (*codes, _) in NCEP.items()
        for level in LEVELS
    }
    surface = native["sea_surface_temperature"].isel(time=0).fillna(280)
    two_metres = {"typeOfFirstFixedSurface": 103, "level": 2}
    save(
        file,
        *(h for (name, _), h in handles.items() if "component" not in name),
        ncep(surface, 0, 0, 0, typeOfFirstFixedSurface=1),
        ncep(surface / 400, 10, 2, 0, typeOfFirstFixedSurface=1),
        ncep(surface, 0, 0, 0, **two_metres),
    )
    with file.open("ab") as out:
        for level in LEVELS:
            several = eccodes.codes_grib_multi_new()
            for name in ("u_component_of_wind", "v_component_of_wind"):
                eccodes.codes_grib_multi_append(handles[name, level], 4, several)
            eccodes.codes_grib_multi_write(several, out)
            eccodes.codes_grib_multi_release(several)
    dataset = open_dataset(str(file))
    assert set(dataset.data_vars) == {name for *_, name in NCEP.values()} | {
        "skt",
        "siconc",
    }
    assert dataset["skt"].attrs["standard_name"] == "surface_temperature"
    found = recognise(dataset, (*ATMOSPHERE, *FORCING))
    assert set(found.data_vars) == {*ATMOSPHERE, "sea_ice_cover"}
    for name in NCEP:
        ours = found[name].sortby("level").sortby("latitude").squeeze()
        theirs = native[name].isel(time=0).values
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=packed(theirs))


TIMES = ("2020-08-22T06", "2020-08-22T12", "2020-08-22T18")


@pytest.mark.parametrize("edition", [1, 2])
def test_several_times(file, analysis_on, native, edition):
    analysis = analysis_on(native.longitude.values, native.latitude.values, TIMES)
    some = analysis[["temperature", "sea_surface_temperature"]]
    save(file, *fields(some, edition, gaussian=True))
    found = recognise(open_dataset(str(file)), tuple(some.data_vars))
    np.testing.assert_array_equal(found["time"], np.array(TIMES, "M8[ns]"))
    assert not found["temperature"].variable._in_memory
    ours = found["temperature"].sortby("level").sortby("latitude")
    theirs = analysis["temperature"].values
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=packed(theirs))


def test_several_steps_of_a_forecast(file, native):
    steps = [
        handle
        for hours in (0, 6, 12)
        for handle in fields(native[["temperature"]] + hours, 2, True, step=hours)
    ]
    save(file, *steps)
    found = recognise(open_dataset(str(file)), ("temperature",))
    times = np.datetime64("2020-08-22T12") + np.array([0, 6, 12], "m8[h]")
    np.testing.assert_array_equal(found["time"], times)
    first = found["temperature"].mean(("level", "latitude", "longitude"))
    np.testing.assert_allclose(first - first[0], [0, 6, 12], atol=1e-4)


def test_a_variable_with_fewer_times_and_levels_is_nan_there(file, analysis_on, native):
    analysis = analysis_on(native.longitude.values, native.latitude.values, TIMES)
    save(
        file,
        *fields(analysis[["temperature"]], gaussian=True),
        *fields(analysis[["geopotential"]].isel(level=[1, 2]), gaussian=True),
        *fields(analysis[["sea_ice_cover"]].fillna(0).isel(time=[1]), gaussian=True),
    )
    names = ("temperature", "geopotential", "sea_ice_cover")
    found = recognise(open_dataset(str(file)), names).sortby("level")
    assert found["temperature"].notnull().all()
    there = found["geopotential"].notnull().all(("time", "latitude", "longitude"))
    np.testing.assert_array_equal(there, [False, True, True, False])
    there = found["sea_ice_cover"].notnull().all(("latitude", "longitude"))
    np.testing.assert_array_equal(there, [False, True, False])


def test_one_member_of_an_ensemble(file, native):
    ensemble = {"productDefinitionTemplateNumber": 1, "number": 7}
    save(file, *fields(native[["temperature"]], gaussian=True, **ensemble))
    found = recognise(open_dataset(str(file)), ("temperature",))
    assert set(found["temperature"].dims) <= {"time", "level", "latitude", "longitude"}


def test_what_no_model_reads_is_left_alone(file, native):
    """Fields at two metres, sums over hours, other times of these, geopotential of
    the ground beside that of the air, and hybrid levels."""
    surface = native[["sea_surface_temperature"]].fillna(280)
    change = {"sea_surface_temperature": None}
    save(
        file,
        *fields(native[["geopotential"]], gaussian=True),
        *fields(surface, gaussian=True),
        *(
            handle
            for parameter, keys in (
                (129, {}),
                (167, {}),
                (228, {"stepType": "accum", "stepRange": "0-6"}),
                (130, {"typeOfLevel": "hybrid"}),
            )
            for handle in fields(
                surface, 1, True, {**change, **dict.fromkeys(change, parameter)}, **keys
            )
        ),
    )
    dataset = open_dataset(str(file))
    assert set(dataset.data_vars) == {"z", "sst"}
    assert dataset.sizes["valid_time"] == 1


def test_monthly_means(file, native):
    """In which nothing is of a moment, as of the CDS."""
    monthly = {"timeRangeIndicator": 113, "numberIncludedInAverage": 31}
    save(file, *fields(native[["sea_surface_temperature"]], 1, True, **monthly))
    assert set(open_dataset(str(file)).data_vars) == {"sst"}


@pytest.mark.parametrize("south_first", [True, False])
def test_orders_of_rows(file, regular, south_first):
    analysis = regular["temperature"].isel(time=0)
    stored = analysis.sortby("latitude", ascending=south_first)
    keys = grid_keys(stored)
    save(
        file,
        *(
            message(stored.sel(level=level).values, **keys, level=level, paramId=130)
            for level in map(int, LEVELS)
        ),
    )
    ours = recognise(open_dataset(str(file)), ("temperature",))["temperature"]
    for axis in ("level", "latitude", "longitude"):
        ours = ours.sortby(axis)
        np.testing.assert_allclose(ours[axis], analysis[axis])
    theirs = analysis.values
    np.testing.assert_allclose(ours.squeeze(), theirs, rtol=0, atol=packed(theirs))


# What is refused


@pytest.mark.parametrize(
    "sample, words, hint",
    [
        ("reduced_gg_pl_32_grib2", "reduced Gaussian grid", "cdo setgridtype,regular"),
        ("reduced_gg_pl_32_grib1", "reduced Gaussian grid", "`grid` in a request to"),
        (
            "sh_pl_grib2",
            "t in .* are spherical harmonics, not on a grid",
            "cdo sp2gpl IN",
        ),
        ("sh_pl_grib1", "are spherical harmonics, not on a grid", "cdo sp2gpl IN"),
        ("polar_stereographic_pl_grib2", "type polar_stereographic", "cdo remapcon"),
    ],
)
def test_other_grids(file, sample, words, hint):
    handle = eccodes.codes_grib_new_from_samples(sample)
    eccodes.codes_set(handle, "paramId", 130)
    save(file, handle)
    with pytest.raises(InputDataError, match=words) as caught:
        open_dataset(str(file))
    assert str(file) in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("west", [True, False])
def test_orders_that_are_not_read(file, regular, west):
    field = regular["temperature"].isel(time=0, level=0, drop=True)
    if west:
        field = field.isel(longitude=slice(None, None, -1))
    keys = grid_keys(field, west=west, columns=not west)
    save(file, message(field.values, **keys, level=500, paramId=130))
    assert "are stored from east to west, or by columns. Convert" in refused(file)


def test_different_grids(file, native, regular):
    save(
        file,
        *fields(native[["temperature"]], gaussian=True),
        *fields(regular[["sea_surface_temperature"]]),
    )
    assert (
        "are on different grids: t on 16x8 (Gaussian, from 73.7992°, 0°), sst on 36x19 "
        "(regular, from 90°, 0°). Remap them to one grid"
    ) in refused(file)


def test_an_ensemble(file, native):
    members = (
        handle
        for number in (3, 4)
        for handle in fields(
            native[["temperature"]],
            gaussian=True,
            productDefinitionTemplateNumber=1,
            number=number,
        )
    )
    save(file, *members)
    assert (
        "holds t for 2020-08-22T12:00 at 100 hPa 2 times: members of an ensemble. "
        "Keep one, e.g. with `grib_copy -w number=3 IN OUT`."
    ) in refused(file)


def test_two_forecasts_for_one_time(file, native):
    later = native.assign_coords(time=native["time"] + np.timedelta64(6, "h"))
    save(
        file,
        *fields(native[["temperature"]], gaussian=True, step=6),
        *fields(later[["temperature"]], gaussian=True),
    )
    assert (
        "holds t for 2020-08-22T18:00 at 100 hPa 2 times: forecasts from "
        "2020-08-22T12:00 and 2020-08-22T18:00. Keep one, e.g. with "
        "`grib_copy -w dataDate=20200822,dataTime=1800 IN OUT`."
    ) in refused(file)


def test_a_field_twice(file, native):
    save(file, *fields(native[["temperature"]], gaussian=True))
    save(file, *fields(native[["temperature"]], gaussian=True), mode="ab")
    assert "2 times: copies or versions of it. Write a file that" in refused(file)


def test_two_parameters_of_one_name(file, native):
    ice = native[["sea_ice_cover"]].fillna(0)
    save(
        file,
        *fields(ice, gaussian=True),
        *fields(ice, gaussian=True, parameters={"sea_ice_cover": 262001}),
    )
    assert "holds siconc as several parameters: 31, 262001. Keep one" in refused(file)


def test_nothing_of_use(file, native):
    surface = native[["sea_surface_temperature"]].fillna(280)
    save(file, *fields(surface, 2, True, {"sea_surface_temperature": 167}))
    assert (
        "holds no variable that ngcm reads; it holds 2t (heightAboveGround). Needed: "
    ) in refused(file)


def whole(file, native):
    save(file, *fields(native[["temperature"]], gaussian=True))
    return bytearray(file.read_bytes())


def shortened(data):
    return data[:-100]


def begun(data):
    return data[:60]


def of_a_wrong_length(data):
    data[8:16] = b"\x7f" * 8
    return data


def without_an_end(data):
    length = int.from_bytes(data[8:16], "big")
    data[length - 4 : length] = b"\0" * 4
    return data


def with_a_broken_section(data):
    second = int.from_bytes(data[8:16], "big")
    data[second + 16 : second + 24] = b"\xee" * 8
    return data


@pytest.mark.parametrize(
    "spoil, fields_left",
    [
        (shortened, "after 3 complete fields"),
        (begun, "from its start"),
        (of_a_wrong_length, "from its start"),
        (without_an_end, "from its start"),
        (with_a_broken_section, "after 1 complete field"),
    ],
)
def test_damaged_files(file, native, capfd, caplog, spoil, fields_left):
    file.write_bytes(spoil(whole(file, native)))
    sentence = refused(file)
    assert f"is a damaged GRIB file: it cannot be read {fields_left}" in sentence
    assert "download or copy it again" in sentence
    captured = capfd.readouterr()
    assert (captured.out, captured.err, caplog.text) == ("", "", "")


@pytest.mark.parametrize("missing", ["eccodes", "cfgrib"])
def test_without_the_extra(file, native, monkeypatch, missing):
    whole(file, native)
    grib._eccodes.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    sentence = refused(file)
    assert (
        "is a GRIB file, and the packages that read GRIB are not installed" in sentence
    )
    assert "pip install 'ngcm[grib]'" in sentence


def test_a_name_for_sentences(file):
    file.write_bytes(b"GRIB\0\0\0\2")
    with pytest.raises(InputDataError, match="'gs://bucket/a.grib' is a damaged"):
        grib.open_grib(file, "gs://bucket/a.grib")
