"""Times in months since a date."""

import netCDF4
import numpy as np
import pytest
import xarray as xr
from small_analysis import read_state

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources.month_counts import decoded_months, month_note
from ngcm_cli.inputs.sources.open import open_dataset


@pytest.mark.parametrize(
    "units, numbers, expected",
    [
        ("months since 1850-01-01", [0, 1584], ["1850-01-01", "1982-01-01"]),
        ("Month since 1850-1-1 00:00:00", [1, -1], ["1850-02-01", "1849-12-01"]),
        ("months since 1960-01-01", [0.5, 1.5], ["1960-01-16T12", "1960-02-15T12"]),
        ("months since 1961-01-01", [1.5, 3.5], ["1961-02-15", "1961-04-16"]),
        ("months since 1979-01-15 12:00", [1, 24], ["1979-02-15T12", "1981-01-15T12"]),
        ("months since 0001-01-01", [np.nan, 12 * 1981], ["NaT", "1982-01-01"]),
    ],
)
def test_calendar_months_are_counted(units, numbers, expected):
    found = decoded_months(np.array(numbers, "f4"), units)
    np.testing.assert_array_equal(found, np.array(expected, "datetime64[s]"))


@pytest.mark.parametrize(
    "units, words",
    [
        ("months since 1979-01-31", "not every month has a day 31"),
        ("months since yesterday", "the units of time 'months since yesterday' is not"),
    ],
)
def test_dates_from_which_months_cannot_be_counted(units, words):
    with pytest.raises(InputDataError, match=words):
        decoded_months(np.arange(3), units)


def counted(path, units, numbers, calendar=None, bounds=None):
    """Write the time axis of a file anew, in other units."""
    with netCDF4.Dataset(path, "a") as file:
        time = file["time"]
        time.units = units
        time[:] = numbers
        if calendar:
            time.calendar = calendar
        else:
            time.delncattr("calendar")
        if bounds is not None:
            time.bounds = "time_bnds"
            file.createDimension("nv", 2)
            file.createVariable("time_bnds", "f8", ("time", "nv"))[:] = bounds


@pytest.mark.parametrize("calendar", [None, "noleap", "standard"])
def test_a_file_with_bounds(tmp_path, calendar):
    times = np.array(["1982-01", "1982-02"], "datetime64[ns]")
    data = xr.Dataset({"tos": (("time", "x"), np.zeros((2, 3)))}, {"time": times})
    path = tmp_path / "a.nc"
    data.to_netcdf(path, encoding={"time": {"dtype": "f8"}})
    counted(path, "months since 1980-01-01", [24.5, 25.5], calendar, [[24, 25]] * 2)
    with open_dataset(str(path)) as dataset:
        expected = np.array(["1982-01-16T12", "1982-02-15"], "datetime64[s]")
        np.testing.assert_array_equal(dataset["time"].values, expected)
        bounds = dataset["time_bnds"].values[0].astype("datetime64[D]")
        np.testing.assert_array_equal(bounds, np.array(["1982-01", "1982-02"], "M8[D]"))
        assert "calendar months are counted" in month_note(dataset)[0]


def test_an_analysis_says_how_its_months_are_counted(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc", encoding={"time": {"dtype": "f8"}})
    counted(tmp_path / "a.nc", "months since 2020-08-22 12:00", [0])
    state = read_state(tmp_path / "a.nc")
    assert state.time == np.datetime64("2020-08-22T12")
    said = [note for note in state.analysis.notes if "months are counted" in note]
    assert len(said) == 1


def test_years_have_no_length(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc", encoding={"time": {"dtype": "f8"}})
    counted(tmp_path / "a.nc", "years since 2020-08-22", [0])
    with pytest.raises(InputDataError, match="'years since 2020-08-22'") as caught:
        open_dataset(str(tmp_path / "a.nc"))
    assert "hours since 1900-01-01" in caught.value.hint
