"""What the values of a record are between its times: means, instants, gaps."""

import numpy as np
import pytest
import xarray as xr
from earth import ICE, LAND, SST, at_sea, given, read
from earth import sea_file as write

from ngcm_cli.errors import InputDataError, RecordCoverageError

MONTHS = np.arange("1984-01", "1987-01", dtype="datetime64[M]")
ICE_FREE = 0 * LAND


def warmth(times):
    """The temperature of the sea, the same everywhere: an annual cycle, K."""
    days = (times.astype("datetime64[s]") - np.datetime64("1984-01-01")) / DAY
    return 288 + 8 * np.cos(2 * np.pi * (days - 15) / 365.25)


DAY = np.timedelta64(86400, "s")


def means(months):
    """Means of `warmth` over months, from its values every six hours."""
    hours = [np.arange(m.astype("M8[h]"), (m + 1).astype("M8[h]"), 6) for m in months]
    return np.array([warmth(part + 3).mean() for part in hours])


def record(path, values, times, **others):
    """Write temperatures of the whole sea at times."""
    fields = at_sea(values[:, None, None] + 0 * LAND)
    return write(path, fields, ICE_FREE, times, **others)


def month_of(forcing, month):
    """The mean temperature of a month as the model is given it."""
    begin, end = (t.astype("datetime64[s]") for t in (month, month + 1))
    times = np.arange(begin, end, 6 * 3600) + np.timedelta64(3, "h")
    return np.mean([forcing.at_time(t)[SST].mean(dtype=float) for t in times])


@pytest.fixture
def whole(tmp_path):
    path = record(
        tmp_path / "whole.nc", means(MONTHS), MONTHS, cell_methods="time: mean"
    )
    return read(path, "1985-01-01", 365)


def test_stamps_at_the_end_of_their_months(tmp_path, whole):
    """The bounds say of which month each is the mean, as CESM writes them."""
    bounds = np.stack([MONTHS, MONTHS + 1], axis=1)
    path = record(tmp_path / "end.nc", means(MONTHS), MONTHS + 1, bounds=bounds)
    forcing = read(path, "1985-01-01", 365)
    for month in MONTHS[12:24]:
        expected = means(month[None])[0]
        assert month_of(forcing, month) == pytest.approx(expected, abs=1e-2)
    np.testing.assert_allclose(forcing.fields[SST], whole.fields[SST], atol=1e-4)


def test_weekly_means_are_of_the_middle_of_their_weeks(tmp_path):
    begin = np.datetime64("1985-01-01") + 7 * np.arange(20)
    middle = (begin.astype("M8[h]") + 84).astype("M8[s]")
    bounds = np.stack([begin, begin + 7], axis=1)
    path = record(tmp_path / "weeks.nc", warmth(middle), begin, bounds=bounds)
    when = np.datetime64("1985-03-20T00")
    forcing = read(path, "1985-02-01", 60)
    assert given(forcing, when)[0].mean() == pytest.approx(warmth(when), abs=0.05)


@pytest.mark.parametrize("stated", ["cell_methods", "flag"])
def test_values_at_the_first_of_the_month(tmp_path, stated):
    """As AIMIP gives them, to be joined linearly."""
    attributes = {"cell_methods": "time: point"} if stated == "cell_methods" else {}
    path = record(tmp_path / "a.nc", warmth(MONTHS), MONTHS, **attributes)
    flag = {} if attributes else {"sst_time": "instant"}
    forcing = read(path, "1985-01-01", 365, **flag)
    days = (MONTHS.astype("M8[s]") - MONTHS[0]) / DAY
    for when in ("1985-01-01", "1985-01-16", "1985-04-01"):
        at = (np.datetime64(when, "s") - MONTHS[0]) / DAY
        expected = np.interp(at, days, warmth(MONTHS))
        assert given(forcing, when)[0].mean() == pytest.approx(expected, abs=1e-3)
    if flag:
        assert "taken as values at their times, as requested" in forcing.notes[-1]


@pytest.mark.parametrize("stamp", [0, 9, "last"])
def test_what_a_file_does_not_say_is_not_guessed(tmp_path, whole, stamp):
    times = MONTHS.astype("M8[D]") + (0 if stamp == "last" else stamp)
    times = (MONTHS + 1).astype("M8[D]") - 1 if stamp == "last" else times
    path = record(tmp_path / "a.nc", means(MONTHS), times)
    with pytest.raises(InputDataError, match=r"differ by \d\.\d K") as caught:
        read(path, "1985-01-01", 365)
    assert "--sst-time mean or --sst-time instant" in caught.value.hint
    forcing = read(path, "1985-01-01", 365, sst_time="mean")
    np.testing.assert_array_equal(forcing.fields[SST], whole.fields[SST])


@pytest.mark.parametrize(
    "of", ["a small difference", "mid-month", "long_name", "statistic", "GRIB_stepType"]
)
def test_what_is_known_without_cell_methods(tmp_path, of):
    values = 288 + 0.01 * (means(MONTHS) - 288) if of[:2] == "a " else means(MONTHS)
    times = MONTHS.astype("M8[D]") + (15 if of == "mid-month" else 0)
    title = {"long_name": "Monthly Means of SST", "GRIB_stepType": "avgua"}
    attributes = {of: title.get(of, "Mean")} if " " not in of and "-" not in of else {}
    path = record(tmp_path / "a.nc", values, times, **attributes)
    forcing = read(path, "1985-01-01", 60)
    assert "preserve them, as in AMIP" in " ".join(forcing.notes)


