"""Times and durations, as people write them."""

import datetime

import numpy as np
import pytest

from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import (
    format_duration,
    format_time,
    parse_duration,
    parse_time,
    parse_times,
)


@pytest.mark.parametrize(
    "text, hours",
    [
        *[("10d", 240), ("36h", 36), ("90m", 1.5), ("1d12h", 36), ("240", 240), (6, 6)],
        *[("10days", 240), ("10 days 12 hours", 252), ("0.5d", 12), ("1.5", 1.5)],
        *[("2w", 336), ("90 min", 1.5), ("P1DT12H", 36), ("PT36H", 36)],
    ],
)
def test_durations_are_read(text, hours):
    assert parse_duration(text) == np.timedelta64(int(hours * 3600), "s")


def test_durations_of_other_kinds_are_read():
    day = np.timedelta64(86400, "s")
    assert parse_duration(np.timedelta64(1, "D")) == day
    assert parse_duration(datetime.timedelta(days=1)) == day


NO_DURATIONS = [
    *("", "d", "tenish", "1.5.2d", "-6h", "6h1d", "2y", "1" * 5000),
    *("P1M", "PT", "٣d", "٣", "1e3h"),  # a month has no length
]


@pytest.mark.parametrize(
    "text", [*NO_DURATIONS, np.timedelta64("NaT"), datetime.timedelta(hours=-1)]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ConfigError, match="is not a duration. Give it as 10d"):
        parse_duration(text)


def test_a_duration_is_whole_seconds():
    with pytest.raises(ConfigError, match="is not a whole number of seconds"):
        parse_duration("0.00001d")


@pytest.mark.parametrize(
    "long", ["365251d", "999999999999999999d", datetime.timedelta.max]
)
def test_durations_end_at_a_thousand_years(long):
    assert parse_duration("365250d") == np.timedelta64(365250, "D")
    with pytest.raises(ConfigError, match="is longer than 1000 years"):
        parse_duration(long)


@pytest.mark.parametrize("text", ["10d", "1d12h", "6h", "1h30m", "0h"])
def test_durations_are_written_as_they_are_read(text):
    assert format_duration(parse_duration(text)) == text


@pytest.mark.parametrize(
    "value, written",
    [
        ("2020-08-22T12", "2020-08-22T12"),
        ("2020-08-22", "2020-08-22T00"),
        ("2020-08-22 12:30", "2020-08-22T12:30"),
        ("20200822", "2020-08-22T00"),
        ("2020082212", "2020-08-22T12"),
        (2020082212, "2020-08-22T12"),
        ("20200822T1230Z", "2020-08-22T12:30"),
        ("2020-08-22_12:00:00", "2020-08-22T12"),
        ("2020-08-22 12 UTC", "2020-08-22T12"),
        ("2020-08-22T12:00:00Z", "2020-08-22T12"),
        ("2020-08-22T00:00:30", "2020-08-22T00:00:30"),
        (datetime.datetime(2020, 8, 22, 12), "2020-08-22T12"),
        (datetime.date(2020, 8, 22), "2020-08-22T00"),
        (np.datetime64("2020-08-22T12", "ns"), "2020-08-22T12"),
    ],
)
def test_times_are_read_and_written(value, written):
    assert format_time(parse_time(value)) == written


@pytest.mark.parametrize(
    "text",
    [
        *("2020-13-01", "20201301", "2020", "now", "NaT", "yesterday", ""),
        *("2020-08-2212", "2020-0822", "٢٠٢٠-08-22", np.datetime64("NaT")),
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="is not a time. Give it as 2020-08-22T12"):
        parse_time(text)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2020-08-22T12", ["2020-08-22T12"]),
        ("2020-08-22T12, 2020-08-24", ["2020-08-22T12", "2020-08-24T00"]),
        ("2020-02-28/2020-03-01", ["2020-02-28T00", "2020-02-29T00", "2020-03-01T00"]),
        ("2020-08-22/2020-08-22T20/12h", ["2020-08-22T00", "2020-08-22T12"]),
        ("2020-08-22/2020-08-22/6h", ["2020-08-22T00"]),
        ("2020-08-22,2020-08-21/2020-08-22", ["2020-08-22T00", "2020-08-21T00"]),
    ],
)
def test_lists_and_ranges_of_times(text, expected):
    times = parse_times(text)
    assert [format_time(time) for time in times] == expected
    assert all(isinstance(time, np.datetime64) for time in times)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", "No time is given"),
        (",", "No time is given"),
        ("tomorrow", "'tomorrow' is not a time"),
        ("2020-08-22/2020-08-21", "has no times"),
        ("2020-08-21/2020-08-22/0h", "has no times"),
        ("2020-08-21/2020-08-22/soon", "'soon' is not a duration"),
        ("2020-08-21/2020-08-22/1d/2d", "is not a range of times"),
        ("1000-01-01/2900-01-01/1s", r"has \d{11} times, more than 100000"),
    ],
)
def test_what_is_no_list_of_times(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parse_times(text)
