"""What is checked before a run begins, and what it is told to write."""

import pathlib
import shutil
import threading
import types

import jax
import numpy as np
import pytest
from runs import AMIP, ENSEMBLE, FORECAST, read

from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.inputs.sources import bundled
from ngcm_cli.io import compilation_cache
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.simulation import run, setup, simulation
from ngcm_cli.simulation.data_sources import DataSources, read_sample
from ngcm_cli.simulation.setup import set_up
from ngcm_cli.simulation.summary import summarize
from ngcm_cli.testing import TinyModel

INIT = bundled.SAMPLE_TIME
FIELDS = "temperature", "u_component_of_wind", "v_component_of_wind"


def test_defaults(tiny, tmp_path):
    simulation = set_up(ForecastConfig())
    assert simulation.paths.output.name == "tiny_1959-01-02T00.zarr"
    assert simulation.variables == FIELDS
    (schedule,) = simulation.schedules
    assert (schedule.init, schedule.windows) == (INIT, 41)
    assert simulation.keys(0, 0) is None and simulation.members == (0,)
    simulation = set_up(EnsembleConfig())
    assert simulation.paths.output.name == "tiny_1959-01-02T00_ensemble.zarr"
    assert simulation.members == tuple(range(10)) and simulation.keys(0, 3) == 3
    simulation = set_up(AmipConfig(days=4, start="2019-12-30"))
    assert simulation.paths.output.name == "tiny_amip_2019-12-30T00"
    assert not list(tmp_path.iterdir())  # nothing is written


@pytest.mark.parametrize("suffix", [".zarr", ".nc"])
def test_a_regular_grid(tiny, tmp_path, suffix):
    settings = {"lead": "6h", "variables": "t,sp", "levels": "850", "grid": 30}
    path = run.forecast(**settings, output=tmp_path / f"out{suffix}")
    import xarray as xr

    with xr.open_dataset(path, decode_timedelta=True) as ds:
        if suffix == ".zarr":
            ds = ds.isel(init_time=0).rename(lead_time="time")
        assert dict(ds.sizes) == {
            "time": 2,
            "level": 1,
            "latitude": 7,
            "longitude": 12,
        }
        grid = OutputGrid.regular(tiny.model.grid, 30)
        sample = read_sample(tiny.model)
        expected = grid.regrid(sample.fields["temperature"][-1]).T
        np.testing.assert_allclose(ds["temperature"][0, 0], expected, rtol=1e-6)
        assert ds.attrs["longitude_nodes"] == 12
        assert ds.attrs["native_longitude_nodes"] == 8
        assert " --grid 30 " in ds.attrs["history"]


def test_regridding_does_not_delay_the_model(tiny, tmp_path, monkeypatch):
    threads, regrid = [], OutputGrid.regrid

    def watch(self, field):
        threads.append(threading.current_thread().name)
        return regrid(self, field)

    monkeypatch.setattr(OutputGrid, "regrid", watch)
    FORECAST.start(tmp_path, lead="6h", variables="t", grid=30)
    assert threads == ["ngcm-output_0"] * 2


def test_surface_fields_alone_have_no_level(tiny, tmp_path):
    ds = read(FORECAST.start(tmp_path, variables="surface_air_pressure", levels=None))
    assert list(ds.data_vars) == ["surface_pressure"]
    assert "level" not in ds.variables
    assert ds["surface_pressure"].dims == (
        *("init_time", "lead_time", "latitude", "longitude"),
    )


def test_sigma_levels(tiny, tmp_path):
    simulation = set_up(ForecastConfig(levels="model", lead="6h"))
    assert simulation.levels == "model"
    (stream,) = simulation.all_streams
    np.testing.assert_allclose(stream.fields.levels, simulation.sigma)


