"""Where runs get their data: what is asked for, described, and never written down."""

import json
import pathlib

import netCDF4
import numpy as np
import pytest
import xarray as xr

from ngcm_cli.config import AmipConfig, ForecastConfig
from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.sources import bundled
from ngcm_cli.simulation import data_sources
from ngcm_cli.simulation.data_sources import (
    DataSources,
    analysis_source,
    check_local_paths,
    describe_analysis,
    describe_forcing,
    local_files,
    public_command,
    read_sample,
    uses_sample,
    with_absolute_paths,
    with_sea_of_run,
)
from ngcm_cli.testing import TinyModel

SAMPLE = str(bundled.sample_path())
HOUR = np.timedelta64(3600, "s")


@pytest.mark.parametrize(
    "config, source",
    [
        (ForecastConfig(), SAMPLE),
        (ForecastConfig(init="1959-01-02"), SAMPLE),
        (ForecastConfig(init="2020-08-22"), "arco"),
        (ForecastConfig(data="mine.nc"), "mine.nc"),
        (ForecastConfig(init="2020-08-22", data="mine.nc"), "mine.nc"),
        (AmipConfig(days=1), SAMPLE),
        (AmipConfig(days=1, data="arco"), "arco"),
    ],
)
def test_the_source_of_initial_states(config, source):
    assert analysis_source(config) == source
    assert uses_sample(config) == (source == SAMPLE)


def test_the_bundled_state_is_one_of_several():
    config = ForecastConfig(init="1959-01-02,2020-08-22")
    sources = [analysis_source(config, time) for time in config.init]
    assert sources == [SAMPLE, "arco"]


@pytest.mark.parametrize(
    "config, analysis, forcing",
    [
        (ForecastConfig(), "the bundled ERA5 state", "the bundled ERA5 state"),
        (ForecastConfig(sst="climatology"), "bundled ERA5", "AMIP's monthly climatol"),
        (ForecastConfig(data="arco"), "arco, gs://", "arco, gs://"),
        (AmipConfig(days=1), "bundled ERA5", "the bundled record of NOAA OISST"),
        (AmipConfig(days=1, sst_climatology=True), "bundled ERA5", "AMIP's monthly"),
        (AmipConfig(days=1, sst_data="sst.nc"), "bundled ERA5", "sst.nc"),
    ],
)
def test_descriptions(config, analysis, forcing):
    assert analysis in describe_analysis(config)
    assert forcing in describe_forcing(config)


def test_secrets_are_not_described():
    secret = "https://me:secret@host/era5.nc?key=secret"
    config = ForecastConfig(data=secret, sst_data=secret, lead="5d")
    said = public_command(config), describe_analysis(config), describe_forcing(config)
    assert all("secret" not in text and "host/era5.nc" in text for text in said)
    assert said[0].startswith("ngcm forecast --data https://host/era5.nc")
    assert said[0].endswith("--lead 5d")


def test_settings_hold_in_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ForecastConfig(
        model="my card.yaml", data="a/*.nc", sst_data="gs://b/c.zarr", output="out.nc"
    )
    settings = with_absolute_paths(config)
    assert settings["model"] == f"{tmp_path}/my card.yaml"
    assert settings["data"] == f"{tmp_path}/a/*.nc"
    assert settings["sst_data"] == "gs://b/c.zarr"
    assert "output" not in settings
    assert with_absolute_paths(ForecastConfig())["model"] == ForecastConfig().model


def test_local_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("1.nc", "2.nc", "sst.nc"):
        (tmp_path / name).touch()
    config = ForecastConfig(data="[0-9].nc", sst_data="sst.nc")
    files = {path.name: said for path, said in local_files(config)}
    assert files == {"1.nc": "[0-9].nc", "2.nc": "[0-9].nc", "sst.nc": "sst.nc"}
    assert local_files(ForecastConfig(data="arco")) == []
    ((path, said),) = local_files(ForecastConfig())
    assert path == pathlib.Path(SAMPLE) and "bundled" in said


def test_a_wrong_path_is_found_before_weights_are_downloaded(tmp_path, monkeypatch):
    module = "ngcm_cli.simulation.data_sources.is_here"
    config = ForecastConfig(data=str(tmp_path / "nothing.nc"))
    check_local_paths(config)  # the model is here: it is found when it is read
    monkeypatch.setattr(module, lambda name: False)
    with pytest.raises(InputDataError, match="nothing.nc"):
        check_local_paths(config)
    check_local_paths(ForecastConfig(data="arco"))


