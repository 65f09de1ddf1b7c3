"""The whole pipeline with a model that adds one per step, and what goes wrong in it."""

import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import types

import cf_xarray  # noqa: F401
import jax
import numpy as np
import pytest
import xarray as xr

from ngcm_cli import origin
from ngcm_cli import plan as plan_module
from ngcm_cli.compiled import keep_compiled
from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import ConfigError, InputDataError, OutputError, UnstableRunError
from ngcm_cli.forcing.run_inputs import RunInputs
from ngcm_cli.forcing.surface_forcing import SurfaceForcing
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.output import store as store_module
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.plan import plan_forecast
from ngcm_cli.run import forecast
from ngcm_cli.spectral.grid import Grid
from ngcm_cli.zoo import bundled_folder

LEVELS = (200.0, 500.0, 850.0)
NAMES = ("temperature", "u_component_of_wind", "v_component_of_wind")
INIT = np.datetime64("1959-01-02T00", "s")
CARD = types.SimpleNamespace(
    name="adder",
    weights=types.SimpleNamespace(sha256="0123456789abcdef" * 4),
    licence="CC0-1.0",
    paper="https://doi.org/10.1038/s41586-024-07744-y",
)


class Adder:
    """Adds one to every value in every step; the seed is the first addition.

    What it can tell of the surface is its lowest temperature.
    """

    name = "adder"
    grid = Grid.linear(3)
    levels = LEVELS
    time_step = np.timedelta64(3600, "s")
    input_variables = NAMES
    land_fraction = None
    forcing_variables = ("sea_surface_temperature",)
    output_variables = (*NAMES, "surface_pressure", "mean_sea_level_pressure")
    default_outputs = NAMES
    nan_at = None
    pause = 0.0

    def encode(self, fields, forcing, time, key):
        assert set(forcing.select(0)) == {"sea_surface_temperature"}
        assert time == INIT
        seed = int(jax.random.key_data(key)[-1])
        return 0, {name: x + seed for name, x in fields.items()}

    def advance(self, state, forcing, steps=1):
        time.sleep(self.pause)
        step, fields = state
        return step + steps, {name: x + np.float32(steps) for name, x in fields.items()}

    def decode(self, state, variables=None):
        step, fields = state
        if self.nan_at is not None and step >= self.nan_at:
            fields = {**fields, "temperature": fields["temperature"] * np.nan}
        return {
            name: fields[name] if name in NAMES else fields["temperature"][-1:]
            for name in variables or NAMES
        }


def initial_fields():
    shape = (len(LEVELS), *Adder.grid.nodal_shape)
    x = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return {"temperature": x, "u_component_of_wind": -x, "v_component_of_wind": 0 * x}


def read_inputs(request, forcing, needs, progress):
    if request.init_time not in (None, INIT):
        message = f"{request.data} has no {request.init_time}."
        raise InputDataError(message, "It has 1959-01-02T00.")
    assert needs == ModelInputs(Adder.grid, LEVELS, NAMES)
    sst = np.full((1, 1, *Adder.grid.nodal_shape), 290.0, np.float32)
    sea = SurfaceForcing(np.array([INIT]), {"sea_surface_temperature": sst}, ())
    return RunInputs(Analysis(INIT, initial_fields(), ("Made up.",)), sea)


def use_the_adder(monkeypatch, tmp_path):
    model = Adder()
    monkeypatch.setattr(plan_module, "open_model", lambda name, **how: (CARD, model))
    monkeypatch.setattr(origin.run_inputs, "read_inputs", read_inputs)
    monkeypatch.chdir(tmp_path)
    return model


@pytest.fixture
def adder(monkeypatch, tmp_path):
    return use_the_adder(monkeypatch, tmp_path)


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_forecast_writes_what_is_expected(adder, name):
    path = forecast(
        data="made.nc",
        lead="12h",
        every="6h",
        seed=5,
        variables="t,u_component_of_wind",
        levels="850,500",
        output=name,
    )
    assert path == pathlib.Path(name)
    ds = xr.open_zarr(path) if name == "out.zarr" else xr.open_dataset(path)
    hours = np.array([0, 6, 12], "timedelta64[h]").astype("timedelta64[ns]")
    x = initial_fields()["temperature"][1:].transpose(0, 2, 1)
    added = 5 + np.array([0, 6, 12], np.float32)[None, :, None, None, None]
    dims = ("init_time", "lead_time", "level", "latitude", "longitude")
    init = INIT.astype("datetime64[ns]")
    expected = xr.Dataset(
        {
            "temperature": (dims, x + added),
            "u_component_of_wind": (dims, -x + added),
        },
        {
            "init_time": [init],
            "lead_time": hours,
            "valid_time": (dims[:2], [init + hours]),
            "level": [500, 850],
            "latitude": np.rad2deg(Adder.grid.latitude),
            "longitude": np.arange(8) * 45.0,
        },
    )
    with ds:
        xr.testing.assert_allclose(ds.load(), expected, rtol=1e-12)
        for variable in ("temperature", "u_component_of_wind"):
            np.testing.assert_array_equal(ds[variable], expected[variable])


