import numpy as np
import pytest

from ngcm_cli.inputs.calendars import is_monthly, month_lengths

STARTS = np.datetime64("1999-11", "M") + np.arange(6)
DAY = np.timedelta64(1, "D")


def test_lengths_of_months_of_any_year():
    days = month_lengths(np.array(["1999-02-14", "2000-02-29", "2100-02-01"], "M8[D]"))
    np.testing.assert_array_equal(days / np.timedelta64(1, "D"), [28, 29, 28])


@pytest.mark.parametrize(
    "times",
    [
        STARTS.astype("M8[D]"),
        STARTS.astype("M8[D]") + 14 * DAY,
        (STARTS + 1).astype("M8[D]") - DAY,
        (STARTS + 1).astype("M8[h]") - np.timedelta64(1, "h"),
        STARTS.astype("M8[s]") + month_lengths(STARTS) // 2,
        STARTS.astype("M8[D]") + np.array([14, 15, 15, 13, 15, 14]) * DAY,
    ],
    ids=["first", "fifteenth", "last", "last hour", "middle", "about the middle"],
)
def test_monthly_stamps(times):
    assert is_monthly(times)
    assert is_monthly(times.astype("M8[ns]"))
    assert not is_monthly(times[:2])
    assert not is_monthly(times[::2])


@pytest.mark.parametrize(
    "times",
    [
        np.datetime64("2000-01-01") + np.arange(12) * DAY,
        np.datetime64("2000-01-01") + 30 * np.arange(5) * DAY,
        STARTS.astype("M8[D]") + np.array([0, 0, 5, 0, 0, 0]) * DAY,
        np.array(["2000-01-01", "2001-01-01", "2002-01-01"], "M8[D]"),
    ],
    ids=["daily", "every 30 days", "one is off", "yearly"],
)
def test_other_stamps(times):
    assert not is_monthly(times)
