import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from small_analysis import (
    FIELDS,
    GRID,
    LEVELS,
    MODEL_INPUTS,
    NODES,
    build_analysis,
    read_state,
)

from ngcm_cli.config import ForecastConfig
from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.forcing.read_forcing import load_forcing, save_forcing
from ngcm_cli.forcing.surface_forcing import NO_TIME, SurfaceForcing
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.input_cache import InputCache, list_cache
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.download import downloaded_path
from ngcm_cli.simulation.data_sources import (
    describe_analysis,
    describe_forcing,
    public_command,
)
from ngcm_cli.spectral.grid import Grid

TIME = np.datetime64("2020-08-22T12", "s")
SOURCE = "gs://somewhere/era5.zarr"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def atmosphere(seed=0):
    rng = np.random.default_rng(seed)
    shape = len(LEVELS), *GRID.nodal_shape
    fields = {name: rng.normal(size=shape).astype("f4") for name in FIELDS}
    return Analysis(TIME, fields, ("Regridded.", "No cloud."))


def sea(count):
    rng = np.random.default_rng(count)
    shape = count, 1, *GRID.nodal_shape
    fields = {
        "sea_surface_temperature": rng.uniform(271, 300, shape).astype("f4"),
        "sea_ice_cover": rng.uniform(0, 1, shape).astype("f4"),
    }
    times = TIME + np.arange(count) * np.timedelta64(90, "m")
    return SurfaceForcing(times, fields, ("Warm.",))


def same(one, other):
    assert one.notes == other.notes
    assert list(one.fields) == list(other.fields)
    for name in one.fields:
        np.testing.assert_array_equal(one.fields[name], other.fields[name])
        assert one.fields[name].dtype == np.float32


def test_a_sea_without_time_stays_without(home):
    """Or else its anomalies would be of another season at the second run."""
    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    undated = SurfaceForcing(np.array([NO_TIME]), sea(1).fields, ())
    save_forcing(kept, "sea", undated)
    assert not load_forcing(kept, "sea").has_time
    save_forcing(kept, "sea", sea(1))
    assert load_forcing(kept, "sea").has_time


def test_what_was_saved_is_loaded_to_the_bit():
    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    assert kept.load_analysis(TIME) is None and load_forcing(kept, "sea") is None
    kept.save_analysis(atmosphere())
    save_forcing(kept, "sea", sea(3))
    again = InputCache.of(SOURCE, MODEL_INPUTS)
    same(again.load_analysis(TIME), atmosphere())
    same(load_forcing(again, "sea"), sea(3))
    np.testing.assert_array_equal(load_forcing(again, "sea").times, sea(3).times)
    assert again.load_analysis(TIME + 1) is None


@pytest.mark.parametrize(
    "source, model_inputs",
    [
        ("gs://elsewhere/era5.zarr", MODEL_INPUTS),
        (SOURCE, ModelInputs(Grid.linear(15), LEVELS, FIELDS)),
        (SOURCE, ModelInputs(GRID, LEVELS[1:], FIELDS)),
        (SOURCE, ModelInputs(GRID, LEVELS, FIELDS[1:])),
    ],
    ids=["source", "grid", "levels", "variables"],
)
def test_what_serves_another_purpose_is_not_found(source, model_inputs):
    InputCache.of(SOURCE, MODEL_INPUTS).save_analysis(atmosphere())
    assert InputCache.of(source, model_inputs).load_analysis(TIME) is None


def test_a_prepared_state_is_data_like_any_other(tmp_path):
    """Of the same variables, levels and grid, so that a run needs no regridding."""
    dataset = build_analysis(*NODES)
    dataset.to_netcdf(tmp_path / "a.nc")
    state = read_state(tmp_path / "a.nc")
    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    whole = state.analysis
    path = kept.save_analysis(whole)
    again = read_state(path, sst_data=str(tmp_path / "a.nc"))
    assert again.time == state.time and again.analysis.notes == ()
    same(Analysis(again.time, again.fields, ()), Analysis(TIME, state.fields, ()))
    with xr.open_dataset(path) as stored:
        assert stored.attrs["source"] == SOURCE
        assert stored["temperature"].attrs["standard_name"] == "air_temperature"