def test_the_bundled_state_is_that_of_every_start():
    """Of long runs, which say so."""
    config = AmipConfig(days=2, start="2020-01-31", starts=2, start_every="1d")
    sources, sample = DataSources(config, TinyModel()), read_sample(TinyModel())
    for time in config.init_times:
        analysis = sources.analysis(time)
        assert analysis.time == time
        for name, x in sample.fields.items():
            np.testing.assert_array_equal(analysis.fields[name], x)
        assert "discard the first months as spin-up" in analysis.notes[-1]
    assert sources.forcing(config.init_times[0]) is sources.forcing(
        config.init_times[1]
    )


def test_the_only_analysis_is_read_once(monkeypatch):
    """To find its time, and again as that of its time."""
    requests, read = [], data_sources.read_inputs

    def counted(request, *arguments):
        requests.append(request)
        return read(request, *arguments)

    monkeypatch.setattr(data_sources, "read_inputs", counted)
    sources = DataSources(ForecastConfig(lead="6h"), TinyModel())
    analysis = sources.analysis(None)
    init = analysis.time.astype("datetime64[s]")
    assert sources.analysis(init) is analysis
    assert sources.forcing(init) is sources.forcing(None)
    assert len(requests) == 1


def test_data_of_several_times(tmp_path):
    with xr.open_dataset(SAMPLE) as opened:
        state = opened.load()
    state = state.isel(time=0) if "time" in state.dims else state
    times = [bundled.SAMPLE_TIME + i * 6 * HOUR for i in range(2)]
    both = xr.concat(
        [
            state.assign_coords(time=time.astype("M8[ns]")).assign(
                temperature=state["temperature"] + i
            )
            for i, time in enumerate(times)
        ],
        "time",
    )
    both.to_netcdf(tmp_path / "both.nc")
    config = ForecastConfig(data=str(tmp_path / "both.nc"), lead="6h")
    sources = DataSources(config, TinyModel())
    sources.check(tuple(times))
    first, second = (sources.analysis(time) for time in times)
    warmer = second.fields["temperature"] - first.fields["temperature"]
    np.testing.assert_allclose(warmer, 1, rtol=1e-4)
    with pytest.raises(InputDataError, match="1959-01-02T12"):
        sources.check((times[1] + 6 * HOUR,))


def test_what_avoids_an_error_is_said():
    config = ForecastConfig(sst="prescribed", lead="10d")
    with pytest.raises(InputDataError) as caught:
        DataSources(config, TinyModel()).analysis(None)
    assert "--sst persist or --sst climatology" in caught.value.hint
    config = AmipConfig(years=60, start="1982-01-01")
    with pytest.raises(InputDataError) as caught:
        DataSources(config, TinyModel()).forcing(config.start)
    assert "Or use --sst-climatology." in caught.value.hint


def own_output(path, **record):
    """A state as a forecast of ngcm writes it, without its sea."""
    with xr.open_dataset(SAMPLE) as sample:
        air = sample.drop_vars(["sea_surface_temperature", "sea_ice_cover"]).load()
    air.attrs["ngcm_run"] = json.dumps(record)
    air.to_netcdf(path)
    return str(path)


@pytest.mark.parametrize(
    "settings, flags, source",
    [
        ({}, {}, SAMPLE),
        ({"init": "2020-08-22"}, {}, "arco"),
        ({"data": "a.nc"}, {}, "a.nc"),
        ({"data": "a.nc", "sst_data": "b.nc"}, {}, "b.nc"),
        ({"sst_data": "b.nc"}, {"sst_data": "mine.nc"}, "mine.nc"),
        ({"sst_data": "b.nc"}, {"sst": "climatology"}, None),
        ({"sst_offset": "2.0"}, {}, None),
        ({"sst_offset": "2.0", "data": "a.nc"}, {"sst_offset": 2}, "a.nc"),
        ({"data": "https://example.org/a.nc"}, {}, None),  # a file names no server
        ({"init": "yesterday"}, {}, None),
        ({"sst_offset": [1]}, {}, None),
    ],
)
def test_a_forecast_goes_on_with_the_sea_of_its_data(tmp_path, settings, flags, source):
    settings = {"init": "1959-01-02T00", "sst_offset": "0.0", **settings}
    path = own_output(tmp_path / "own.nc", command="forecast", settings=settings)
    config = with_sea_of_run(ForecastConfig(data=path, **flags))
    assert config.sst_data == source


@pytest.mark.parametrize("record", ["[" * 10**5, "{", "[]", '{"settings": 1}'])
def test_a_damaged_record_of_a_run(tmp_path, record):
    path = own_output(tmp_path / "own.nc")
    with netCDF4.Dataset(path, "a") as file:
        file.ngcm_run = record
    assert with_sea_of_run(ForecastConfig(data=path)).sst_data is None


def test_data_with_a_sea_of_their_own_keep_it():
    assert with_sea_of_run(ForecastConfig(data=SAMPLE)).sst_data is None
