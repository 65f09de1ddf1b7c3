import numpy as np
import pytest
import xarray as xr
from small_analysis import CLIMATOLOGY, GRID, NODES, build_analysis, read_state

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.climatology import mean_of_months
from ngcm_cli.forcing.sst_record import SSTRecord
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.variables import SURFACE_VARIABLES

INIT = "2020-08-22T12"
SST, ICE = "sea_surface_temperature", "sea_ice_cover"
DAY = np.timedelta64(1, "D")


def time(text):
    return np.datetime64(text, "s")


@pytest.fixture
def start(tmp_path, native):
    """Read the forcing of a run from `INIT` out of a file of its own."""
    native.drop_vars([SST, ICE]).to_netcdf(tmp_path / "air.nc")

    def read(sea, mode="persist", lead=0, **request):
        sea.to_netcdf(tmp_path / "sea.nc")
        days = np.timedelta64(24 * lead, "h").astype("timedelta64[s]")
        return read_state(
            tmp_path / "air.nc",
            INIT,
            mode=mode,
            sst_data=str(tmp_path / "sea.nc"),
            lead=days,
            **request,
        ).surface_forcing

    return read


def record(times, ice=True, method="time: mean"):
    """Every cell of the sea is as many tenths of a kelvin warmer as the index says."""
    rng = np.random.default_rng(1)
    shape = len(times), GRID.latitude_nodes, GRID.longitude_nodes
    pattern = rng.uniform(280, 300, shape[1:])
    cover = np.where(pattern < 285, 0.5, 0.0)
    index = np.arange(len(times))[:, None, None]
    dims = ("time", "latitude", "longitude")
    data = {SST: (dims, (pattern + 0.1 * index).astype("f4"), {"units": "K"})}
    if ice:
        data[ICE] = (dims, (cover + 0 * index).astype("f4"), {"units": "1"})
    for _, _, attributes in data.values():
        attributes["cell_methods"] = method
    coords = {"time": np.array(times, "datetime64[ns]")}
    return xr.Dataset(data, {**coords, "longitude": NODES[0], "latitude": NODES[1]})


def field(dataset, index, name=SST):
    return dataset[name].isel(time=index).transpose("longitude", "latitude").values


# persist


def test_the_sea_of_a_day_before_persists(start):
    data = record(["2020-08-20T12", "2020-08-21T12", INIT])
    sea = start(data, lead=10)
    assert list(sea.times) == [time("2020-08-21T12")]
    for later in (0, 5, 3000):
        held = sea.at_time(time(INIT) + later * DAY)
        np.testing.assert_array_equal(held[SST][0], field(data, 1))
        np.testing.assert_array_equal(held[ICE][0], field(data, 1, ICE))
    assert "2020-08-21T12 (24 h before the initial time)" in sea.notes[0]


@pytest.mark.parametrize(
    "times, index, words",
    [
        (["2020-08-01T00", "2020-08-15T00", "2020-08-29T00"], 1, "180 h before"),
        (["2020-07-23T12"], 0, "720 h before"),
        ([INIT], 0, "the initial time, because the data have none from 24 h before"),
        (["2020-08-22T00", "2020-08-23T00"], 0, "2020-08-22T00, because the data have"),
    ],
    ids=["the last before", "a month old", "only the initial time", "half a day"],
)
def test_where_there_is_no_sea_of_a_day_before(start, times, index, words):
    data = record(times)
    sea = start(data)
    np.testing.assert_array_equal(sea.at_time(time(INIT))[SST][0], field(data, index))
    assert words in sea.notes[0]


@pytest.mark.parametrize("times", [["2020-06-01"], ["2020-08-23", "2020-08-24"]])
def test_a_sea_of_long_ago_or_of_the_future_does_not_persist(start, times):
    with pytest.raises(InputDataError, match="a forecast from 2020-08-22T12 needs it"):
        start(record(times))


def test_monthly_means_are_interpolated_to_a_day_before(start):
    months = np.arange("2019-01", "2022-01", dtype="datetime64[M]")
    data = record(months)
    sea = start(data)
    # A tenth of a kelvin a month: from mid-July (18.5 tenths in) to mid-September.
    since = (time("2020-08-21T12") - time("2020-08-16T12")) / np.timedelta64(31, "D")
    expected = field(data, 19) + 0.1 * since
    np.testing.assert_allclose(sea.at_time(time(INIT))[SST][0], expected, atol=0.02)


# prescribed


