"""Months stamped a month off, and records that do not resolve the seasons."""

import numpy as np
import pytest
from earth import GRID, MODEL_INPUTS, SEA, given, read, sea_file

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.climatology import amip_months

MONTHS = np.arange("1981-01", "1983-07", dtype="datetime64[M]")


@pytest.fixture(scope="module")
def seas():
    """Temperature of months, with anomalies of half a kelvin."""
    usual = amip_months(MODEL_INPUTS)["sea_surface_temperature"]
    noise = np.random.default_rng(0).normal(size=(len(MONTHS), *GRID.nodal_shape))
    return usual[MONTHS.astype(int) % 12] + 0.5 * noise


def record(path, seas, late=0, **attributes):
    """Write monthly means, stamped at the first of months, this number too late."""
    stamps = (MONTHS + late).astype("datetime64[ns]")
    attributes = {"cell_methods": "time: mean", **attributes}
    return sea_file(path, np.where(SEA, seas, np.nan), None, stamps, **attributes)


@pytest.mark.parametrize("mode", ["prescribed", "climatology", "persist"])
def test_stamps_a_month_off(tmp_path, seas, mode):
    of_july = {"start": "1982-07-16", "mode": mode, "days": 1}
    right = given(read(record(tmp_path / "a.nc", seas), **of_july), "1982-07-16")[0]
    begin = MONTHS.astype("datetime64[ns]")
    bounds = np.stack([begin, (MONTHS + 1).astype(begin.dtype)], axis=1)
    late = record(tmp_path / "b.nc", seas, 1, bounds=bounds)
    np.testing.assert_allclose(
        given(read(late, **of_july), "1982-07-16")[0], right, atol=1e-4
    )
    for months_off, word in (1, "before"), (-1, "after"):
        path = record(tmp_path / "c.nc", seas, months_off)
        with pytest.raises(InputDataError, match=f"like those of the months {word}"):
            read(path, **of_july)


def test_seasons_that_are_not_those_of_the_earth_are_not_judged(tmp_path):
    cycle = 8 * np.cos(2 * np.pi * (MONTHS.astype(int) - 6) / 12)[:, None, None]
    north = np.sin(GRID.latitude)
    path = record(tmp_path / "a.nc", 290 + cycle * north + 0 * SEA)
    assert np.isfinite(given(read(path))[0]).all()


@pytest.mark.parametrize("step", [2, 3, 12])
def test_means_that_do_not_resolve_the_seasons(tmp_path, seas, step):
    times = MONTHS[::step].astype("datetime64[ns]")
    fields = np.where(SEA, seas[::step], np.nan)
    path = sea_file(tmp_path / "a.nc", fields, None, times)
    with pytest.raises(
        InputDataError, match="the seasons between are unknown"
    ) as caught:
        read(path)
    assert "--sst-time instant" in caught.value.hint
    joined = given(read(path, sst_time="instant"))[0]
    assert np.isfinite(joined).all()
    same = sea_file(tmp_path / "b.nc", fields[0], None, times)
    assert np.isfinite(given(read(same))[0]).all(), "nothing is lost"
