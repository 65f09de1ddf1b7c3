import numpy as np
import pytest
from small_analysis import FIELDS, GRID, MODEL_INPUTS, NODES, build_analysis

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.data_report import report_data
from ngcm_cli.inputs.model_inputs import ModelInputs


def text(report):
    return "\n".join(f"{heading}: {line}" for heading, line in report.lines)


@pytest.fixture
def look(tmp_path):
    def write_and_look(dataset, init=None):
        dataset.to_netcdf(tmp_path / "a.nc")
        return report_data(
            str(tmp_path / "a.nc"), MODEL_INPUTS, init and np.datetime64(init, "s")
        )

    return write_and_look


def test_a_good_analysis(look, native):
    report = look(native.assign(t2m=native["sea_surface_temperature"]))
    assert report.usable and report.problems == ()
    said = text(report)
    assert "Grid: 16x8 (22.5°)" in said
    assert "Times: one time, 2020-08-22T12" in said
    assert "Levels: 4: 100, 500, 850, 1000 hPa" in said
    lowest, highest = (float(f(native["temperature"])) for f in (np.min, np.max))
    assert f"temperature in K: {lowest:.6g} to {highest:.6g} K" in said
    share = 100 * float(native["sea_ice_cover"].isnull().mean())
    assert f"sea_ice_cover in 1: 0 to 0.9, {share:.3g} % missing" in said
    assert "Not used: t2m" in said
    assert "Forecast: can start from it." in said
    assert "Forcing: can be taken from it: fields of one time" in said


def test_substitutions_are_told(look, native):
    gone = ["specific_cloud_ice_water_content", "sea_ice_cover"]
    said = text(look(native.drop_vars(gone)))
    assert "Forecast: specific_cloud_ice_water_content: not in the data" in said
    assert "Forcing: sea_ice_cover is not in the data: derived" in said


def test_what_is_missing(look, native):
    report = look(native.drop_vars(["temperature", "sea_surface_temperature"]))
    assert not report.usable and report.problems == ()
    assert "cannot start from it: no temperature." in text(report)
    assert "cannot be taken from it" in text(report)


def test_only_the_sea(look, native):
    report = look(native[["sea_surface_temperature"]])
    assert report.usable
    assert "cannot start" in text(report) and "Levels: none" in text(report)


def test_nothing_known(look, native):
    with pytest.raises(
        InputDataError, match="no variable that a run needs.*orog.*Static"
    ):
        look(native[["temperature"]].rename(temperature="orog"))


def test_too_few_levels(look, native):
    report = look(native.isel(level=[1, 2]).drop_vars("sea_surface_temperature"))
    assert not report.usable
    assert "cannot start from it: " in text(report)


def test_a_time_is_looked_at_alone(look):
    dataset = build_analysis(*NODES, ("2020-08-21T12", "2020-08-22T12"))
    dataset["temperature"][1, 2, 3, 4] = np.nan
    assert look(dataset, "2020-08-21T12").usable
    assert not look(dataset, "2020-08-22T12").usable
    assert not look(dataset).usable


def test_a_time_that_is_not_there(look):
    times = ("2020-08-21T12", "2020-08-22T12")
    report = look(build_analysis(*NODES, times), "2021-01-01")
    assert "temperature in K, no 2021-01-01T00" in text(report)
    (problem,) = report.problems
    assert not report.usable
    assert "There is no 2021-01-01T00; the data hold 2 times" in problem.message
    assert all(time in problem.message for time in times)
    assert "nearest initial time is 2020-08-22T12" in problem.hint


def test_any_time_will_do_where_there_is_none(look, native):
    assert look(native.squeeze("time", drop=True), "2021-01-01").usable


def nan_block(d):
    d["temperature"][0, 2, 3:, 5] = np.nan


def wrong_units(d):
    d["temperature"] -= 273.15
    d["temperature"].attrs["units"] = "K"


def mixed_levels(d):
    d["geopotential"] = d["geopotential"].isel(level=[0, 2, 1, 3]).drop_vars("level")


def all_missing(d):
    d["sea_surface_temperature"] *= np.nan


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (nan_block, "'temperature' has 5 missing values (NaN) at 2020-08-22T12"),
        (wrong_units, "contradict it"),
        (mixed_levels, "Geopotential at 500 hPa (mean"),
        (all_missing, "every value is missing"),
    ],
)
def test_wrong_values(look, native, spoil, sentence):
    spoil(native)
    report = look(native)
    assert not report.usable
    (problem,) = report.problems
    assert sentence in problem.message and "a.nc" in problem.message and problem.hint
    said = text(report)
    assert "WRONG, see below" in said
    sea = spoil is all_missing
    assert ("cannot be taken from it: sea_surface_temperature is wrong" in said) == sea
    assert ("can be taken from it: fields" in said) == (not sea)
    assert ("Forecast: can start from it" in said) == sea
    assert (" is wrong, see below." in said.partition("Forecast: ")[2]) or sea