def test_provenance(tiny, tmp_path):
    ds = read(FORECAST.start(tmp_path))
    attributes = ds.attrs
    assert attributes["title"] == "Forecast by tiny from 1959-01-02T00"
    assert "weights SHA-256 0123456789abcdef" in attributes["source"]
    command = "Z: ngcm forecast --seed 7 --variables temperature,surface_pressure "
    assert command in attributes["history"]
    assert attributes["references"].startswith("https://doi.org/10.1038/")
    assert attributes["license"] == "CC0-1.0"
    assert attributes["device"] == "cpu"
    assert attributes["matmul_precision"] == "default"
    assert attributes["deterministic_operations"] == "yes"
    assert attributes["float64"] == "disabled"
    assert "the bundled ERA5 state" in attributes["data_source"]
    assert "Regridded conservatively" in attributes["notes"]
    assert attributes["seed"] == 7
    assert attributes["jax_version"] == jax.__version__
    for key in ("ngcm", "jaxlib", "equinox", "python"):
        assert attributes[f"{key}_version"]
    assert attributes["device"] == "cpu"


@pytest.mark.parametrize(
    "data, output",
    [
        ("p.zarr", "p.zarr"),
        ("p.partial.zarr", "p.nc"),
        ("p.zarr", "p.zarr/in.zarr"),
        ("p.zarr/in.zarr", "p.zarr"),
        ("link.zarr", "p.zarr"),
        ("p.zarr", "link.zarr"),
        ("folder/../p.zarr", "p.zarr"),
        ("linked/p.zarr", "folder/p.zarr"),
    ],
)
def test_the_data_are_never_overwritten(tiny, tmp_path, data, output):
    for name in ("p.zarr", "p.partial.zarr", "folder/p.zarr"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "zarr.json").touch()
    (tmp_path / "link.zarr").symlink_to("p.zarr")
    (tmp_path / "linked").symlink_to("folder")
    with pytest.raises(ConfigError, match="would overwrite the data"):
        run.forecast(data=data, output=output, overwrite=True, lead="6h")
    assert (tmp_path / "p.zarr/zarr.json").exists()


def test_data_under_another_name_of_the_output(tiny, tmp_path):
    (tmp_path / "data.nc").touch()
    (tmp_path / "out.nc").hardlink_to(tmp_path / "data.nc")
    with pytest.raises(ConfigError, match="would overwrite the data"):
        run.forecast(data="data.nc", output="out.nc", overwrite=True)


def test_the_bundled_data_are_never_overwritten(tiny):
    with pytest.raises(ConfigError, match="would overwrite the data, era5_tl31"):
        run.forecast(output=bundled.sample_path(), overwrite=True)
    with pytest.raises(ConfigError, match="would overwrite the data"):
        run.amip(days=1, output=pathlib.Path(bundled.sample_path()).parent)


def test_the_nearest_time_is_named(tiny, monkeypatch):
    with pytest.raises(ConfigError, match="The nearest time that is: 1959-01-02T01."):
        set_up(ForecastConfig(init="1959-01-02T00:40:05"))
    with pytest.raises(ConfigError, match="init 1959-01-02T00:20:05 .* 1959-01-02T00."):
        set_up(ForecastConfig(init="1959-01-02T00:20:05"))
    late = types.SimpleNamespace(time=INIT + np.timedelta64(90, "s"))
    monkeypatch.setattr(DataSources, "analysis", lambda *_: late)
    with pytest.raises(ConfigError, match="The time of the data 1959-01-02T00:01:30"):
        set_up(ForecastConfig())


@pytest.mark.parametrize("name, copies", [("out.zarr", 1), ("out.nc", 2)])
def test_a_disk_that_is_too_small(tiny, monkeypatch, name, copies):
    least = copies * 41 * 3 * 3 * 8 * 4 * 4 / 3

    def free(count):
        usage = types.SimpleNamespace(free=count)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    free(least)
    set_up(ForecastConfig(output=name))
    free(least - 1)
    with pytest.raises(OutputError, match="The output takes at least .* kB left"):
        set_up(ForecastConfig(output=name))


def test_members_that_are_added_need_less_space(tiny, tmp_path, monkeypatch):
    ENSEMBLE.start(tmp_path, members=4)
    settings = {**ENSEMBLE.settings, "output": ENSEMBLE.output, "batch": None}
    need = []
    monkeypatch.setattr(
        "ngcm_cli.output.run_paths.RunPaths.check_space",
        lambda self, size, what: need.append(size),
    )
    set_up(EnsembleConfig(**{**settings, "members": "4:5"}))
    set_up(EnsembleConfig(**{**settings, "members": 5, "output": "other.zarr"}))
    np.testing.assert_allclose(need[0], need[1] / 5)