def test_a_prescribed_sea_is_linear_in_time(start):
    times = ["2020-08-22T00", "2020-08-23T00", "2020-08-26T00"]
    data = record(times)
    sea = start(data, "prescribed", lead=3)
    np.testing.assert_array_equal(sea.at_time(time(times[1]))[SST][0], field(data, 1))
    between = sea.at_time(time("2020-08-24T00"))[SST][0]
    expected = (2 * field(data, 1) + field(data, 2)) / 3
    np.testing.assert_allclose(between, expected, rtol=2e-7)


@pytest.mark.parametrize(
    "times, lead",
    [
        (["2020-08-22T13", "2020-09-22"], 1),
        (["2020-08-01", "2020-08-25"], 3),
        ([INIT], 1),
        (np.arange("2020-01", "2020-08", dtype="datetime64[M]"), 1),
    ],
    ids=["begins late", "ends early", "one time", "months"],
)
def test_a_run_beyond_the_record_is_refused(start, times, lead):
    with pytest.raises(InputDataError, match="The run goes from .* is known from"):
        start(record(times), "prescribed", lead=lead)


def test_a_sea_without_time_cannot_be_prescribed(start):
    with pytest.raises(InputDataError, match="no time axis"):
        start(record([INIT]).isel(time=0, drop=True), "prescribed", lead=1)


def test_an_hourly_record_is_thinned(start):
    times = time("2020-08-22T00") + np.arange(60) * np.timedelta64(1, "h")
    sea = start(record(times), "prescribed", lead=1)
    assert [str(t)[:13] for t in sea.times] == [
        "2020-08-22T12",
        "2020-08-22T18",
        "2020-08-23T00",
        "2020-08-23T06",
        "2020-08-23T12",
    ]
    assert any("every 6 h" in note for note in sea.notes)


def test_temperature_and_ice_may_have_other_times(start):
    warm = record(["2020-08-22", "2020-08-24"])[[SST]]
    ice = record(["2020-08-22T06", "2020-08-23", "2020-08-25"])[[ICE]]
    ice[ICE] = ice[ICE] + xr.DataArray([0.0, 0.2, 0.4], dims="time")
    merged = xr.merge([warm, ice], join="outer")
    with pytest.raises(InputDataError, match="every value is missing"):
        start(merged, "prescribed", lead=1)  # one axis, with holes: not guessed


def mean_of(sea, month, name):
    """The mean over a month of what the model is given, hour by hour."""
    begin, end = (t.astype("datetime64[s]") for t in (month, month + 1))
    hours = np.arange(begin, end, np.timedelta64(1, "h")) + np.timedelta64(30, "m")
    return np.mean([sea.at_time(t)[name][0].astype(float) for t in hours], axis=0)


def test_prescribed_monthly_means_are_preserved(start):
    months = np.arange("2019-01", "2022-01", dtype="datetime64[M]")
    data = record(months)
    rng = np.random.default_rng(2)
    data[SST] += rng.normal(0, 2, data[SST].shape).astype("f4")
    season = 2 * np.pi * np.arange(len(months))[:, None, None] / 12
    cover = 0.5 + 0.8 * np.sin(season + rng.uniform(0, 6, data[ICE].shape[1:]))
    cover = cover.clip(0, 1).astype("f4")  # from open sea to none, and back
    data[ICE] = data[ICE].copy(data=cover)
    sea = start(data, "prescribed", lead=70)
    for index in (20, 21):  # September and October
        # Midpoints of hours: exact but where an hour holds a bend.
        atol = {SST: 2e-3, ICE: 1e-3}
        for name, error in atol.items():
            mean = mean_of(sea, months[index], name)
            np.testing.assert_allclose(mean, field(data, index, name), atol=error)
    assert "preserve them, as in AMIP" in " ".join(sea.notes)


def test_ice_of_the_climatology_beside_monthly_means(start):
    months = np.arange("2019-01", "2022-01", dtype="datetime64[M]")
    sea = start(record(months, ice=False), "prescribed", lead=30)
    alone = start(record(months), "climatology", lead=30)
    assert "taken from AMIP's climatology" in " ".join(sea.notes)
    ice = sea.at_time(time("2020-09-10"))[ICE]
    assert 0 < ice.max() <= 1 and ice.min() == 0
    assert set(alone.fields) == {SST, ICE}


# climatology


def amip(month):
    """The climatology of AMIP as it is stored, regridded by the reader."""
    return stored_climatology()[month]


def stored_climatology():
    with InputDataset.open(str(CLIMATOLOGY), SURFACE_VARIABLES) as source:
        means = mean_of_months(SSTRecord(source, ModelInputs(GRID, (), ())), [])
    return [{name: x[month] for name, x in means.items()} for month in range(12)]


def test_the_climatology_has_its_monthly_means_in_every_year(tmp_path, native):
    native.to_netcdf(tmp_path / "a.nc")
    lead = np.timedelta64(500 * 86400, "s")
    sea = read_state(tmp_path / "a.nc", lead=lead, mode="climatology").surface_forcing
    for month in ("2020-10", "2021-10", "2021-02"):
        month = np.datetime64(month, "M")
        means = amip(int(month.astype(int)) % 12)
        sst = np.maximum(means[SST], units.SEA_FREEZING_SI)
        np.testing.assert_allclose(mean_of(sea, month, SST), sst, atol=3e-3)
        np.testing.assert_allclose(mean_of(sea, month, ICE), means[ICE], atol=2e-3)
    assert "monthly climatology" in " ".join(sea.notes)


def test_a_climatology_of_monthly_data(start):
    months = np.arange("2018-01", "2021-01", dtype="datetime64[M]")
    data = record(months)
    sea = start(data, "climatology", lead=60)
    september = np.mean([field(data, i) for i in (8, 20, 32)], axis=0)
    mean = mean_of(sea, np.datetime64("2020-09"), SST)
    np.testing.assert_allclose(mean, september, atol=2e-3)


@pytest.mark.parametrize("times", [["2020-08-21", "2020-08-22"], ["2020-08-22"]])
def test_no_climatology_without_twelve_months(start, times):
    with pytest.raises(InputDataError, match="not enough for a monthly climatology"):
        start(record(times), "climatology")


# anomaly-persist


def test_an_anomaly_persists_while_the_seasons_go_on(start, tmp_path):
    data = record(["2020-08-21T12"])
    # Much of it freezes, and the ice is at its edges.
    data[SST] -= 17 * (data[SST] < 295)
    sea = start(data, "anomaly-persist", lead=60)
    observed = {name: field(data, 0, name) for name in (SST, ICE)}
    bounds = units.SEA_BOUNDS_SI
    lead = np.timedelta64(90 * 86400, "s")
    seasons = read_state(
        tmp_path / "air.nc", INIT, mode="climatology", lead=lead
    ).surface_forcing
    first = seasons.at_time(time("2020-08-21T12"))
    for later in ("2020-08-22T12", "2020-09-16T12", "2020-10-01T12", "2020-10-21T12"):
        now, given = seasons.at_time(time(later)), sea.at_time(time(later))
        for name, atol in ((SST, 1e-4), (ICE, 1e-6)):
            expected = np.clip(observed[name] + now[name] - first[name], *bounds[name])
            np.testing.assert_allclose(given[name], expected, atol=atol)
    # Of a day's season, where nothing is at a bound.
    change = np.abs(sea.at_time(time(INIT))[SST][0] - observed[SST])
    assert change[observed[SST] > 275].max() < 0.2


def test_monthly_temperature_without_ice_persists_with_real_ice(start):
    """One field for the whole run is not held within bounds by the model."""
    months = np.arange("2019-01", "2022-01", dtype="datetime64[M]")
    ice = start(record(months, ice=False)).fields[ICE]
    assert ice.shape[0] == 1 and ice.min() >= 0 and 0 < ice.max() <= 1


# Ice and temperature with different times


def merged(sst_times, ice_times, tmp_path):
    record(sst_times)[[SST]].to_netcdf(tmp_path / "sea_sst.nc")
    ice = record(ice_times)[[ICE]]
    ice[ICE] = 0 * ice[ICE] + xr.DataArray(
        np.linspace(0.1, 0.9, len(ice_times)).astype("f4"), dims="time"
    )
    ice[ICE].attrs["units"] = "1"
    ice.transpose("time", ...).to_netcdf(tmp_path / "sea_ice.nc")
    return str(tmp_path / "sea_*.nc")


def read_both(tmp_path, native, pattern, mode="persist", lead=0):
    native.drop_vars([SST, ICE]).to_netcdf(tmp_path / "air.nc")
    days = np.timedelta64(86400 * lead, "s")
    path = tmp_path / "air.nc"
    return read_state(
        path, INIT, mode=mode, sst_data=pattern, lead=days
    ).surface_forcing


