"""The examples in the docstrings of the Python interface do what they say."""

import doctest
import re
import types

import jax
import numpy as np
import pytest
import xarray as xr

from ngcm_cli import zoo
from ngcm_cli.gcm import NeuralGCM, rollout
from ngcm_cli.simulation import run
from ngcm_cli.testing import TinyModel, synthetic_fields


def examples(thing, **known):
    (found,) = [
        test
        for test in doctest.DocTestFinder(recurse=False).find(
            thing, globs={"jax": jax, **known}
        )
        if test.examples
    ]
    return found


def run_examples(test) -> str:
    """Run them with their expected output; return what failed."""
    said = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    return "".join(said)


def test_load_model():
    assert run_examples(examples(zoo.load_model)) == ""


@pytest.mark.slow
def test_the_three_verbs():
    assert run_examples(examples(NeuralGCM)) == ""


def test_rollout():
    model = TinyModel()  # twelve steps of a real one would show no more
    fields = synthetic_fields(model.grid, len(model.levels))
    start = np.datetime64("1979-01-01T00", "s")
    test = examples(
        rollout,
        rollout=rollout,
        model=model,
        state=model.encode(fields, {}, start, jax.random.key(0)),
        data=types.SimpleNamespace(forcing={}),
    )
    said = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    (example,) = test.examples
    # One more in every step.
    first = fields["temperature"].mean()
    example.want = "".join(f"{step} {first + step}...\n" for step in (0, 6, 12))
    runner.run(test, out=said.append)
    assert "".join(said) == ""


@pytest.mark.slow
def test_forecast(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (call,) = re.findall(r"``(forecast\(.*?\))``", run.forecast.__doc__)

    def shorter(**settings):
        assert settings.pop("lead") == "5d"
        return run.forecast(lead="2h", every="1h", **settings)

    path = eval(call, {"forecast": shorter})
    assert str(path) == "out.zarr"
    with xr.open_zarr(path) as data:
        temperature = data["temperature"]
        assert temperature.sizes["lead_time"] == 3
        assert data["init_time"].values[0] == np.datetime64("1959-01-02T00")
        assert np.isfinite(temperature).all()