REAL = {
    "amip_clim_sst_seaice_t63.nc": ["monthly means, 12 times", "192x96 (1.875°)"],
    "era5_surface_20190715_1deg.nc": ["'sst' in K", "one field without time", "35.2 %"],
    "era5_tl31_1959-01-02T00.nc": ["can start from it", "37: 1, 2, 3"],
    "gfs_f072_valid_20111011T00_2p5deg_26lev.nc": [
        "from 26 pressure levels",
        "replaced by skin temperature of the sea",
        "no data at 20 hPa",
    ],
    "oisst_sst_monthly_2p5deg_198112_202301.nc": [
        "494 times from 1981-12-01T00 to 2023-01-01T00, one a month",
        "converted from degC to K",
        "replaced by AMIP's monthly climatology",
    ],
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(shared, name):
    levels = (1.0, 50.0, 500.0, 1000.0)
    report = report_data(str(shared / "data" / name), ModelInputs(GRID, levels, FIELDS))
    assert report.usable
    for words in REAL[name]:
        assert words in text(report)


UNUSABLE = {
    "archesweather_f024_valid_20200102T00_1p5deg_13lev.nc": (
        "member (2), level (13), latitude (121), longitude (240)",
        "Times: one time, 2020-01-02T00",
        "Levels: 13: 50, 100, 150",
        "temperature in K, on member, level, latitude, longitude",
        "Not used: vertical_velocity",
        "Forecast: cannot start from it, see below.",
        "does not recognise 'member'",
    ),
    "era5_ens_20170101_3deg_ZT_500_850.nc": (
        "number (10), time (4), level (2), latitude (61), longitude (120)",
        "Times: 4 times, 2017-01-01T00",
        "Levels: 2: 500, 850 hPa",
        "geopotential in m**2 s**-2, on number",
        "no u_component_of_wind, v_component_of_wind, specific_humidity.",
        "Forecast: Too few pressure levels",
        "Forcing: cannot be taken from it: no sea_surface_temperature",
        "does not recognise 'number'",
    ),
    "erainterim_zonalmean_monthly_1979_2016_37lev.nc": (
        "time (456), level (37), latitude (121)",
        "Times: 456 times from 1979-01-01T00 to 2016-12-01T00, one a month",
        "Levels: 37: 1, 2, 3",
        "geopotential is 'geopotential_height' in m, on time, level, latitude",
        "no specific_humidity.",
        "There is no longitude coordinate",
    ),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_real_files_that_cannot_be_used_are_described(shared, name):
    report = report_data(str(shared / "data" / name), MODEL_INPUTS)
    assert not report.usable
    (problem,) = report.problems
    assert problem.hint and name in problem.message
    for words in UNUSABLE[name]:
        assert words in f"{text(report)}\n{problem.message}"


def many_valid_times(d):
    valid = np.array("2020-01-01", "datetime64[ns]") + np.zeros((2, 2), "m8[h]")
    many = d.squeeze("time", drop=True).expand_dims(init=[0, 1], step=[0, 1])
    return many.assign_coords(valid_time=(("init", "step"), valid))


@pytest.mark.parametrize(
    "spoil, described, sentence",
    [
        (lambda d: d.expand_dims(number=[0, 1]), "number (2)", "'number'"),
        (lambda d: d.mean("longitude"), "latitude (8)", "no longitude"),
        (lambda d: d.isel(time=[0, 0]), "time (2)", "occurs more than once"),
        (lambda d: d.isel(level=[0, 0]), "Levels: none", "more than once"),
        (lambda d: d.isel(time=[]), "time (0)", "time axis is empty"),
        (lambda d: d.isel(level=[]), "level (0)", "is empty"),
        (many_valid_times, "'valid_time' depends on init, step", "several dimensions"),
    ],
)
def test_what_cannot_be_used_is_described(look, native, spoil, described, sentence):
    report = look(spoil(native))
    assert not report.usable and described in text(report)
    (problem,) = report.problems
    assert sentence in problem.message and "a.nc" in problem.message and problem.hint


def test_of_several_files_the_one_that_is_wrong_is_described(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc")
    native.expand_dims(number=[0, 1]).to_netcdf(tmp_path / "b.nc")
    report = report_data(str(tmp_path / "*.nc"), MODEL_INPUTS)
    assert "b.nc" in text(report) and "number (2)" in text(report)


def test_what_does_not_open_is_refused(tmp_path):
    (tmp_path / "a.nc").write_text("nothing")
    with pytest.raises(InputDataError, match="is a text file"):
        report_data(str(tmp_path / "a.nc"), MODEL_INPUTS)


def test_a_real_file_of_static_fields(shared):
    path = shared / "data" / "era5_static_orography_lsm_0p25deg.nc"
    report = report_data(str(path), MODEL_INPUTS)
    assert not report.usable
    assert "Not used: geopotential_at_surface" in text(report)