SURFACE_DIMS = ("init_time", "lead_time", "latitude", "longitude")


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_surface_fields_beside_those_on_levels(adder, name):
    forecast(lead="6h", variables="ps,t", levels="500", output=name)
    with xr.open_dataset(name, decode_timedelta=True) as ds:
        assert list(ds.data_vars) in (
            ["surface_pressure", "temperature"],
            ["temperature", "surface_pressure"],  # a store lists its arrays as it likes
        )
        assert ds["surface_pressure"].dims == SURFACE_DIMS
        x = initial_fields()["temperature"][-1].T
        np.testing.assert_array_equal(ds["surface_pressure"][0], [x, x + 6])
        assert list(ds["level"].values) == [500]
        assert ds["temperature"].sizes["level"] == 1
        assert ds.cf["surface_air_pressure"].attrs["units"] == "Pa"


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_surface_fields_alone_have_no_level(adder, name):
    forecast(lead="6h", variables="msl,surface_air_pressure", output=name)
    with xr.open_dataset(name, decode_timedelta=True) as ds:
        assert set(ds.data_vars) == {"mean_sea_level_pressure", "surface_pressure"}
        assert "level" not in ds.variables and "level" not in ds.dims
        assert ds["mean_sea_level_pressure"].dims == SURFACE_DIMS
        assert "Z" not in ds.cf.axes
        assert ds.cf["air_pressure_at_mean_sea_level"].attrs["units"] == "Pa"


@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_forecast_on_a_regular_grid(adder, name):
    forecast(
        data="made.nc", lead="6h", variables="t,sp", levels="850", grid=30, output=name
    )
    regridded = OutputGrid.regular(Adder.grid, 30).regrid
    with xr.open_dataset(name, decode_timedelta=True) as ds:
        assert dict(ds.sizes) == {
            "init_time": 1,
            "lead_time": 2,
            "level": 1,
            "latitude": 7,
            "longitude": 12,
        }
        np.testing.assert_array_equal(ds["longitude"], 30 * np.arange(12))
        np.testing.assert_array_equal(ds["latitude"], 30 * np.arange(7) - 90)
        x = initial_fields()["temperature"][-1]
        for lead, added in enumerate((0, 6)):
            expected = regridded(x + np.float32(added)).T
            np.testing.assert_array_equal(ds["temperature"][0, lead, 0], expected)
            np.testing.assert_array_equal(ds["surface_pressure"][0, lead], expected)
        assert ds.attrs["longitude_nodes"] == 12
        assert ds.attrs["latitude_nodes"] == 7
        assert ds.attrs["latitude_spacing"] == "equiangular_with_poles"
        assert ds.attrs["native_longitude_nodes"] == 8
        assert ds.attrs["native_latitude_spacing"] == "gauss"
        assert "longitude_wavenumbers" not in ds.attrs
        assert " --grid 30 " in ds.attrs["history"]


def test_a_forecast_is_regridded_where_it_is_written(adder, monkeypatch):
    """Beside the model, not before its next step."""
    threads, regrid = [], OutputGrid.regrid

    def watch(self, field):
        threads.append(threading.current_thread().name)
        return regrid(self, field)

    monkeypatch.setattr(OutputGrid, "regrid", watch)
    forecast(lead="6h", variables="t", grid=30, output="out.zarr")
    assert threads == ["ngcm-store_0"] * 2


def test_only_what_is_written_is_decoded(adder, monkeypatch):
    asked, decode = [], adder.decode

    def watch(state, variables):
        asked.append(variables)
        return decode(state, variables)

    monkeypatch.setattr(adder, "decode", watch, raising=False)
    forecast(lead="6h", variables="psl", output="out.zarr")
    assert asked == [("mean_sea_level_pressure",)] * 2
    asked.clear()
    forecast(lead="0h", output="all.zarr")
    assert asked == [NAMES]


