"""Seas of climate models, whose years have 365, 366 or 360 days."""

import cftime
import netCDF4
import numpy as np
import pytest
import xarray as xr
from small_analysis import GRID, MODEL_INPUTS, read_state

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.data_report import report_data
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.inputs.calendars import calendar_of, to_standard_calendar
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.variables import SEA_ICE, SST

OTHERS = ("noleap", "365_day", "julian", "360_day", "all_leap", "366_day")
# As cftime, and so what is said, calls them.
NAMES = {"365_day": "noleap", "366_day": "all_leap"}
SHAPE = GRID.latitude_nodes, GRID.longitude_nodes


def date(calendar, *numbers):
    return cftime.datetime(*numbers, calendar=calendar)


def months(calendar, first=1999, years=4, stamp="middle"):
    """One time a month, at its middle, its first day or its last."""
    times = []
    for year in range(first, first + years):
        for month in range(1, 13):
            start = date(calendar, year, month, 1)
            days = cftime.datetime(year, month, 1, calendar=calendar).daysinmonth
            units = f"hours since {start.isoformat(' ')}"
            hours = {"middle": 12 * days, "first": 0, "last": 24 * days - 24}[stamp]
            times.append(cftime.num2date(hours, units, calendar))
    return times


def days(calendar, first, last):
    """Every day from one to another, (year, month, day) each, at noon."""
    units = f"days since {date(calendar, *first).isoformat(' ')}"
    count = cftime.date2num(date(calendar, *last), units, calendar) + 1
    return list(cftime.num2date(np.arange(count) + 0.5, units, calendar))


def warmth(index):
    """A temperature that tells the index of the field, for every field another."""
    return 280 + 0.01 * index


def write(path, times, calendar=None, *, cell_methods="time: mean", ice=True):
    """A file as netCDF4 writes it, with cftime's numbers of days."""
    calendar = calendar or times[0].calendar
    with netCDF4.Dataset(path, "w") as file:
        for name, values in (
            ("lat", np.rad2deg(GRID.latitude)),
            ("lon", np.rad2deg(GRID.longitude)),
        ):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,))[:] = values
        file["lat"].units, file["lon"].units = "degrees_north", "degrees_east"
        file.createDimension("time", None)
        time = file.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 1850-01-01", calendar
        time[:] = cftime.date2num(times, time.units, calendar)
        tos = file.createVariable("tos", "f8", ("time", "lat", "lon"))
        tos.units, tos.standard_name = "K", "sea_surface_temperature"
        tos.cell_methods = cell_methods
        index = np.arange(len(times), dtype=float)[:, None, None]
        tos[:] = np.broadcast_to(warmth(index), (len(times), *SHAPE))
        if ice:
            siconc = file.createVariable("siconc", "f8", ("time", "lat", "lon"))
            siconc.units, siconc.standard_name = "%", "sea_ice_area_fraction"
            siconc[:] = np.zeros((len(times), *SHAPE))
    return path


def read(path, start, end, mode="prescribed"):
    start, end = (np.datetime64(t, "s") for t in (start, end))
    request = ForcingRequest(mode, end - start, str(path))
    return read_forcing(request, start, ModelInputs(GRID, (), ()))


def given(sea, time):
    field = sea.at_time(np.datetime64(time, "s"))[SST]
    assert np.ptp(field) < 1e-4
    return float(field.mean(dtype=float))


# Monthly means


