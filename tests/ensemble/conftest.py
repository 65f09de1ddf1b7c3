"""What tests of ensembles share: the reduced model, and four of its members."""

import pathlib

import pytest
from climate.reduced import write_reduced_model
from small import STATISTICS, go


@pytest.fixture(scope="session")
def reduced_model(tmp_path_factory) -> str:
    """Path of the card of the reduced model."""
    return str(write_reduced_model(tmp_path_factory.mktemp("reduced")))


@pytest.fixture(scope="session")
def five(reduced_model, tmp_path_factory) -> pathlib.Path:
    """Five members in blocks of two, and all statistics."""
    return go(
        tmp_path_factory.mktemp("five") / "five.zarr",
        model=reduced_model,
        members=5,
        batch=2,
        statistics=STATISTICS,
    )
