"""What every test shares: JAX on a CPU, one compilation cache, the project's data."""

import collections
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

import compiled_programs
import hypothesis
import pytest
from reference_numbers import ReferenceNumbers

os.environ.setdefault("JAX_PLATFORMS", "cpu")

# The first example of a test compiles; its time says nothing.
hypothesis.settings.register_profile("ngcm", deadline=None)
hypothesis.settings.load_profile("ngcm")


def pytest_configure(config):
    """Before processes of pytest-xdist start, which read it from the environment."""
    config.option.loadscopereorder = False  # see pytest_collection_modifyitems
    # If a process crashes, xdist names the test and ends; restarting one, it may hang.
    config.option.maxworkerrestart = "0"
    if compiled_programs.share():
        folder = os.environ[compiled_programs.SHARED]
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(scope="session", autouse=True)
def compilation_cache():
    """Tests, and the commands that they start, compile a computation once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = compiled_programs.own_folder()
        patch.setenv(compiled_programs.OWN, str(folder))
        import jax

        jax.config.update("jax_compilation_cache_dir", str(folder))
        for name, value in compiled_programs.SETTINGS.items():
            patch.setenv(name.upper(), str(value))
            jax.config.update(name, value)
        compiled_programs.exchange()
        yield
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """Share what the tests of a file have compiled, and forget it with their fixtures.

    A process would otherwise grow to 8 GB, and two of them fill a small machine.
    """
    last = nextitem is None or nextitem.path != item.path
    if last:
        compiled_programs.exchange()
    done = yield
    if last:
        compiled_programs.forget()
    return done


ON_REQUEST = "reference", "large", "long"


def pytest_collection_modifyitems(config, items):
    """Leave out what runs before a release only, unless ``-m`` names its marker."""
    named = config.getoption("markexpr")
    out = [name for name in ON_REQUEST if not re.search(rf"\b{name}\b", named)]
    left = [x for x in items if asked_by(x) in out]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [x for x in items if x not in set(left)]
    if config.getoption("dist", "no") != "no" or "PYTEST_XDIST_WORKER" in os.environ:
        longest_first(items)


def asked_by(item) -> str | None:
    """The first of the markers of a test that have to be named."""
    return next((x for x in ON_REQUEST if item.get_closest_marker(x)), None)


def longest_first(items) -> None:
    """Sort tests by file, so that all processes finish at the same time.

    Every process begins with one file. The second is not of the bundled model, if the
    first may be: its process would wait for that which compiles it.
    """
    slow = collections.Counter(x.path for x in items if x.get_closest_marker("slow"))
    items.sort(key=lambda x: -slow[x.path])
    bundled = {x.path for x in items if hasattr(x.module, "bundled")}
    first = next((x.path for x in items), None)
    other = next((x.path for x in items if x.path not in bundled | {first}), None)
    items.sort(key=lambda x: {first: 0, other: 1}.get(x.path, 2))


def pytest_addoption(parser):
    parser.addoption(
        "--record-reference",
        action="store_true",
        help="store the numbers of the reference; see tests/reference/record.py",
    )


@pytest.fixture(
    scope="module", params=["stored", pytest.param("live", marks=pytest.mark.reference)]
)
def reference(request) -> Iterator[ReferenceNumbers]:
    """Numbers of the reference for one file of tests."""
    name = request.path.stem.removeprefix("test_")
    numbers = ReferenceNumbers(name, live=request.param == "live")
    failed = request.session.testsfailed
    yield numbers
    recording = numbers.live and request.config.getoption("--record-reference")
    if recording and request.session.testsfailed == failed:
        numbers.record()


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
