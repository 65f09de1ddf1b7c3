"""The rules of the code: who may import whom, sizes, names and words."""

import ast
import pathlib
import re
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
TEXTS = [
    *PACKAGE.rglob("*.py"), ROOT / "README.md", *(ROOT / "docs").rglob("*.md"),
]  # fmt: skip

# A room may import itself, every room after it, and the rooms that everybody may.
ORDER = [
    "__main__", "cli", "plots", "sensitivity", "verification", "training",
    "diagnosis", "tracks", "assimilation",
    "idealized", "simulation", "output", "forcing", "diagnostics", "inputs",
    "zoo", "checkpoint", "gcm", "physics", "dynamics", "spectral", "arrays", "units",
]  # fmt: skip
EVERYBODY = {"io", "time_format", "errors"}
IMPORTS = {
    **{room: {*ORDER[i:], *EVERYBODY} for i, room in enumerate(ORDER)},
    "__init__": {
        "assimilation",
        "plots",
        "sensitivity",
        "verification",
        "training",
        "diagnosis",
        "tracks",
        "idealized",
        "simulation",
        "output",
        "inputs",
        "zoo",
        "gcm",
    },
    # Rooms that know less than their place in the order would let them.
    "output": {"output", "diagnostics", "inputs", "spectral", "units", *EVERYBODY},
    "forcing": {"forcing", "inputs", "spectral", "units", *EVERYBODY},
    "inputs": {"inputs", "zoo", "spectral", "units", *EVERYBODY},
    "gcm": {"gcm", "physics", "dynamics", "spectral", "arrays", "units", *EVERYBODY},
    "physics": {"physics", "dynamics", "spectral", "arrays", "units"},
    "dynamics": {"dynamics", "spectral", "arrays", "units"},
    "spectral": {"spectral", "arrays"},
    "arrays": set(),
    "units": set(),
    "config": {"config", "io", "time_format", "errors"},
    "io": {"io", "errors"},
    "time_format": {"errors"},
    "errors": set(),
    # For tests, also of others; nothing in the package imports it.
    "testing": {*ORDER[ORDER.index("diagnostics") :], *EVERYBODY},
}
for room_ in (
    *("cli", "plots", "sensitivity", "verification", "training", "diagnosis", "tracks"),
    *("assimilation", "idealized", "simulation"),
):
    IMPORTS[room_].add("config")

# Files at the top of the package; everything else is in a room.
TOP = {
    "__init__.py", "__main__.py", "arrays.py", "errors.py", "testing.py",
    "time_format.py", "units.py",
}  # fmt: skip

# Where a package or standard module may be imported; nowhere, if nothing is named.
HOMES = {
    "typer": ["cli/"],
    "rich": ["cli/"],
    "click": ["cli/"],
    "diffrax": ["dynamics/"],
    "pickle": [],
    "pickletools": ["checkpoint/published/pickle_stream.py"],
    "cloudpickle": [],
    "marshal": [],
    "shelve": [],
    "yaml": ["io/plain_yaml.py", "config/run_file.py", "checkpoint/card.py", "zoo/"],
    "requests": ["zoo/"],
    "urllib3": ["zoo/"],
    "google_crc32c": ["zoo/", "io/checksum.py"],
    "obstore": ["inputs/sources/"],
    "xarray": [
        "assimilation/analysis_file.py",
        "assimilation/background_error_file.py",
        "inputs/",
        "io/netcdf_library.py",
        "output/dataset_file.py",
        "output/decoded.py",
        "plots/",
        "sensitivity/",
        "verification/",
        "diagnosis/",
        "tracks/",
    ],
    "matplotlib": ["plots/"],
    "PIL": ["plots/"],
    "zarr": ["inputs/sources/", "output/"],
    "netCDF4": [
        "io/netcdf_library.py",
        "output/",
        "verification/climatology_of_record.py",
    ],
    "h5py": ["inputs/sources/hdf5_chunks.py"],
    "cfgrib": ["inputs/sources/grib/"],
    "eccodes": ["inputs/sources/grib/", "output/grib.py"],
    "safetensors": ["checkpoint/native.py", "training/training_directory.py"],
    "distributed": ["simulation/dask.py"],
    "platformdirs": ["io/cache_dir.py"],
    "fcntl": ["io/lock.py"],
    "gin": [],
    "haiku": [],
    "dinosaur": [],
    "neuralgcm": [],
}

JAX = {"jax", "jaxlib", "jaxtyping", "equinox", "diffrax", "lineax", "optimistix"}
WITHOUT_JAX = ["cli/", "config/", "inputs/", "forcing/", "output/"]
# What a file that reads or writes disk or network imports, or calls.
DISK_PACKAGES = {
    "cfgrib", "eccodes", "h5py", "netCDF4", "obstore", "requests", "safetensors",
    "shutil", "tempfile", "xarray", "zarr",
}  # fmt: skip
DISK_CALLS = {
    "mkdir", "read_bytes", "read_text", "rename", "rmtree", "rmdir", "symlink_to",
    "touch", "unlink", "write_bytes", "write_text",
}  # fmt: skip
DISK_AND_JAX = {
    "io/compilation_cache.py": "removes what JAX could not write whole",
    "simulation/checkpoint.py": "removes restart files that newer ones replace",
}