def test_provenance(adder):
    path = forecast(data="made.nc", lead="6h", seed=5)
    assert path == pathlib.Path("adder_1959-01-02T00.zarr")
    with xr.open_zarr(path) as ds:
        attributes = ds.attrs
    assert attributes["title"] == "Forecast by adder from 1959-01-02T00"
    assert CARD.weights.sha256 in attributes["source"]
    assert attributes["history"].endswith(
        "Z: ngcm forecast --data made.nc --seed 5 --lead 6h"
    )
    assert attributes["references"] == CARD.paper
    assert attributes["license"] == "CC0-1.0"
    assert attributes["data_source"] == "made.nc"
    assert attributes["notes"] == "Made up."
    assert attributes["seed"] == 5
    assert attributes["jax_version"] == jax.__version__
    for key in ("ngcm", "jaxlib", "equinox", "python"):
        assert attributes[f"{key}_version"]
    assert attributes["device"] == "cpu"


def test_lead_zero_is_the_state_encoded_and_decoded(adder):
    with xr.open_zarr(forecast(lead="0h", output="out.zarr")) as ds:
        assert ds.sizes["lead_time"] == 1


def test_the_sample_is_the_default(adder):
    plan = plan_forecast(ForecastConfig())
    assert pathlib.Path(origin.path(plan.config)).name == "era5_tl31_1959-01-02T00.nc"
    assert "the bundled ERA5 state" in plan.layout.attributes["data_source"]
    assert plan.layout.count == 41
    assert plan.layout.bytes_per_lead == 3 * 3 * 8 * 4 * 4


def test_a_plan_writes_nothing(adder, tmp_path):
    assert plan_forecast(ForecastConfig()).output.name == "adder_1959-01-02T00.zarr"
    assert not list(tmp_path.iterdir())


def test_a_forecast_does_forecast(adder):
    with pytest.raises(ConfigError, match="Unknown setting 'dry_run'"):
        forecast(dry_run=True)


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
def test_the_data_are_never_overwritten(adder, tmp_path, data, output):
    for name in ("p.zarr", "p.partial.zarr", "folder/p.zarr"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "zarr.json").touch()
    (tmp_path / "link.zarr").symlink_to("p.zarr")
    (tmp_path / "linked").symlink_to("folder")
    with pytest.raises(ConfigError, match="would write over the data"):
        forecast(data=data, output=output, overwrite=True, lead="6h")
    assert (tmp_path / "p.zarr/zarr.json").exists()


def test_data_under_another_name_of_the_output(adder, tmp_path):
    (tmp_path / "data.nc").touch()
    (tmp_path / "out.nc").hardlink_to(tmp_path / "data.nc")
    with pytest.raises(ConfigError, match="would write over the data"):
        forecast(data="data.nc", output="out.nc", overwrite=True)


def test_the_sample_is_never_overwritten(adder):
    sample = bundled_folder() / origin.SAMPLE
    with pytest.raises(ConfigError, match="would write over the data, era5_tl31"):
        forecast(output=sample, overwrite=True)


def test_what_is_not_in_the_sample(adder):
    with pytest.raises(InputDataError, match=r"arco has no .* It has \S+$"):
        plan_forecast(ForecastConfig(init="1960-01-02"))
    with pytest.raises(InputDataError, match=r"made.nc has no .* It has \S+$"):
        plan_forecast(ForecastConfig(init="1960-01-02", data="made.nc"))


def test_the_nearest_time_is_named(adder, monkeypatch):
    with pytest.raises(ConfigError, match="The nearest time that is: 1959-01-02T01."):
        forecast(init="1959-01-02T00:40:05")
    with pytest.raises(ConfigError, match="init 1959-01-02T00:20:05 .* 1959-01-02T00."):
        forecast(init="1959-01-02T00:20:05")
    sea = SurfaceForcing(np.array([INIT]), {}, ())
    state = RunInputs(Analysis(INIT + np.timedelta64(90, "s"), {}, ()), sea)
    monkeypatch.setattr(origin.run_inputs, "read_inputs", lambda *args: state)
    with pytest.raises(ConfigError, match="The time of the data, 1959-01-02T00:01:30,"):
        forecast(data="made.nc")


@pytest.mark.parametrize("name, copies", [("out.zarr", 1), ("out.nc", 2)])
def test_a_disk_that_is_too_small(adder, monkeypatch, name, copies):
    least = copies * 41 * 3 * 3 * 8 * 4 * 4 / 3

    def free(count):
        usage = types.SimpleNamespace(free=count)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    free(least)
    plan_forecast(ForecastConfig(output=name))
    free(least - 1)
    with pytest.raises(OutputError, match="The forecast takes at least .* kB left"):
        plan_forecast(ForecastConfig(output=name))