@pytest.mark.parametrize(
    "settings, kind, sentence",
    [
        ({"every": "90m", "lead": "3h"}, ConfigError, "not a multiple of the step of"),
        ({"init": "1959-01-02T00:30"}, ConfigError, "not a whole number of steps"),
        ({"variables": "temprature"}, ConfigError, "Did you mean 'temperature'"),
        ({"variables": "surface_presure"}, ConfigError, "Did you mean 'surface_press"),
        (
            {"variables": "sp", "levels": "500"},
            ConfigError,
            "levels are given, but surface_pressure has none. Leave out --levels,",
        ),
        ({"variables": "sp,t", "levels": "501"}, ConfigError, "no level 501 hPa"),
        ({"levels": "500,849"}, ConfigError, "no level 849 hPa. The nearest is 850"),
        ({"output": "out.grib"}, ConfigError, "no known format"),
        ({"output": "no/where/out.zarr"}, OutputError, "does not exist"),
        ({"data": "x.nc", "output": "x.nc"}, ConfigError, "overwrite the data"),
    ],
)
def test_bad_input_fails_before_the_model_runs(
    tiny, monkeypatch, settings, kind, sentence
):
    monkeypatch.setattr(TinyModel, "encode", None)
    with pytest.raises(kind, match=sentence):
        run.forecast(**settings)


def test_times_that_are_not_in_the_data(tiny, monkeypatch):
    monkeypatch.setattr(setup, "DataSources", DataSources)
    with pytest.raises(InputDataError, match="1959-01-02"):
        set_up(ForecastConfig(init="1960-01-02", data=str(bundled.sample_path())))


@pytest.mark.parametrize("settings", [{"days": 1}, {"days": 1, "every": "6h"}])
def test_samples_must_be_whole_steps(tiny, settings):
    tiny.change(step_seconds=5 * 3600)
    with pytest.raises(ConfigError, match="sample 6h is not a multiple of the step"):
        set_up(AmipConfig(**settings))


def test_members_of_a_deterministic_model(tiny):
    tiny.change(stochastic=False)
    with pytest.raises(ConfigError, match="All members of tiny are the same"):
        set_up(EnsembleConfig())
    with pytest.raises(ConfigError, match="All members of tiny are the same"):
        set_up(ForecastConfig(member=3))


@pytest.mark.parametrize(
    "verb, settings", [(run.forecast, {}), (run.ensemble, {}), (run.amip, {"days": 1})]
)
def test_the_output_is_checked_before_the_model_is_loaded(
    tiny, tmp_path, monkeypatch, verb, settings
):
    monkeypatch.setattr(setup, "open_model", None)
    with pytest.raises(OutputError, match="does not exist"):
        verb(output="no/where/out.zarr", **settings)
    (tmp_path / "there.zarr").touch()
    with pytest.raises(OutputError, match="exists"):
        verb(output="there.zarr", **settings)


def test_amip_writes_what_has_a_mean(tiny):
    simulation = set_up(AmipConfig(days=4, start="2019-12-30"))
    assert "P_minus_E_rate" in simulation.variables
    assert "P_minus_E_cumulative" not in simulation.variables
    with pytest.raises(ConfigError, match="P_minus_E_cumulative"):
        set_up(AmipConfig(days=1, variables="P_minus_E_cumulative"))


STEP = "mean (interval: 1 hour comment: the physics step that ends then)"


@pytest.mark.parametrize(
    ("config", "path", "methods"),
    [
        (
            ForecastConfig(lead="6h", variables="P_minus_E_rate"),
            "",
            f"lead_time: {STEP}",
        ),
        (
            AmipConfig(days=1, every="6h", variables="P_minus_E_rate"),
            "instantaneous.zarr",
            f"time: {STEP}",
        ),
        (AmipConfig(days=1, variables="P_minus_E_rate"), "monthly.zarr", "time: mean"),
    ],
    ids=["forecast", "instants", "means"],
)
def test_a_rate_says_what_it_is_the_mean_of(tiny, config, path, methods):
    streams = {stream.path: stream for stream in set_up(config).all_streams}
    rate = streams[path].schema.variables["P_minus_E_rate"]
    assert rate.attributes["cell_methods"] == methods
    assert rate.attributes["standard_name"] == "surface_downward_water_flux"


