"""Streams of long runs: periods, bounds, frequencies, cell methods."""

import numpy as np
import pytest
import xarray as xr
from small_output import GRID, HOURS, climate_output, opened, selection, stream

from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.output.streams import calendar_periods, forecast_stream, total_size


def ends(kind, start, end):
    bounds = calendar_periods(kind, np.datetime64(start, "s"), np.datetime64(end, "s"))
    return [tuple(map(str, row.astype("datetime64[D]"))) for row in bounds]


@pytest.mark.parametrize(
    "start, end, expected",
    [
        ("1984-02-01", "1984-03-01", [("1984-02-01", "1984-03-01")]),
        (
            "1983-12-16",  # within a month, through a year's end and a leap day
            "1984-03-02",
            [
                ("1983-12-16", "1984-01-01"),
                ("1984-01-01", "1984-02-01"),
                ("1984-02-01", "1984-03-01"),
                ("1984-03-01", "1984-03-02"),
            ],
        ),
        ("1984-01-10", "1984-01-12", [("1984-01-10", "1984-01-12")]),
        ("1984-01-31", "1984-02-01", [("1984-01-31", "1984-02-01")]),
        (
            "1899-12-31",
            "1900-03-01",  # no leap year
            [
                ("1899-12-31", "1900-01-01"),
                ("1900-01-01", "1900-02-01"),
                ("1900-02-01", "1900-03-01"),
            ],
        ),
    ],
)
def test_months(start, end, expected):
    assert ends("monthly", start, end) == expected


@pytest.mark.parametrize(
    "start, end, days",
    [
        ("1984-02-28", "1984-03-01", ["02-28", "02-29", "03-01"]),
        ("1983-02-28", "1983-03-01", ["02-28", "03-01"]),
    ],
)
def test_days_across_the_end_of_february(start, end, days):
    edges = [f"{start[:4]}-{day}" for day in days]
    assert ends("daily", start, end) == list(zip(edges[:-1], edges[1:], strict=True))


@pytest.mark.parametrize("kind, count", [("monthly", 480), ("daily", 14610)])
def test_forty_years_leave_no_gap(kind, count):
    bounds = calendar_periods(
        kind, np.datetime64("1982-01-01"), np.datetime64("2022-01-01")
    )
    assert bounds.shape == (count, 2)
    assert (bounds[1:, 0] == bounds[:-1, 1]).all()
    lengths = (bounds[:, 1] - bounds[:, 0]) // HOURS[24]
    assert set(lengths) == ({28, 29, 30, 31} if kind == "monthly" else {1})


def test_which_stores_there_are():
    output = climate_output()
    paths = [s.path for s in output.streams((), None)]
    assert paths == ["global.zarr"]
    streams = output.streams(("daily", "monthly"), HOURS[6])
    assert [(s.path, s.kind, s.zonal) for s in streams] == [
        ("global.zarr", "global", False),
        ("daily.zarr", "daily", False),
        ("daily_zonal.zarr", "daily", True),
        ("monthly.zarr", "monthly", False),
        ("monthly_zonal.zarr", "monthly", True),
        ("instantaneous.zarr", "instantaneous", False),
    ]
    sizes = [(s.schema.nbytes, s.schema.file_count) for s in streams]
    assert total_size(streams) == tuple(map(sum, zip(*sizes, strict=True)))


def dataset(tmp_path, stream):
    opened(tmp_path / "s.zarr", stream.schema)
    return xr.open_zarr(tmp_path / "s.zarr", chunks=None)


def test_time_is_in_the_middle_of_its_bounds(tmp_path):
    monthly = stream("monthly", start="1983-12-16", end="1984-03-04")
    with dataset(tmp_path, monthly) as ds:
        middle = ["1983-12-24T00", "1984-01-16T12", "1984-02-15T12", "1984-03-02T12"]
        assert [str(t)[:13] for t in ds.time.values] == middle
        assert ds.time_bnds.dtype.kind == "M"
        edges = ["1983-12-16", "1984-01-01", "1984-02-01", "1984-03-01", "1984-03-04"]
        assert [str(t)[:10] for t in ds.time_bnds[:, 0].values] == edges[:-1]
        assert [str(t)[:10] for t in ds.time_bnds[:, 1].values] == edges[1:]
        assert ds.time.attrs["bounds"] == "time_bnds"
        assert ds.attrs["frequency"] == "mon" and ds.attrs["title"] == "a run"
        assert ds.temperature.dims == ("time", "level", "latitude", "longitude")
        assert ds.surface_pressure.dims == ("time", "latitude", "longitude")
        methods = "time: mean (interval: 6 hours)"
        assert ds.temperature.attrs["cell_methods"] == methods