FORBIDDEN_NAMES = {
    "utils", "util", "helpers", "common", "misc", "base", "core", "types", "words",
}  # fmt: skip
FORBIDDEN_PHRASES = [
    "for people", "in words", "of no account", "goes on", "as it began", "far away",
]  # fmt: skip


def imported(tree: ast.Module) -> Iterator[str]:
    """Return every module or name that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(module: str) -> set[str]:
    """Return the packages that a module imports."""
    return {name.partition(".")[0] for name in imported(MODULES[module])}


def room(module: str) -> str:
    """Return the folder at the top of the package, or the file there."""
    return pathlib.PurePosixPath(module).parts[0].removesuffix(".py")


def imported_rooms(module: str) -> set[str]:
    """Return the rooms of the package that a module imports from."""
    names = (name.split(".") for name in imported(MODULES[module]))
    found = {parts[1] for parts in names if parts[0] == "ngcm_cli" and parts[1:]}
    return found - {"__version__", "models", *_public_names()}


def _public_names() -> set[str]:
    """Return the names that the package itself offers, as ``ngcm_cli.forecast``."""
    tree = MODULES["__init__.py"]
    constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    rooms = {room(module) for module in MODULES}
    return {name for name in constants if isinstance(name, str)} - rooms


def lives_in(module: str, homes: list[str]) -> bool:
    return any(
        module.startswith(home) if home.endswith("/") else module == home
        for home in homes
    )


def touches_disk(module: str) -> bool:
    """Return whether a module reads or writes files, or the network."""
    if packages(module) & DISK_PACKAGES:
        return True
    calls = (n.func for n in ast.walk(MODULES[module]) if isinstance(n, ast.Call))
    return any(
        (isinstance(call, ast.Name) and call.id == "open")
        or (isinstance(call, ast.Attribute) and call.attr in DISK_CALLS)
        or (ast.unparse(call) in ("os.open", "os.replace", "os.remove"))
        for call in calls
    )


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    allowed = IMPORTS.get(room(module))
    assert allowed is not None, f"give {module} a place in ORDER or IMPORTS"
    assert imported_rooms(module) <= allowed


def test_rooms_have_no_cycle():
    graph: dict[str, set[str]] = {}
    for module in MODULES:
        graph.setdefault(room(module), set()).update(imported_rooms(module))
    del graph["__init__"]  # which imports lazily what others import it for
    done: set[str] = set()
    while graph.keys() - done:
        free = {r for r in graph.keys() - done if graph[r] - {r} <= done}
        assert free, f"a cycle among {sorted(graph.keys() - done)}"
        done |= free


@pytest.mark.parametrize("module", MODULES)
def test_packages_stay_in_their_rooms(module):
    for package in packages(module):
        homes = HOMES.get(package, [module])
        assert lives_in(module, homes), f"{module} imports {package}"


def test_the_netcdf_library_has_one_door():
    """Elsewhere, two threads in it could crash the process."""
    opens = re.compile(r"netCDF4\.Dataset\(|engine=\"netcdf4\"|open_mfdataset")
    found = {m for m in MODULES if opens.search((PACKAGE / m).read_text("utf-8"))}
    # Both hold its lock: one writes in memory, the other with `to_netcdf`.
    others = {"output/restart_file.py", "inputs/input_cache.py"}
    assert found == {"io/netcdf_library.py", *others}


@pytest.mark.parametrize("module", MODULES)
def test_files_that_touch_disk_do_not_import_jax(module):
    uses_jax = bool(packages(module) & JAX)
    assert not (uses_jax and lives_in(module, WITHOUT_JAX))
    assert (uses_jax and touches_disk(module)) == (module in DISK_AND_JAX)


def test_the_top_of_the_package_is_small():
    here = {path.name for path in PACKAGE.iterdir()} - {"__pycache__", "py.typed"}
    assert {name for name in here if name.endswith(".py")} == TOP
    assert len(here - {"__init__.py", "__main__.py"}) <= 27


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


@pytest.mark.parametrize("phrase", FORBIDDEN_PHRASES)
def test_plain_english(phrase):
    pattern = re.compile(rf"\b{phrase}\b".replace(" ", r"[\s\"#*]+"), re.IGNORECASE)
    found = {
        path.relative_to(ROOT).as_posix(): [m[0] for m in pattern.finditer(text)]
        for path in TEXTS
        if pattern.search(text := path.read_text(encoding="utf-8"))
    }
    assert found == {}


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
        "import sys, ngcm_cli.cli.app;"
        "heavy = {'jax', 'xarray', 'equinox', 'zarr', 'scipy', 'requests', 'obstore'};"
        "heavy.add('matplotlib');"
        "print(*heavy & set(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []
