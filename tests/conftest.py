"""What every test shares: JAX on a CPU, one compilation cache, the project's data."""

import os
import pathlib

import hypothesis
import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")

# The first example of a test compiles; its time says nothing.
hypothesis.settings.register_profile("ngcm", deadline=None)
hypothesis.settings.load_profile("ngcm")


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory):
    """Tests, and the commands that they start, compile a computation once."""
    folder = str(tmp_path_factory.mktemp("compiled"))
    before = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
    import jax

    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    yield
    if before is None:
        del os.environ["JAX_COMPILATION_CACHE_DIR"]
    else:
        os.environ["JAX_COMPILATION_CACHE_DIR"] = before


@pytest.fixture(scope="session")
def reduced_model(tmp_path_factory) -> str:
    """Path of the card of the reduced model."""
    from reduced_model import write_reduced_model

    return str(write_reduced_model(tmp_path_factory.mktemp("reduced")))


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """The project's shared data beside the checkout; a bare clone is without it."""
    folder = pathlib.Path(__file__).parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    return folder