def test_the_global_series_is_daily(tmp_path):
    with dataset(tmp_path, stream("global", sample=HOURS[1])) as ds:
        assert ds.sizes == {"time": 60, "sigma": 5, "bnds": 2}
        assert str(ds.time.values[-1])[:13] == "1984-02-29T12"
        assert ds.dry_mass.dims == ("time",)
        methods = "area: maximum time: maximum (interval: 1 hour)"
        assert ds.max_wind.attrs["cell_methods"] == methods
        assert ds.attrs["frequency"] == "day"
        assert "latitude_spacing" not in ds.attrs


def test_instantaneous_outputs_have_the_start_and_not_the_end(tmp_path):
    some = stream("instantaneous", HOURS[6], start="1984-02-28", end="1984-03-01")
    with dataset(tmp_path, some) as ds:
        times = ds.time.values
        assert len(times) == 8
        assert str(times[0])[:16] == "1984-02-28T00:00"
        assert str(times[-1])[:16] == "1984-02-29T18:00"
        assert "bounds" not in ds.time.attrs and "time_bnds" not in ds
        assert ds.temperature.attrs["cell_methods"] == "time: point"
        assert ds.attrs["frequency"] == "6hr"


def test_instantaneous_outputs_between_whole_hours(tmp_path):
    half = np.timedelta64(1800, "s")
    some = stream("instantaneous", half, start="1984-02-29", end="1984-03-01")
    with dataset(tmp_path, some) as ds:
        assert len(ds.time) == 48
        assert (np.diff(ds.time.values) == half).all()
        assert ds.attrs["frequency"] == "0.5hr"


def test_several_members(tmp_path):
    with dataset(tmp_path, stream("monthly", realizations=(4, 5, 6))) as ds:
        assert ds.realization.values.tolist() == [4, 5, 6]
        assert ds.temperature.dims[:2] == ("realization", "time")
        assert ds.temperature.encoding["chunks"] == (1, 1, 3, 4, 8)


def test_zonal_means_have_no_longitude(tmp_path):
    with dataset(tmp_path, stream("daily_zonal")) as ds:
        assert ds.temperature.dims == ("time", "level", "latitude")
        assert "longitude" not in ds.variables
        assert ds.temperature.attrs["cell_methods"] == (
            "time: mean (interval: 6 hours) longitude: mean"
        )


def test_fields_on_a_regular_grid(tmp_path):
    fields = selection(grid=OutputGrid.regular(GRID, 45))
    with dataset(tmp_path, stream("monthly", fields=fields)) as ds:
        assert ds.latitude.values.tolist() == [-90, -45, 0, 45, 90]
        assert ds.temperature.shape == (2, 3, 5, 8)
        assert ds.attrs["regridding"] == "conservative"


@pytest.mark.parametrize(
    "name, over", [("daily", ""), ("daily_zonal", " longitude: mean")]
)
def test_means_of_fluxes_are_of_all_steps(name, over):
    """Those of everything else are of samples every six hours."""
    fields = selection(("temperature", "P_minus_E_rate"))
    schema = stream(name, fields=fields).schema
    methods = [v.attributes["cell_methods"] for v in schema.variables.values()]
    assert methods == [f"time: mean (interval: 6 hours){over}", f"time: mean{over}"]


def test_a_forecast_has_one_stream_which_is_its_output():
    one = forecast_stream(
        selection(), [np.datetime64("2000-01-01", "s")], np.arange(2) * HOURS[6],
        (0, 1), ("mean",), False, {},
    )  # fmt: skip
    assert (one.path, one.kind, one.statistics) == ("", "lead_time", ("mean",))
    assert not one.keep_members
    assert list(one.schema.variables) == ["temperature_mean", "surface_pressure_mean"]