def test_the_summary(tiny):
    config = ForecastConfig(levels="500,850")
    text = summarize(set_up(config))
    for expected in (
        "tiny, weights 0123456789ab, CC0-1.0",
        "seed 0",
        "the bundled ERA5 state",
        "1959-01-02T00 to 1959-01-12T00, 10d every 6h: 41 lead times",
        "temperature",
        "8 x 4 Gaussian (45 degrees)",
        "2 of 3 levels, 500 to 850 hPa",
        "tiny_1959-01-02T00.zarr",
        "31.5 kB, about 24.2 kB compressed, in about 139 files",
    ):
        assert expected in text
    assert "extrapolated" not in text
    assert "at the surface only" in summarize(set_up(ForecastConfig(variables="sp")))
    text = summarize(set_up(EnsembleConfig(batch=5, statistics="mean,p90")))
    assert "members 0 to 9, 5 at once" in text
    assert "mean, p90 over all members" in text
    noise = {"perturb": "gaussian", "batch": 5}
    for amplitude, said in (
        ("0.5K", "perturbed by gaussian noise of 0.5 K and 50 Pa"),
        ("1000:1K,300:0.5K", "noise of 300:0.5,1000:1 (hPa:K) and 50 Pa"),
    ):
        text = summarize(set_up(EnsembleConfig(**noise, amplitude=amplitude)))
        assert said in " ".join(text.split())
    text = summarize(
        set_up(AmipConfig(**{**AMIP.settings, "output": pathlib.Path("here")}))
    )
    for expected in ("4d", "a restart file every 1d", "monthly and daily means of"):
        assert expected in text


@pytest.mark.parametrize(
    "asked, kelvins",
    # On sigma levels at 167, 500 and 833 hPa.
    [("0.3K", 0.3), ("1000:1,500:0.5", [0.5, 0.5, 5 / 6])],
)
def test_amplitudes_reach_the_levels_of_the_model(tiny, monkeypatch, asked, kelvins):
    given = []
    monkeypatch.setattr(simulation, "NeuralGCM", TinyModel)
    monkeypatch.setattr(
        simulation, "perturb_initial_state", lambda *args: given.extend(args)
    )
    noise = {"perturb": "gaussian", "amplitude": asked, "pressure_amplitude": "1hPa"}
    set_up(EnsembleConfig(**noise, batch=5)).initial_state(0, 1)
    assert given[3] == "gaussian" and given[5] == 100
    np.testing.assert_allclose(given[4], kelvins, rtol=1e-5)


def test_the_spread_of_one_member_is_refused(tiny):
    for statistics in ("std", "mean"):
        settings = {"members": 1, "statistics": statistics}
        set_up(EnsembleConfig(**settings, ddof=0))
        if statistics == "std":
            with pytest.raises(ConfigError, match="of one member is not defined"):
                set_up(EnsembleConfig(**settings))
        else:
            set_up(EnsembleConfig(**settings))


def test_levels_above_the_model_are_named(tiny, tmp_path):
    tiny.model = TinyModel(levels=(100.0, 500.0, 850.0))  # its highest level: 167 hPa
    text = summarize(set_up(ForecastConfig()))
    assert "100 hPa: above the highest level of the model, at about 167 hPa" in text
    level = read(FORECAST.start(tmp_path, levels=None))["level"]
    assert level.attrs["highest_model_level"] == 166.667
    assert level.attrs["comment"].startswith("100 hPa: above")
    assert "extrapolated" not in summarize(set_up(ForecastConfig(levels="model")))


@pytest.fixture
def jax_settings():
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
    )
    before = {name: jax.config.values[name] for name in names}
    yield names
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.parametrize(
    "given, expected",
    [
        ((None, 1.0), ("home/compiled", 0.0)),
        ((None, 5.0), ("home/compiled", 5.0)),
        (("given", 1.0), ("given", 1.0)),
    ],
)
def test_settings_of_jax_are_left_alone(jax_settings, monkeypatch, given, expected):
    monkeypatch.setenv("NGCM_HOME", "home")
    for name, value in zip(jax_settings, given, strict=True):
        jax.config.update(name, value)
    compilation_cache.enable_compilation_cache()
    assert tuple(jax.config.values[name] for name in jax_settings) == expected