def test_output_is_checked_before_the_model_and_before_writing(adder, monkeypatch):
    checks = []
    for module in (plan_module, store_module):
        monkeypatch.setattr(module, "check_output", lambda *args: checks.append(args))
    forecast(lead="0h", output="out.zarr")
    forecast(lead="0h")
    assert len(checks) == 4


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
    "theirs, expected",
    [
        ((None, 1.0), ("home/compiled", 0.0)),
        ((None, 5.0), ("home/compiled", 5.0)),
        (("theirs", 1.0), ("theirs", 1.0)),
    ],
)
def test_settings_of_jax_are_left_alone(jax_settings, monkeypatch, theirs, expected):
    monkeypatch.setenv("NGCM_HOME", "home")
    for name, value in zip(jax_settings, theirs, strict=True):
        jax.config.update(name, value)
    keep_compiled()
    assert tuple(jax.config.values[name] for name in jax_settings) == expected


def test_plan_in_words(adder):
    words = plan_forecast(ForecastConfig(levels="500,850", data="made.nc")).describe()
    for expected in (
        "adder, weights 0123456789ab, CC0-1.0",
        "seed 0",
        "made.nc",
        "Made up.",
        "1959-01-02T00 to 1959-01-12T00, 10d every 6h: 41 lead times",
        "temperature",
        "8 x 4 Gaussian (45 degrees)",
        "2 of 3 levels, 500 to 850 hPa",
        "adder_1959-01-02T00.zarr",
        "768 B per lead time, 31.5 kB in all; about 24.2 kB compressed, in 126 files",
    ):
        assert expected in words


def test_plan_in_words_on_a_regular_grid(adder):
    plan = plan_forecast(ForecastConfig(variables="t", levels="500", grid="1.5"))
    words = plan.describe()
    assert "240 x 121 regular with poles (1.5 degrees),\n" in words
    assert "by conservative regridding from 8 x 4 Gaussian (45 degrees)\n" in words
    assert plan.layout.bytes_per_lead == 240 * 121 * 4


def test_plan_in_words_without_levels(adder):
    plan = plan_forecast(ForecastConfig(variables="sp", data="made.nc", lead="6h"))
    words = plan.describe()
    assert "at the surface only" in words and "levels" not in words
    assert "128 B per lead time, 256 B in all; " in words and "in 3 files" in words
    plan = plan_forecast(ForecastConfig(variables="sp,t", data="made.nc", levels="500"))
    assert "1 of 3 levels, 500 to 500 hPa" in plan.describe()
    assert plan.layout.bytes_per_lead == 2 * 8 * 4 * 4


def test_track_sees_every_chunk_with_the_plan(adder):
    seen = []

    def track(chunks, plan):
        for chunk in chunks:
            seen.append((plan.valid_time(chunk), plan.lead_time(chunk)))
            yield chunk

    forecast(lead="12h", output="out.zarr", track=track)
    hours = [np.timedelta64(h, "h") for h in (0, 6, 12)]
    assert seen == [(INIT + h, h) for h in hours]


@pytest.mark.parametrize(
    "settings, kind, sentence",
    [
        ({"every": "90m", "lead": "3h"}, ConfigError, "not a multiple of the step of"),
        ({"init": "1959-01-02T00:30"}, ConfigError, "not a whole number of steps"),
        ({"init": "1960-01-02"}, InputDataError, "It has 1959-01-02T00."),
        ({"variables": "temprature"}, ConfigError, "Did you mean 'temperature'"),
        ({"variables": "geopotential"}, ConfigError, "does not predict"),
        ({"variables": "tcwv"}, ConfigError, "does not predict 'tcwv'"),
        (
            {"variables": "surface_presure"},
            ConfigError,
            "Did you mean 'surface_pressure'",
        ),
        (
            {"variables": "msl", "levels": "500"},
            ConfigError,
            "levels are given, but mean_sea_level_pressure is at the surface. Leave",
        ),
        (
            {"variables": "sp,msl", "levels": "500"},
            ConfigError,
            "but surface_pressure, mean_sea_level_pressure are at the surface",
        ),
        ({"variables": "sp,t", "levels": "501"}, ConfigError, "no level 501 hPa"),
        ({"levels": "500,849"}, ConfigError, "no level 849 hPa. The nearest is 850"),
        ({"output": "out.grib"}, ConfigError, "no known format"),
        ({"output": "no/where/out.zarr"}, OutputError, "does not exist"),
        ({"data": "x.nc", "output": "x.nc"}, ConfigError, "write over the data"),
    ],
)
def test_bad_input_fails_before_the_model_runs(
    adder, monkeypatch, settings, kind, sentence
):
    monkeypatch.setattr(adder, "encode", None, raising=False)
    with pytest.raises(kind, match=sentence):
        forecast(**settings)


