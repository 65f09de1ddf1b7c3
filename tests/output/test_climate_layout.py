"""What long runs write: periods, bounds, coordinates, and fields on their way there."""

import numpy as np
import pytest
import xarray as xr
from ngcm_cli.output.climate import periods
from ngcm_cli.output.records import RecordStore
from small_climate import GRID, HOURS, LEVELS, small_climate

from ngcm_cli.output.grid import OutputGrid


def ends(kind, start, end):
    bounds = periods(kind, np.datetime64(start, "s"), np.datetime64(end, "s"))
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
    bounds = periods(kind, np.datetime64("1982-01-01"), np.datetime64("2022-01-01"))
    assert bounds.shape == (count, 2)
    assert (bounds[1:, 0] == bounds[:-1, 1]).all()
    lengths = (bounds[:, 1] - bounds[:, 0]) // HOURS[24]
    assert set(lengths) == ({28, 29, 30, 31} if kind == "monthly" else {1})


def opened(tmp_path, records):
    tmp_path.mkdir(exist_ok=True)
    RecordStore(tmp_path / "s.zarr", records)
    return xr.open_zarr(tmp_path / "s.zarr")


def test_time_is_in_the_middle_of_its_bounds(tmp_path):
    climate = small_climate("1983-12-16", "1984-03-04")
    with opened(tmp_path, climate.means("monthly")) as ds:
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
        words = "time: mean (interval: 6 hours)"
        assert ds.temperature.attrs["cell_methods"] == words


def test_the_global_series_is_daily(tmp_path):
    with opened(tmp_path, small_climate(sample=HOURS[1]).global_means()) as ds:
        assert ds.sizes == {"time": 60, "sigma": 5, "bnds": 2}
        assert str(ds.time.values[-1])[:13] == "1984-02-29T12"
        assert ds.dry_mass.dims == ("time",)
        words = "area: maximum time: maximum (interval: 1 hour)"
        assert ds.max_wind.attrs["cell_methods"] == words
        assert "latitude_spacing" not in ds.attrs


def test_instants_have_the_start_and_not_the_end(tmp_path):
    climate = small_climate("1984-02-28", "1984-03-01")
    with opened(tmp_path, climate.instants(HOURS[6])) as ds:
        times = ds.time.values
        assert len(times) == 8
        assert str(times[0])[:16] == "1984-02-28T00:00"
        assert str(times[-1])[:16] == "1984-02-29T18:00"
        assert "bounds" not in ds.time.attrs and "time_bnds" not in ds
        assert ds.temperature.attrs["cell_methods"] == "time: point"
        assert ds.attrs["frequency"] == "6hr"


def test_instants_between_whole_hours(tmp_path):
    climate = small_climate("1984-02-29", "1984-03-01")
    with opened(tmp_path, climate.instants(np.timedelta64(1800, "s"))) as ds:
        assert len(ds.time) == 48
        assert (np.diff(ds.time.values) == np.timedelta64(1800, "s")).all()
        assert ds.attrs["frequency"] == "0.5hr"


def test_one_run_has_no_realization(tmp_path):
    with opened(tmp_path, small_climate().means("monthly")) as ds:
        assert "realization" not in ds.variables
    several = small_climate(realizations=(4, 5, 6))
    with opened(tmp_path / "several", several.means("monthly")) as ds:
        assert ds.realization.values.tolist() == [4, 5, 6]
        assert ds.temperature.dims[:2] == ("realization", "time")
        assert ds.temperature.encoding["chunks"] == (1, 1, 3, 4, 8)


def test_at_the_surface_there_are_no_levels(tmp_path):
    climate = small_climate(variables=("surface_pressure",), levels=())
    with opened(tmp_path, climate.means("daily")) as ds:
        assert set(ds.dims) == {"time", "bnds", "latitude", "longitude"}
    with opened(tmp_path / "zonal", climate.zonal("daily")) as ds:
        assert set(ds.dims) == {"time", "bnds", "latitude"}


def test_fields_on_some_levels_in_the_order_of_the_disk():
    climate = small_climate(levels=(200, 850))
    level, longitude, latitude = np.meshgrid(
        LEVELS, np.arange(8), np.arange(4), indexing="ij"
    )
    field = (level + 10 * longitude + latitude).astype("f4")
    chosen = climate.select("temperature", field)
    assert chosen.shape == (2, 4, 8) and chosen.dtype == np.float32
    assert chosen[1, 3, 7] == 850 + 70 + 3 and chosen[0, 1, 2] == 200 + 20 + 1
    assert chosen.flags.c_contiguous
    surface = climate.select("surface_pressure", field[:1])
    np.testing.assert_array_equal(surface, field[0].T)


def test_fields_on_a_regular_grid(tmp_path):
    climate = small_climate(grid=OutputGrid.regular(GRID, 45))
    assert (climate.select("temperature", np.ones((3, 8, 4), "f4")) == 1).all()
    with opened(tmp_path, climate.means("monthly")) as ds:
        assert ds.latitude.values.tolist() == [-90, -45, 0, 45, 90]
        assert ds.temperature.shape == (2, 3, 5, 8)
        assert ds.attrs["regridding"] == "conservative"


def test_levels_between_whole_numbers_keep_their_fraction():
    records = small_climate(levels=(0.5, 500), model_levels=(0.5, 500)).means("daily")
    assert records.coordinates["level"].values.tolist() == [0.5, 500]


def test_means_of_fluxes_are_of_all_steps():
    """Of instants every six hours are those of all else."""
    names = "temperature", "P_minus_E_rate"
    climate = small_climate(variables=names, fluxes=("P_minus_E_rate",))
    for records, over in (
        (climate.means("daily"), ""),
        (climate.zonal("daily"), " longitude: mean"),
    ):
        methods = [records.fields[name][1]["cell_methods"] for name in names]
        assert methods == [
            f"time: mean (interval: 6 hours){over}",
            f"time: mean{over}",
        ]
