"""The file of the bundled model as its authors published it."""

import importlib.util
import pathlib

import pytest

NAME = "tl63_stochastic_mini"
SHARED = pathlib.Path(__file__).parents[2] / "shared" / "reference"


def published_checkpoint() -> pathlib.Path:
    """Return its path, in the shared folder or in the reference's package."""
    shared = SHARED / f"{NAME}_jax_array.pkl"  # byte for byte that of the package
    if shared.is_file():
        return shared
    spec = importlib.util.find_spec("neuralgcm")
    if spec is None or spec.submodule_search_locations is None:
        pytest.skip(f"there is neither {shared} nor the reference")
    (folder,) = spec.submodule_search_locations
    return pathlib.Path(folder) / "data" / f"{NAME}.pkl"
