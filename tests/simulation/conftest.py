"""What tests of runs share: the tiny model in place of a real one, and its data."""

import dataclasses
import os
import types

import numpy as np
import pytest

from ngcm_cli.config import AmipConfig
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.sources import bundled
from ngcm_cli.simulation import setup
from ngcm_cli.simulation.data_sources import DataSources
from ngcm_cli.testing import TinyModel

CARD = types.SimpleNamespace(
    name="tiny",
    weights=types.SimpleNamespace(sha256="0123456789abcdef" * 4),
    licence="CC0-1.0",
    paper="https://doi.org/10.1038/s41586-024-07744-y",
)
_READ: dict = {}
_WHOLE: dict = {}


class SampleSources(DataSources):
    """The bundled data, read once; one kelvin more for every hour after its time."""

    def check(self, inits):
        """Accept all initial times: there is a state for each."""

    def _read_one(self, init):
        config = self.config
        key = ("amip" if isinstance(config, AmipConfig) else config.sst, config.data)
        if key not in _READ:
            _READ[key] = super()._read_one(bundled.SAMPLE_TIME)
        analysis, forcing = _READ[key]
        if isinstance(config, AmipConfig):
            return Analysis(init, analysis.fields, analysis.notes), self._record()
        if init in (None, analysis.time):
            return analysis, forcing
        hours = np.float32((init - analysis.time) / np.timedelta64(1, "h"))
        fields = {name: x + hours for name, x in analysis.fields.items()}
        return Analysis(init, fields, analysis.notes), forcing

    def _read_record(self):
        names = ("init", "start", "years", "months", "days", "starts", "start_every")
        key = tuple(getattr(self.config, name) for name in names)
        if key not in _READ:
            _READ[key] = super()._read_record()
        return _READ[key]


@dataclasses.dataclass
class Loaded:
    """The model that runs load.

    Attributes:
        model: a tiny one.
    """

    model: TinyModel

    def change(self, **settings) -> None:
        """Load a tiny model with other settings."""
        self.model = TinyModel(**settings)


@pytest.fixture
def tiny(monkeypatch, tmp_path) -> Loaded:
    """Let runs in an empty directory load the tiny model, and the bundled data."""
    loaded = Loaded(TinyModel())
    monkeypatch.setattr(setup, "open_model", lambda name, **_: (CARD, loaded.model))
    monkeypatch.setattr(setup, "DataSources", SampleSources)
    # It waits for all that the machine writes, and only matters when power fails.
    monkeypatch.setattr(os, "sync", lambda: None)
    monkeypatch.chdir(tmp_path)
    return loaded


@pytest.fixture
def whole(tiny, tmp_path_factory):
    """Return a function from a case to the output of its uninterrupted run."""

    def of(case):
        if case not in _WHOLE:
            _WHOLE[case] = case.start(tmp_path_factory.mktemp("whole"))
        return _WHOLE[case]

    return of