@pytest.mark.parametrize("stamp", ["middle", "first", "last"])
@pytest.mark.parametrize("calendar", [*OTHERS, "standard", "proleptic_gregorian"])
def test_monthly_means_are_taken_by_their_months(tmp_path, calendar, stamp):
    """The 26th month is February 2001 in any of them, and has its mean, in ours."""
    path = write(tmp_path / "tos.nc", months(calendar, stamp=stamp), calendar)
    sea = read(path, "2000-01-01", "2001-12-31")
    assert sea.times[1] == np.datetime64("2000-01-16T12")
    assert np.datetime64("2000-02-15T12", "s") in sea.times  # the middle of 29 days
    for index, month in (13, "2000-02"), (25, "2001-02"):
        begin, end = (np.datetime64(month) + i for i in (0, 1))
        hours = np.arange(begin.astype("M8[s]"), end.astype("M8[s]"), 3600)
        mean = np.mean([given(sea, t + np.timedelta64(1800, "s")) for t in hours[::6]])
        assert mean == pytest.approx(warmth(index), abs=2e-4)
    notes = " ".join(sea.notes)
    name = NAMES.get(calendar, calendar)
    said = f"The calendar is {name}: monthly means are converted by month."
    assert (said in notes) == (calendar in OTHERS)


@pytest.mark.parametrize("calendar", ["360_day", "noleap"])
def test_a_run_beyond_them_is_refused_in_our_dates(tmp_path, calendar):
    path = write(tmp_path / "tos.nc", months(calendar))
    with pytest.raises(InputDataError, match="from 1999-01-01T00 to 2003-01-01T00"):
        read(path, "2000-01-01", "2003-01-02")
    assert given(read(path, "2002-06-01", "2003-01-01"), "2003-01-01") > 280


def test_the_years_of_a_control_run(tmp_path):
    """Which begins in the year 1, and no dates of pandas reach there."""
    path = write(tmp_path / "tos.nc", months("noleap", first=1, years=3))
    sea = read(path, "0001-03-01", "0003-02-01")
    assert given(sea, "0002-06-16") == pytest.approx(warmth(17), abs=2e-3)


def test_files_of_a_year_each(tmp_path):
    for year in (1999, 2000, 2001):
        times = months("360_day", first=year, years=1, stamp="last")
        write(tmp_path / f"tos_{year}.nc", times)
    sea = read(tmp_path / "tos_*.nc", "1999-06-01", "2001-06-01")
    assert "monthly means are converted by month" in " ".join(sea.notes)
    assert given(sea, "2000-02-15T12") == pytest.approx(warmth(1), abs=0.02)


def test_a_climatology_of_any_calendar(tmp_path):
    path = write(tmp_path / "tos.nc", months("360_day"))
    sea = read(path, "2000-01-01", "2000-12-31", mode="climatology")
    # June of four years, 12 months apart.
    expected = np.mean([warmth(5 + 12 * i) for i in range(4)])
    assert given(sea, "2000-06-15T12") == pytest.approx(expected, abs=1e-2)


def test_monthly_means_without_ice_have_that_of_amip(tmp_path):
    path = write(tmp_path / "tos.nc", months("365_day"), ice=False)
    sea = read(path, "2000-01-01", "2001-01-01")
    assert "taken from AMIP's climatology, the same in every year." in sea.notes[-1]
    assert 0.5 < sea.at_time(np.datetime64("2000-03-01", "s"))[SEA_ICE].max() <= 1


# Days


def test_days_without_29_february_are_interpolated(tmp_path):
    times = days("noleap", (2000, 2, 25), (2000, 3, 5))
    sea = read(write(tmp_path / "tos.nc", times), "2000-02-26", "2000-03-04")
    assert np.datetime64("2000-02-29T12", "s") not in sea.times
    assert given(sea, "2000-02-28T12") == pytest.approx(warmth(3), abs=3e-5)
    assert given(sea, "2000-02-29T12") == pytest.approx(warmth(3.5), abs=3e-5)
    assert given(sea, "2000-03-01T12") == pytest.approx(warmth(4), abs=3e-5)
    assert "The calendar is noleap: converted by date" in " ".join(sea.notes)