def test_bad_output_fails_before_the_model_loads(adder, monkeypatch):
    monkeypatch.setattr(plan_module, "open_model", None)
    with pytest.raises(OutputError, match="does not exist"):
        forecast(output="no/where/out.zarr")


def test_config_and_keywords_together_are_a_mistake(adder):
    with pytest.raises(TypeError, match="not both"):
        forecast(ForecastConfig(), lead="5d")


def test_unstable_run_keeps_what_is_finite(adder):
    adder.nan_at = 12
    with pytest.raises(UnstableRunError, match="temperature") as caught:
        forecast(lead="1d", output="out.zarr")
    assert caught.value.__notes__ == [
        "out.zarr holds 2 of 5 lead times, through 1959-01-02T06:00, "
        "and opens as it is."
    ]
    with xr.open_zarr("out.zarr") as ds:
        assert ds.attrs["status"] == "failed"
        assert ds["temperature"][0, :2].notnull().all()
        assert ds["temperature"][0, 2:].isnull().all()


def test_unstable_run_of_surface_fields_keeps_what_is_finite(adder):
    adder.nan_at = 12
    sentence = "unstable: surface_pressure is not finite 12 hours after"
    with pytest.raises(UnstableRunError, match=sentence):
        forecast(lead="1d", variables="ps", output="out.zarr")
    with xr.open_zarr("out.zarr") as ds:
        assert ds.attrs["status"] == "failed"
        assert ds["surface_pressure"][0, :2].notnull().all()
        assert ds["surface_pressure"][0, 2:].isnull().all()


def test_memory_does_not_grow_with_lead_time(adder):
    """However long the run, only a few lead times are alive at a time."""
    alive, most = [], 0
    lock = threading.Lock()

    class Counted(np.ndarray):
        def __del__(self):
            with lock:
                alive.pop()

    def advance(state, forcing, steps=1):
        nonlocal most
        step, fields = state
        fresh = {}
        for name, x in fields.items():
            fresh[name] = np.array(x).view(Counted)
            with lock:
                alive.append(name)
        most = max(most, len(alive))
        return step + steps, fresh

    adder.advance = advance
    forecast(lead="50d", output="out.zarr")
    assert len(NAMES) <= most <= 6 * len(NAMES)  # of 201 × 3


COMMAND = """
    import sys
    sys.path.insert(0, {tests!r})
    import pathlib, pytest, test_run
    with pytest.MonkeyPatch.context() as monkeypatch:
        model = test_run.use_the_adder(monkeypatch, pathlib.Path({folder!r}))
        model.pause = 0.05
        sys.argv = ["ngcm", "forecast", "--lead", "100d", "--output", "out.zarr"]
        from ngcm_cli.cli import main
        main()
"""


def start(tmp_path):
    tests = str(pathlib.Path(__file__).parent)
    code = textwrap.dedent(COMMAND.format(tests=tests, folder=str(tmp_path)))
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while completed(tmp_path) < 3 and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    return process


def completed(tmp_path):
    try:
        with xr.open_zarr(tmp_path / "out.zarr") as ds:
            return ds.attrs["completed_lead_times"]
    except FileNotFoundError:
        return 0


@pytest.mark.slow
def test_killed_run_leaves_what_it_had(tmp_path):
    process = start(tmp_path)
    process.kill()
    process.communicate()
    with xr.open_zarr(tmp_path / "out.zarr") as ds:
        done = ds.attrs["completed_lead_times"]
        assert ds.attrs["status"] == "running"
        hours = 6 * np.arange(done, dtype=np.float32)[:, None, None, None]
        x = initial_fields()["temperature"].transpose(0, 2, 1)
        np.testing.assert_array_equal(ds["temperature"][0, :done], x + hours)
        assert ds["temperature"][0, done + 1 :].isnull().all()


@pytest.mark.slow
def test_interrupted_run_says_what_it_had(tmp_path):
    process = start(tmp_path)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    done = completed(tmp_path)
    assert f"Interrupted. out.zarr holds {done} of 401 lead times" in err
    assert "Traceback" not in err
