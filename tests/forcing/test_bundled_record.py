"""The record of the sea that comes with ngcm, for runs of forty years."""

import netCDF4
import numpy as np
import pytest
from small_analysis import GRID, RECORD

from ngcm_cli.errors import RecordCoverageError
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.forcing.sst_record import SSTRecord
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.bundled import sst_record_path
from ngcm_cli.inputs.variables import SEA_ICE, SST, SURFACE_VARIABLES

MODEL_INPUTS = ModelInputs(GRID, (), ())


def time(text):
    return np.datetime64(text, "s")


def read(start, end, mode="prescribed"):
    request = ForcingRequest(mode, time(end) - time(start), sst_record_path())
    return read_forcing(request, time(start), MODEL_INPUTS)


@pytest.fixture(scope="module")
def forty_years():
    return read("1982-01-01", "2022-01-01")


def test_its_values_are_those_of_noaa(shared):
    original = shared / "data" / RECORD.name
    with netCDF4.Dataset(original) as theirs, netCDF4.Dataset(RECORD) as ours:
        assert set(ours.variables) == set(theirs.variables)
        for file in theirs, ours:
            file.set_auto_mask(False)
        for name, variable in theirs.variables.items():
            assert ours[name].dtype == variable.dtype
            assert ours[name][:].tobytes() == variable[:].tobytes(), name
    assert RECORD.stat().st_size < 0.95 * original.stat().st_size


def test_forty_years_are_covered(forty_years):
    assert forty_years.times[0] <= time("1982-01-01")
    assert forty_years.times[-1] >= time("2022-01-01")
    for name in SST, SEA_ICE:
        field = forty_years.fields[name]
        assert field.shape == (len(forty_years.times), 1, *GRID.nodal_shape)
        assert field.dtype == np.float32 and np.isfinite(field).all()


def test_it_is_said_that_the_ice_is_of_no_year(forty_years):
    notes = " ".join(forty_years.notes)
    assert "monthly means, interpolated between mid-month values" in notes
    assert "taken from AMIP's climatology, the same in every year." in notes
    assert "no record of sea ice for its years was available to bundle." in notes


def test_the_ice_is_the_same_in_every_year(forty_years):
    one, other = (
        forty_years.at_time(time(f"{year}-09-10T06"))[SEA_ICE] for year in (1985, 2013)
    )
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert 0 < one.max() <= 1 and one.min() == 0


def test_months_have_the_means_of_the_record(forty_years):
    """Hour by hour through the winter of El Niño, and the one two years later."""
    means = {}
    with InputDataset.open(str(RECORD), SURFACE_VARIABLES) as source:
        fields = SSTRecord(source, MODEL_INPUTS)
        for month in ("1997-12", "1999-12"):
            begin, end = time(month), time(np.datetime64(month) + 1)
            hours = np.arange(begin, end, np.timedelta64(1, "h"))
            hours += np.timedelta64(30, "m")
            given = [forty_years.at_time(t)[SST][0].astype(float) for t in hours]
            means[month] = np.mean(given, axis=0)
            stored = fields.read(SST, begin, [])
            np.testing.assert_allclose(means[month], stored, rtol=0, atol=1e-2)
    # 180° to 135° west, within 25° of the equator.
    pacific = np.ix_([8, 9, 10], [3, 4])
    warmer = (means["1997-12"] - means["1999-12"])[pacific].mean()
    assert warmer > 1


@pytest.mark.parametrize(
    "start, end",
    [
        ("2020-01-01", "2024-01-01"),
        ("2022-01-01", "2023-02-01T01"),
        ("1981-11-30T23", "1982-06-01"),
    ],
)
def test_a_run_beyond_it_is_refused(start, end):
    with pytest.raises(RecordCoverageError) as caught:
        read(start, end)
    message = caught.value.message
    assert "known from 1981-12-01T00 to 2023-02-01T00 only" in message
    assert RECORD.name in message and "494 times" in message
    assert caught.value.hint.endswith("or name a longer record with --sst-data.")


@pytest.mark.parametrize(
    "start, end", [("1981-12-01", "1982-01-10"), ("2023-01-20", "2023-02-01")]
)
def test_it_may_be_used_to_its_ends(start, end):
    sea = read(start, end)
    assert sea.fields[SST].shape[0] >= 2
    assert np.isfinite(sea.at_time(time(end))[SST]).all()


def test_the_climatology_of_it(forty_years):
    """Another request of the same record: its mean year."""
    year = read("1990-01-01", "1991-01-01", "climatology")
    assert "Climatology: mean of 1981-12-01T00 to 2023-01-01T00" in " ".join(year.notes)
    when = time("1990-07-01")
    change = forty_years.at_time(when)[SST] - year.at_time(when)[SST]
    assert 0.1 < np.abs(change).mean() < 1