@pytest.mark.parametrize("damage", [b"", b"rubbish" * 1000, None])
def test_a_damaged_file_is_prepared_again(damage, caplog):
    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    path = kept.save_analysis(atmosphere())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert kept.load_analysis(TIME) is None
    assert "damaged" in caplog.text
    kept.save_analysis(atmosphere(1))
    same(kept.load_analysis(TIME), atmosphere(1))


def test_nothing_half_written_is_left(home, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OutputError, match="cannot be cached in .*No space left"):
        kept.save_analysis(atmosphere())
    assert list(kept.folder.glob("*.nc")) == [] == list(kept.folder.glob(".*"))


def test_what_is_kept_is_listed_and_removed(home):
    assert list_cache() == []
    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    kept.save_analysis(atmosphere())
    save_forcing(kept, "sea_for_2020-08-22T12", sea(1))
    (entry,) = list_cache()
    assert entry.source == SOURCE and entry.grid == "16x8 Gaussian"
    assert entry.names == ("atmosphere_2020-08-22T12", "sea_for_2020-08-22T12")
    assert entry.size == sum(f.stat().st_size for f in kept.folder.iterdir())
    about = json.loads((kept.folder / "about.json").read_text())
    assert about["levels"] == list(LEVELS)
    entry.remove()
    assert list_cache() == [] and not kept.folder.exists()


def test_what_an_interrupted_run_left_is_cleared(home):
    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    kept.folder.mkdir(parents=True)
    (kept.folder / ".atmosphere_2020-08-22T12.nc.1234abcd").write_bytes(b"CDF")
    (kept.folder / "era5.nc.partial").write_bytes(b"CDF")
    (entry,) = list_cache()
    assert entry.names == () and entry.size == 6
    entry.remove()
    assert not kept.folder.exists()


def test_secrets_in_addresses_are_not_written_down(home):
    secret = "https://me:PASSWORD@somewhere/era5.nc?sig=SIGNATURE"
    kept = InputCache.of(secret, MODEL_INPUTS)
    kept.save_analysis(atmosphere())
    assert (
        kept.folder
        != InputCache.of(secret.replace("SIGN", "sign"), MODEL_INPUTS).folder
    )
    told = [str(kept.folder), kept._path("x").name]
    told += [f.read_bytes().decode("latin1") for f in kept.folder.iterdir()]
    config = ForecastConfig(data=secret, sst_data=secret)
    told += [
        describe_analysis(config),
        describe_forcing(config),
        public_command(config),
    ]
    for text in told:
        assert "PASSWORD" not in text and "SIGNATURE" not in text
    assert "https://somewhere/era5.nc" in public_command(config)


def test_a_downloaded_file_needs_no_network(home, tmp_path):
    url = "https://nowhere.invalid/era5.nc"
    dataset = build_analysis(*NODES)
    downloaded_path(url).parent.mkdir(parents=True)
    dataset.to_netcdf(downloaded_path(url))
    state = read_state(url, offline=True)
    assert state.time == TIME
    with pytest.raises(InputDataError, match="ngcm data prepare --init .* --data http"):
        read_state(url.replace("era5", "other"), TIME, offline=True)


def test_a_run_from_prepared_data_starts_light():
    """Neither xarray nor SciPy, which take half a second to import."""
    kept = InputCache.of(SOURCE, MODEL_INPUTS)
    kept.save_analysis(atmosphere())
    save_forcing(kept, "sea_for_2020-08-22T12", sea(1))
    code = f"""
import sys
import numpy as np
from ngcm_cli.forcing.read_forcing import ForcingRequest
from ngcm_cli.forcing.run_inputs import read_inputs
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.read_analysis import AnalysisRequest
from ngcm_cli.spectral.grid import Grid

read_inputs(
    AnalysisRequest({SOURCE!r}, np.datetime64("{TIME}"), offline=True),
    ForcingRequest("persist", np.timedelta64(0, "s"), offline=True),
    ModelInputs(Grid.linear(7), {LEVELS}, {FIELDS}),
)
print(*sorted({{"xarray", "scipy", "zarr", "obstore", "pandas"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
