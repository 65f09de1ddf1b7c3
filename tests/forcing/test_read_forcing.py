"""The analysis and the surface forcing of a run, each read alone."""

import dataclasses

import numpy as np
import pytest
from small_analysis import MODEL_INPUTS, NODES, build_analysis

from ngcm_cli.errors import InputDataError, RecordCoverageError
from ngcm_cli.forcing.read_forcing import ForcingRequest, read_forcing
from ngcm_cli.forcing.run_inputs import check_inputs, read_inputs
from ngcm_cli.inputs.input_cache import InputCache
from ngcm_cli.inputs.read_analysis import AnalysisRequest, read_analysis
from ngcm_cli.inputs.variables import SST

DAYS = tuple(f"2020-08-{day:02}T12" for day in range(18, 27))
INIT, DAY = np.datetime64("2020-08-20T12", "s"), np.timedelta64(86400, "s")
FAR = "gs://bucket/of/ours.zarr"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))


@pytest.fixture
def path(tmp_path):
    """Write a dataset; return its path."""

    def write(dataset, name="air.nc"):
        dataset.to_netcdf(tmp_path / name)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("mode", ["prescribed", "persist", "climatology"])
def test_both_are_as_they_are_read_together(path, mode):
    data = path(build_analysis(*NODES, DAYS))
    request = AnalysisRequest(data, INIT)
    forcing = ForcingRequest(mode, 3 * DAY, sst_offset=0.5)
    together = read_inputs(request, forcing, MODEL_INPUTS)
    analysis = read_analysis(request, MODEL_INPUTS)
    assert analysis.time == together.time == INIT
    assert analysis.notes == together.analysis.notes
    for name, field in together.fields.items():
        np.testing.assert_array_equal(analysis.fields[name], field)
    if mode != "climatology":
        forcing = dataclasses.replace(forcing, data=data)
    alone = read_forcing(forcing, INIT, MODEL_INPUTS)
    assert alone.notes == together.surface_forcing.notes
    np.testing.assert_array_equal(alone.times, together.surface_forcing.times)
    for name, field in together.surface_forcing.fields.items():
        np.testing.assert_array_equal(alone.fields[name], field)
    assert alone.sst_offset == 0.5


def test_the_forcing_is_of_the_run_and_not_of_the_analysis(path):
    """Which is of another year, and the only one in its file."""
    air = build_analysis(*NODES, ("1959-01-02T00",))
    request = AnalysisRequest(path(air.drop_vars([SST, "sea_ice_cover"])))
    sea = path(build_analysis(*NODES, DAYS)[[SST, "sea_ice_cover"]], "sea.nc")
    forcing = ForcingRequest("prescribed", 3 * DAY, sea)
    assert read_analysis(request, MODEL_INPUTS).time == np.datetime64("1959-01-02")
    alone = read_forcing(forcing, INIT, MODEL_INPUTS)
    np.testing.assert_array_equal(alone.times, INIT + np.arange(4) * DAY)
    with pytest.raises(InputDataError, match="The run goes from 1959-01-02T00"):
        read_inputs(request, forcing, MODEL_INPUTS)


def test_the_analysis_alone_is_checked_as_ever(path):
    air = build_analysis(*NODES, DAYS)
    with pytest.raises(InputDataError, match="missing: temperature"):
        data = path(air.drop_vars("temperature"), "without.nc")
        read_analysis(AnalysisRequest(data, INIT), MODEL_INPUTS)
    data = path(air.drop_vars(SST), "dry.nc")
    assert read_analysis(AnalysisRequest(data, INIT), MODEL_INPUTS).time == INIT
    with pytest.raises(InputDataError, match="missing: sea_surface_temperature"):
        forcing = ForcingRequest("prescribed", DAY)
        read_inputs(AnalysisRequest(data, INIT), forcing, MODEL_INPUTS)
    with pytest.raises(InputDataError, match="no 1999-01-01T00"):
        wrong = AnalysisRequest(path(air), np.datetime64("1999-01-01"))
        read_analysis(wrong, MODEL_INPUTS)


def test_several_initial_times_are_checked(path):
    request = AnalysisRequest(path(build_analysis(*NODES, DAYS)))
    forcing = ForcingRequest("prescribed", DAY)
    check_inputs(request, forcing, (INIT, INIT + 2 * DAY), MODEL_INPUTS)
    with pytest.raises(InputDataError, match="no 2020-09-19T12"):
        check_inputs(request, forcing, (INIT, INIT + 30 * DAY), MODEL_INPUTS)
    with pytest.raises(RecordCoverageError):
        check_inputs(request, forcing, (INIT, INIT + 6 * DAY), MODEL_INPUTS)


def test_a_remote_analysis_is_cached(path):
    """Both ways of reading take the analysis out of the cache."""
    data = path(build_analysis(*NODES, DAYS))
    analysis = read_analysis(AnalysisRequest(data, INIT), MODEL_INPUTS)
    InputCache.of(FAR, MODEL_INPUTS).save_analysis(analysis)
    request = AnalysisRequest(FAR, INIT, offline=True)
    again = read_analysis(request, MODEL_INPUTS)
    assert again.time == INIT
    for name, field in analysis.fields.items():
        np.testing.assert_array_equal(again.fields[name], field)
    forcing = ForcingRequest("prescribed", DAY, data, offline=True)
    assert read_inputs(request, forcing, MODEL_INPUTS).time == INIT


def test_remote_data_of_an_offline_run(path):
    """The hint names the command that fetches the analysis, or both; never forcing."""
    request = AnalysisRequest(FAR, INIT, offline=True)
    forcing = ForcingRequest("prescribed", DAY, FAR, offline=True)
    command = f"ngcm data prepare --init 2020-08-20T12 --data {FAR}"
    with pytest.raises(InputDataError) as caught:
        read_analysis(request, MODEL_INPUTS)
    assert f"`{command}`" in caught.value.hint
    with pytest.raises(InputDataError) as caught:
        read_inputs(request, forcing, MODEL_INPUTS)
    assert f"`{command} --sst prescribed --sst-data {FAR}`" in caught.value.hint
    with pytest.raises(InputDataError) as caught:
        read_forcing(forcing, INIT, MODEL_INPUTS)
    assert caught.value.hint == "Run without --offline and --dry-run."


@pytest.mark.parametrize("spoil", ["beyond", "no time", "a gap"])
def test_a_record_that_does_not_cover_the_run(path, spoil):
    days = ("1990-01-01", "1990-01-02", "2050-01-01") if spoil == "a gap" else DAYS
    data = build_analysis(*NODES, days)
    if spoil == "no time":
        data = data.isel(time=0, drop=True)
    lead = 300 * DAY if spoil == "beyond" else DAY
    with pytest.raises(RecordCoverageError) as caught:
        request = ForcingRequest("prescribed", lead, path(data))
        read_forcing(request, INIT, MODEL_INPUTS)
    assert caught.value.hint
    caught.value.hint += " Or use --sst-climatology."  # as a command does
    assert str(caught.value).endswith("Or use --sst-climatology.")


def test_a_forcing_must_name_its_data():
    with pytest.raises(ValueError, match="not named"):
        read_forcing(ForcingRequest("prescribed", DAY), INIT, MODEL_INPUTS)