def test_ice_is_of_its_last_time_before(tmp_path, native):
    days = ["2020-08-19", "2020-08-20", "2020-08-21", "2020-08-22"]
    sst = [f"{day}T12" for day in days]
    sea = read_both(tmp_path, native, merged(sst, days, tmp_path))
    np.testing.assert_allclose(
        sea.at_time(time(INIT))[ICE], 0.1 + 2 * 0.8 / 3, rtol=1e-6
    )


@pytest.mark.parametrize("mode", ["persist", "prescribed"])
def test_ice_of_long_ago_is_refused(tmp_path, native, mode):
    sst = ["2020-08-20", "2020-08-22", "2020-08-28"]
    pattern = merged(sst, ["1940-01-01", "1940-01-02"], tmp_path)
    with pytest.raises(InputDataError, match="sea_ice_cover in .* is known"):
        read_both(tmp_path, native, pattern, mode, lead=1)


def test_daily_temperature_and_monthly_ice(tmp_path, native):
    days = [f"2020-08-{day:02}" for day in range(15, 31)]
    months = np.arange("2020-01", "2021-01", dtype="datetime64[M]")
    pattern = merged(days, months, tmp_path)
    sea = read_both(tmp_path, native, pattern, "prescribed", lead=3)
    steady = np.linspace(0.1, 0.9, 12)  # so that mid-months lie near a straight line
    given = [float(sea.at_time(time(f"2020-08-{day}"))[ICE].mean()) for day in (23, 24)]
    assert steady[7] < given[0] < given[1] < steady[8]


@pytest.mark.parametrize("mode", ["persist", "prescribed"])
def test_a_hole_in_the_record_is_not_bridged(start, mode):
    data = record(["1990-01-01", "1990-01-02", "2050-01-01"])
    with pytest.raises(InputDataError, match="1990-01-02T00"):
        start(data, mode, lead=1)


def test_the_end_of_a_monthly_record_persists_for_a_month(start):
    months = np.arange("2019-01", "2020-08", dtype="datetime64[M]")
    sea = start(record(months))
    assert "516 h before" in sea.notes[0]  # from the end of July
    with pytest.raises(InputDataError, match="needs it from 24 h before"):
        start(record(months[:-1]))


def test_instants_on_the_first_of_months_are_no_means(start):
    data = record(["2020-06-01", "2020-07-01", "2020-08-01", "2020-09-01"])
    data[SST].attrs["cell_methods"] = data[ICE].attrs["cell_methods"] = "time: point"
    sea = start(data)
    np.testing.assert_array_equal(sea.at_time(time(INIT))[SST][0], field(data, 2))
    assert "2020-08-01T00" in sea.notes[0]


def test_thinning_begins_anew_after_an_odd_time(start):
    hours = time("2020-08-22T00") + np.arange(60) * np.timedelta64(1, "h")
    odd = np.append([time("2020-08-21T23:30")], hours)
    sea = start(record(odd), "prescribed", lead=1)
    assert len(sea.times) == 5 and (np.diff(sea.times) <= np.timedelta64(6, "h")).all()


# offset


@pytest.mark.parametrize("mode", ["persist", "prescribed", "climatology"])
@pytest.mark.parametrize("offset", [2.0, -2.0])
def test_an_offset_is_added_everywhere(start, mode, offset):
    months = np.arange("2019-01", "2022-01", dtype="datetime64[M]")
    data = record(months)
    data[SST] -= 15 * (data[SST] < 295)  # much of it freezes
    plain, other = (
        start(data, mode, lead=2, sst_offset=change).at_time(time("2020-08-23"))
        for change in (0.0, offset)
    )
    np.testing.assert_allclose(other[SST], plain[SST] + offset, rtol=2e-7)
    np.testing.assert_array_equal(other[ICE], plain[ICE])


def test_build_analysis_can_be_its_own_sea(tmp_path):
    """Two times in one file: the sea is of the day before, the air is not."""
    dataset = build_analysis(*NODES, ("2020-08-21T12", INIT))
    dataset.to_netcdf(tmp_path / "a.nc")
    state = read_state(tmp_path / "a.nc", INIT)
    sst = field(dataset, 0)
    sea = ~np.isnan(sst)
    assert (state.forcing[SST][0][sea] == sst[sea]).all()
    np.testing.assert_array_equal(
        state.fields["temperature"],
        dataset["temperature"].isel(time=1).transpose(..., "longitude", "latitude"),
    )