def test_bounds_contradict_instants(tmp_path):
    bounds = np.stack([MONTHS, MONTHS + 1], axis=1)
    path = record(tmp_path / "a.nc", means(MONTHS), MONTHS, bounds=bounds)
    with pytest.raises(InputDataError, match="--sst-time says instant"):
        read(path, "1985-01-01", 60, sst_time="instant")


# Gaps


def test_a_missing_month_is_named(tmp_path, whole):
    kept = ~np.isin(MONTHS, np.datetime64("1984-09"))
    path = tmp_path / "hole.nc"
    record(path, means(MONTHS[kept]), MONTHS[kept], cell_methods="time: mean")
    with pytest.raises(RecordCoverageError, match="no .* for 1984-09"):
        read(path, "1984-08-01", 365)
    forcing = read(path, "1985-01-01", 365)  # four months later it hardly matters
    for month in MONTHS[12:24]:
        assert month_of(forcing, month) == pytest.approx(
            month_of(whole, month), abs=0.01
        )


@pytest.mark.parametrize("number", [1, 2])
def test_few_months(tmp_path, number):
    """Two stamps suffice where it is stated that they are means, one with bounds."""
    months = MONTHS[18:][:number]
    bounds = np.stack([months, months + 1], axis=1) if number == 1 else None
    others = {"bounds": bounds, "cell_methods": "time: mean"}
    path = record(tmp_path / "few.nc", means(months), months, **others)
    forcing = read(path, "1985-07-01", 20)
    assert "constant before 1985-07-16T12" in " ".join(forcing.notes)
    assert given(forcing, "1985-07-16")[0].mean() == pytest.approx(
        means(months[:1])[0], abs=0.3
    )
    with pytest.raises(RecordCoverageError, match="known from 1985-07-01T00 to"):
        read(path, "1985-06-30", 20)


@pytest.mark.parametrize(
    "step, missing, refused", [(1, 59, True), (1, 4, False), (7, 7, True)]
)
def test_gaps_are_judged_by_the_step_of_the_record(tmp_path, step, missing, refused):
    times = np.datetime64("1985-01-01") + step * np.arange(int(150 / step))
    gap = times[40 // step], times[40 // step] + missing + step
    times = times[(times <= gap[0]) | (times >= gap[1])]
    path = record(tmp_path / "gap.nc", warmth(times), times)
    if refused:
        with pytest.raises(RecordCoverageError, match=f"between {gap[0]}T00 and"):
            read(path, "1985-01-20", 90)
    else:
        notes = " ".join(read(path, "1985-01-20", 90).notes)
        assert f"no data between {gap[0]}T00 and {gap[1]}T00; interpolated" in notes
    read(path, "1985-01-05", 20)  # before the gap


# Boundary conditions of CMIP6


def test_mid_month_values_are_clipped_once_interpolated(tmp_path):
    """`tosbcs` and `siconcbcs`: from -200 % to 150 %, linear, then 0 to 100 %."""
    middle = (
        MONTHS.astype("M8[s]")
        + ((MONTHS + 1).astype("M8[s]") - MONTHS.astype("M8[s]")) // 2
    )
    cover = np.where(np.arange(len(MONTHS)) % 2, 1.5, -2.0)[:, None, None] + 0 * LAND
    sst = np.where(np.arange(len(MONTHS)) % 2, 265.0, 290.0)[:, None, None] + 0 * LAND
    path = write(
        tmp_path / "bcs.nc", sst - 273.15, 100 * cover, middle,
        names=("tosbcs", "siconcbcs"), units_of=("degC", "%"),
    )  # fmt: skip
    forcing = read(path, "1985-01-01", 365)
    first, last = middle[12], middle[13]
    for share in (0.1, 0.5, 0.65, 0.9):
        when = first + (last - first) * share
        got = forcing.at_time(when.astype("M8[s]"))
        ice = np.clip((1 - share) * cover[12] + share * cover[13], 0, 1)
        np.testing.assert_allclose(got[ICE][0], ice, atol=1e-4)
        water = np.maximum((1 - share) * sst[12] + share * sst[13], 271.35)
        np.testing.assert_allclose(got[SST][0], water, atol=1e-3)
    assert "then held within their bounds" in " ".join(forcing.notes)
    with pytest.raises(InputDataError, match="values from -200"):
        read(
            write(tmp_path / "no.nc", sst, 100 * cover, middle, units_of=("K", "%")),
            "1985-01-01",
        )


# Climatologies


@pytest.mark.parametrize("axis", ["month", "year 1", "climatology"])
def test_a_climatology_without_years(tmp_path, axis):
    year = MONTHS[12:24]
    path = record(tmp_path / "a.nc", means(year), year, cell_methods="time: mean")
    usual = read(path, "1999-01-01", 365, "climatology")
    with xr.open_dataset(path) as source:
        data = source.load()
    if axis == "month":
        data = data.rename(time="month").assign_coords(month=np.arange(1, 13))
    elif axis == "year 1":
        data["time"] = xr.date_range(
            "0001-01-01", periods=12, freq="MS", use_cftime=True
        )
    else:
        data["time"].attrs["climatology"] = "climatology_bnds"
    data.to_netcdf(path)
    for mode in "climatology", "prescribed":
        forcing = read(path, "1999-01-01", 365, mode)
        np.testing.assert_array_equal(forcing.fields[SST], usual.fields[SST])
    with pytest.raises(InputDataError, match="monthly climatology, without years"):
        read(path, "2001-06-01", 1, "persist")
