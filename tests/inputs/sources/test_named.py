import numpy as np
import pytest
from small_analysis import FIELDS, native_analysis

from ngcm_cli.inputs import input_dataset
from ngcm_cli.inputs.input_cache import InputCache
from ngcm_cli.inputs.input_dataset import InputDataset
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources import named
from ngcm_cli.inputs.sources.location import is_remote, resolve_location
from ngcm_cli.inputs.sources.named import ARCO, NamedSource
from ngcm_cli.inputs.sources.open import open_dataset
from ngcm_cli.spectral.grid import Grid


def test_arco_is_a_name():
    assert resolve_location("arco") == resolve_location(" ARCO ") == ARCO.url
    assert is_remote("arco")
    assert resolve_location("arco.nc") == "arco.nc" and not is_remote("arco.nc")
    assert named.DEFAULT_SOURCE == "arco"
    assert named.find_source("era5.zarr") is None


@pytest.fixture
def local_copy(tmp_path, monkeypatch):
    native_analysis().to_netcdf(tmp_path / "copy.nc")
    source = NamedSource("copy", "a copy of something", "https://example.org/copy.nc")

    def open_copy(location, *, offline, progress):
        assert location == source.url
        return open_dataset(str(tmp_path / "copy.nc"))

    monkeypatch.setattr(input_dataset, "open_dataset", open_copy)
    table = {**named.NAMED_SOURCES, source.name: source}
    monkeypatch.setattr(named, "NAMED_SOURCES", table)
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))
    return source


def test_a_source_in_the_table_is_opened_cached_and_shown(local_copy):
    with InputDataset.open("Copy", FIELDS) as dataset:
        assert set(dataset.fields) == set(FIELDS)
        (time,) = dataset.times("temperature")
        values = dataset.field("temperature", time).values(time, [])
        assert np.isfinite(values).all()
    assert is_remote("copy") and resolve_location("copy") == local_copy.url
    cache = InputCache.of("copy", ModelInputs(Grid.linear(7), (500.0,), FIELDS))
    assert cache.about["source"] == local_copy.url
    assert named.metavar("PATH", "URL") == "PATH|URL|arco|copy"
    assert "copy (a copy of something)" in named.summaries()