@pytest.mark.parametrize("calendar", ["all_leap", "366_day"])
def test_a_29_february_too_many_is_left_out(tmp_path, calendar):
    times = days(calendar, (2001, 2, 25), (2001, 3, 5))
    path = write(tmp_path / "tos.nc", times, calendar)
    sea = read(path, "2001-02-26", "2001-03-04")
    assert given(sea, "2001-02-28T12") == pytest.approx(warmth(3), abs=3e-5)
    assert given(sea, "2001-03-01T12") == pytest.approx(warmth(5), abs=3e-5)
    assert given(sea, "2001-03-01T00") == pytest.approx(warmth(4), abs=3e-5)
    assert "The calendar is all_leap: converted by date" in " ".join(sea.notes)


def test_julian_days_are_taken_by_date(tmp_path):
    times = days("julian", (1900, 2, 25), (1900, 3, 5))  # a leap year of theirs
    sea = read(write(tmp_path / "tos.nc", times), "1900-02-26", "1900-03-04")
    assert given(sea, "1900-02-28T12") == pytest.approx(warmth(3), abs=3e-5)
    assert given(sea, "1900-03-01T12") == pytest.approx(warmth(5), abs=3e-5)


def test_days_of_a_forecast_persist(tmp_path):
    times = days("noleap", (2020, 2, 25), (2020, 3, 5))
    path = write(tmp_path / "tos.nc", times)
    sea = read(path, "2020-03-02T12", "2020-03-12T12", mode="persist")
    assert given(sea, "2020-03-10") == pytest.approx(warmth(4), abs=3e-5)


@pytest.mark.parametrize("sea", ["prescribed", "persist"])
def test_days_of_360_are_refused(tmp_path, sea):
    path = write(tmp_path / "tos.nc", days("360_day", (2000, 1, 1), (2000, 3, 30)))
    with pytest.raises(InputDataError) as caught:
        read(path, "2000-02-01", "2000-02-10", sea)
    message = caught.value.message
    assert "the '360_day' calendar and are not of monthly means" in message
    assert "2000-01-01 12:00:00, 2000-01-02 12:00:00, " in message
    assert "tos.nc" in message and "monthly means" in caught.value.hint


def test_instants_once_a_month_are_no_means(tmp_path):
    times = months("noleap", stamp="middle")
    path = write(tmp_path / "tos.nc", times, cell_methods="time: point")
    sea = read(path, "2000-01-20", "2000-05-01")
    # Of 28 days in February of noleap: at the end of the 14th.
    assert given(sea, "2000-02-15T00") == pytest.approx(warmth(13), abs=3e-5)
    assert "converted by date" in " ".join(sea.notes)
    many = write(tmp_path / "m.nc", months("360_day"), cell_methods="time: point")
    with pytest.raises(InputDataError, match="360_day"):
        read(many, "2000-01-20", "2000-05-01")


# Dates on their own


def test_a_date_is_a_date():
    values = np.array([date("noleap", 2000, 12, 31, 23, 59, 58)])
    assert to_standard_calendar(values, "mean")[0] == np.datetime64(
        "2000-12-31T23:59:58"
    )
    values = np.array([date("all_leap", 1999, 2, 29), date("all_leap", 2000, 2, 29)])
    ours = to_standard_calendar(values, "instant")
    assert np.isnat(ours[0]) and ours[1] == np.datetime64("2000-02-29")


def test_the_newest_month_may_be_first():
    values = np.array(months("360_day", years=1)[::-1])
    ours = to_standard_calendar(values, "mean")
    assert ours[0] == np.datetime64("1999-12-16T12") and (np.diff(ours) < 0).all()


@pytest.mark.parametrize("calendar", ["standard", "gregorian", "proleptic_gregorian"])
def test_our_own_calendar(calendar):
    assert calendar_of(np.array([date(calendar, 1500, 1, 1)])) == "standard"
    assert calendar_of(np.array(["2000-01-01"], "datetime64[ns]")) == "standard"


