"""The rules of the house: who may import whom, sizes and names."""

import ast
import pathlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "ngcm_cli"
MODULES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}

# A room may import itself and every room after it.
ORDER = [
    "__main__", "cli", "run", "climate", "ensemble", "preparation",
    "plan", "provenance", "selection", "origin", "zoo", "checkpoint", "gcm", "physics",
    "dynamics", "spectral", "arrays", "units", "guards", "compiled", "io",
    "time_format", "errors",
]  # fmt: skip
DATA = {"spectral.grid", "zoo.catalogue", "units", "time_format", "io", "errors"}
IMPORTS = {
    **{room: set(ORDER[i:]) for i, room in enumerate(ORDER)},
    "__init__": set(ORDER),
    "inputs": DATA | {"inputs"},
    "forcing": DATA | {"inputs", "forcing"},
    "output": DATA | {"inputs", "output"},
    "config": {"config", "time_format", "errors"},
}
ABOVE = [
    "cli", "run", "climate", "ensemble", "preparation", "plan",
    "provenance", "selection", "origin",
]  # fmt: skip
for above in *ABOVE, "zoo", "checkpoint":
    IMPORTS[above].add("config")
for above in ABOVE:
    IMPORTS[above] |= {"inputs", "forcing", "output"}

# Where a package or standard module may be imported; nowhere, if nothing is named.
HOMES = {
    "typer": ["cli/"],
    "rich": ["cli/"],
    "click": ["cli/"],
    "diffrax": ["dynamics/"],
    "pickle": [],
    "pickletools": ["checkpoint/pickle_stream.py"],
    "cloudpickle": [],
    "marshal": [],
    "shelve": [],
    "yaml": ["config/", "checkpoint/", "zoo/pin.py"],
    "requests": ["zoo/"],
    "urllib3": ["zoo/"],
    "google_crc32c": ["zoo/"],
    "obstore": ["inputs/sources/"],
    "xarray": ["inputs/", "forcing/", "output/", "checkpoint/"],
    "zarr": ["inputs/", "forcing/", "output/", "checkpoint/"],
    "netCDF4": ["inputs/", "forcing/", "output/", "checkpoint/"],
    "cfgrib": ["inputs/sources/grib/open.py"],
    "eccodes": ["inputs/sources/grib/open.py"],
    "gin": [],
    "haiku": [],
    "dinosaur": [],
    "neuralgcm": [],
}
WITHOUT_JAX = [
    "inputs/", "forcing/", "output/", "io/", "cli/", "config/", "time_format.py",
    "errors.py",
    "__init__.py", "__main__.py",
]  # fmt: skip
JAX = {"jax", "jaxlib", "jaxtyping", "equinox", "diffrax", "lineax", "optimistix"}
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "common",
    "misc",
    "base",
    "core",
    "types",
}


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module or name that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    return pathlib.PurePosixPath(module).parts[0].removesuffix(".py")


def lives_in(module: str, homes: list[str]) -> bool:
    return any(
        module.startswith(home) if home.endswith("/") else module == home
        for home in homes
    )


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    allowed = IMPORTS.get(room(module))
    assert allowed is not None, f"give {module} a place in ORDER or IMPORTS"
    for name in imported(MODULES[module]):
        package, _, inside = name.partition(".")
        parts = inside.split(".")
        if package != "ngcm_cli" or not inside or parts[0] == "__version__":
            continue
        known = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        assert known & allowed, f"{module} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_packages_stay_in_their_rooms(module):
    for name in imported(MODULES[module]):
        package = name.partition(".")[0]
        homes = HOMES.get(package, [module])
        assert lives_in(module, homes), f"{module} imports {name}"
        if lives_in(module, WITHOUT_JAX):
            assert package not in JAX, f"{module} imports {name}"


def test_files_hold_one_subject():
    sizes = {
        module: len((PACKAGE / module).read_text(encoding="utf-8").splitlines())
        for module in MODULES
    }
    assert {m: size for m, size in sizes.items() if size > 350} == {}


def test_files_are_named_after_a_noun():
    parts = {part for m in MODULES for part in m.removesuffix(".py").split("/")}
    assert parts & FORBIDDEN_NAMES == set()
    # One letter from the data package ngcm_cli.models; the network is in ngcm_cli.gcm.
    assert not {"model.py", "model/__init__.py"} & set(MODULES)


def test_annotations_are_evaluated():
    late = [m for m in MODULES if "__future__.annotations" in imported(MODULES[m])]
    assert late == []


def test_every_room_is_packaged():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = {
        ".".join(["ngcm_cli", *pathlib.PurePosixPath(module).parts[:-1]])
        for module in MODULES
    }
    assert set(project["tool"]["setuptools"]["packages"]) == rooms | {"ngcm_cli.models"}


def test_the_command_line_starts_light():
    code = (
        "import sys, ngcm_cli.cli;"
        "heavy = {'jax', 'xarray', 'equinox', 'zarr', 'scipy', 'requests', 'obstore'};"
        "print(*heavy & set(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