def test_dates_too_far_from_ours_are_refused(tmp_path, native):
    path = write(tmp_path / "tos.nc", days("standard", (1500, 1, 1), (1500, 1, 9)))
    with pytest.raises(InputDataError, match="is known from 1500-01-01T12 to"):
        read(path, "2000-01-01", "2000-01-02")
    native["time"] = np.array(["1600-01-01"], "datetime64[us]")
    native.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputDataError, match="1600-01-01.* not within the years 1678"):
        read_state(tmp_path / "a.nc")


# Months without a year


def test_a_climatology_of_year_1(tmp_path):
    """As NOAA PSL stamps long-term means: the first days of the months of year 1."""
    path = write(tmp_path / "ltm.nc", months("standard", 1, 1, stamp="first"))
    january = read(path, "2001-01-16", "2001-01-17", mode="climatology")
    july = read(path, "2001-07-16", "2001-07-17", mode="climatology")
    assert given(january, "2001-01-16T12") < given(july, "2001-07-16T12")
    assert given(july, "2001-07-16T12") == pytest.approx(warmth(6), abs=2e-3)


@pytest.mark.parametrize("axis", ["month", "mon", "time"])
def test_an_axis_of_months(tmp_path, axis):
    write(tmp_path / "ltm.nc", months("standard", 1, 1))
    with xr.open_dataset(tmp_path / "ltm.nc", decode_times=False) as dated:
        dataset = dated.load().rename({"time": axis} if axis != "time" else {})
    dataset.encoding.clear()
    numbers = axis, np.arange(1, 13), {"units": "month"}
    dataset = dataset.assign_coords({axis: numbers})
    if axis == "mon":  # without a coordinate
        dataset = dataset.drop_vars(axis)
    dataset.to_netcdf(tmp_path / "months.nc")
    year = [
        read(tmp_path / name, "2001-03-01", "2001-09-01", mode="climatology")
        for name in ("ltm.nc", "months.nc")
    ]
    for time in ("2001-03-05", "2001-06-16"):
        assert given(year[0], time) == given(year[1], time)


# The atmosphere, and what is said of files


@pytest.mark.parametrize("calendar", OTHERS)
def test_weather_of_other_calendars_is_refused(tmp_path, native, calendar):
    """As it would happen on dates that are not."""
    attributes = {"units": "days since 2000-01-01", "calendar": calendar}
    dated = native.assign_coords(time=("time", [12.0], attributes))
    dated.to_netcdf(tmp_path / "air.nc")
    with pytest.raises(InputDataError) as caught:
        read_state(tmp_path / "air.nc", "2000-01-13")
    assert f"'{NAMES.get(calendar, calendar)}' calendar" in caught.value.message
    assert "Gregorian" in caught.value.hint


def test_the_check_says_how_dates_are_taken(tmp_path):
    path = write(tmp_path / "tos.nc", months("360_day"))
    report = report_data(str(path), MODEL_INPUTS)
    assert report.usable and not report.problems
    said = " ".join(text for heading, text in report.lines if heading == "Forcing")
    assert "monthly means are converted by month" in said


def test_the_description_of_what_cannot_be_used(tmp_path):
    path = write(tmp_path / "tos.nc", months("noleap"))
    with xr.open_dataset(path, decode_times=False) as dataset:
        dataset = dataset.load()
    dataset = dataset.rename(tos="height_of_waves").drop_vars("siconc")
    del dataset["height_of_waves"].attrs["standard_name"]
    dataset["tos"] = dataset["height_of_waves"].isel(lat=slice(3)).rename(lat="strip")
    dataset["tos"].attrs["units"] = "furlong"
    dataset.drop_vars("lat").to_netcdf(tmp_path / "odd.nc")
    report = report_data(str(tmp_path / "odd.nc"), MODEL_INPUTS)
    assert not report.usable
    times = dict(report.lines)["Times"]
    assert times.startswith("48 times from 1999-01-16T12") and "in the noleap" in times
