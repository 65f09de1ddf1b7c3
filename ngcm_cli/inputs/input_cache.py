"""The cache of fetched fields: analyses and surface forcings on a model's grid.

Under ``data/`` in `cache_dir` there is a folder for each remote source and each set of
model inputs. It holds NetCDF files that can be given to ``--data`` like any others.
They are read without xarray, which takes a third of a second to import:

    full_37-1h-0p25deg-chunk-1.zarr-v3_128x64_1f3a09c2/
        about.json                      source, grid, levels and variables
        atmosphere_2020-08-22T12.nc     an analysis
        sea_for_2020-08-22T12.nc        forcing that persists in a run from that time
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import pathlib
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

import ngcm_cli
from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.inputs.analysis import Analysis
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.hdf5_chunks import check_chunks
from ngcm_cli.inputs.sources.location import redacted, resolve_location
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.atomic import atomic_file, write_text
from ngcm_cli.io.cache_dir import cache_dir
from ngcm_cli.io.netcdf_library import NETCDF_LOCK, netcdf_file
from ngcm_cli.time_format import format_time, utc_now

if TYPE_CHECKING:
    import xarray

log = logging.getLogger(__name__)

ABOUT_FILE = "about.json"
"""What a folder of the cache is for, in that folder."""

_UNFINISHED = (".partial", ".lock")
_EPOCH = np.datetime64("1970-01-01T00", "s")
# To be raised when the same source gives other numbers than before.
_VERSION = 1


def cache_root() -> pathlib.Path:
    """Return the folder of all cached data."""
    return cache_dir() / "data"


@dataclasses.dataclass(frozen=True, eq=False)
class CachedFields:
    """Fields as a file of the cache holds them.

    Attributes:
        times: Valid times, UTC, datetime64[s].
        fields: Arrays by ERA5 name, shape (time, [level,] longitude, latitude).
        notes: One sentence for each conversion and substitution made in the data.
    """

    times: np.ndarray
    fields: dict[str, np.ndarray]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class InputCache:
    """Cached fields of one source, for models with the same inputs.

    Attributes:
        about: Content of the file that describes the folder.
    """

    folder: pathlib.Path
    model_inputs: ModelInputs
    about: dict[str, Any]

    @classmethod
    def of(cls, source: str, model_inputs: ModelInputs) -> "InputCache":
        """Return the cache of a source, a URL or name; its folder need not exist."""
        size = "x".join(map(str, model_inputs.grid.nodal_shape))
        about = {
            "source": redacted(resolve_location(source)),
            "grid": f"{size} Gaussian",
            "levels": list(map(float, model_inputs.levels)),
            "variables": list(model_inputs.fields),
            "version": _VERSION,
        }
        identity = json.dumps([resolve_location(source), about], sort_keys=True)
        digest = hashlib.sha256(identity.encode()).hexdigest()
        last_part = about["source"].rpartition("/")[2]
        name = re.sub(r"[^\w.-]+", "-", last_part)[:60]
        folder = cache_root() / f"{name}_{size}_{digest[:8]}"
        return cls(folder, model_inputs, about)

    def analysis_path(self, time: np.datetime64) -> pathlib.Path:
        """Return the path of the analysis of a time, whether it is cached or not."""
        return self._path(_analysis_key(time))

    def load_analysis(self, time: np.datetime64) -> Analysis | None:
        """Return the cached analysis of a time, or None."""
        cached = self.load(_analysis_key(time))
        if cached is None:
            return None
        fields = {name: x[0] for name, x in cached.fields.items()}
        return Analysis(cached.times[0], fields, cached.notes)

    def save_analysis(self, analysis: Analysis) -> pathlib.Path:
        """Write an analysis; return its path."""
        fields = {name: x[None] for name, x in analysis.fields.items()}
        times = np.array([analysis.time])
        return self.save(
            _analysis_key(analysis.time), CachedFields(times, fields, analysis.notes)
        )

    def load(self, key: str) -> CachedFields | None:
        """Return the fields cached under a key, or None; a damaged file is ignored."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            check_chunks(path)
            with netcdf_file(path) as file:
                file.set_auto_mask(False)
                fields = {n: x[:] for n, x in file.variables.items() if n in VARIABLES}
                notes = tuple(filter(None, file.notes.split("\n")))
                times = _EPOCH + file["time"][:].astype("timedelta64[s]")
        except (OSError, RuntimeError, AttributeError, InputDataError) as error:
            log.warning(f"{path} is damaged ({error}) and is fetched again.")
            return None
        return CachedFields(times, fields, notes)

    def save(self, key: str, content: CachedFields) -> pathlib.Path:
        """Write fields under a key; return the path of the file.

        Raises:
            OutputError: The file cannot be written.
        """
        path = self._path(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            about = self.folder / ABOUT_FILE
            if not about.exists():
                write_text(about, json.dumps(self.about, indent=1))
            with atomic_file(path) as file, NETCDF_LOCK:
                self._dataset(content).to_netcdf(file.name, engine="netcdf4")
        except (OSError, RuntimeError) as error:  # netCDF-C raises the latter
            raise OutputError(
                f"Fetched data cannot be cached in {self.folder}: {error}.",
                "Free some space, or set NGCM_HOME to another folder.",
            ) from error
        return path

    def _path(self, key: str) -> pathlib.Path:
        return self.folder / f"{key}.nc"

    def _dataset(self, content: CachedFields) -> "xarray.Dataset":
        import xarray as xr

        grid, levels = self.model_inputs.grid, self.model_inputs.levels
        # Twelve decimals: 90 degrees is 90.0, so that a user can select it.
        longitude = np.rad2deg(grid.longitude).round(12)
        latitude = np.rad2deg(grid.latitude).round(12)
        coords = {
            "time": ("time", content.times.astype("datetime64[ns]")),
            "level": ("level", list(levels), {"units": "hPa", "positive": "down"}),
            "longitude": ("longitude", longitude, {"units": "degrees_east"}),
            "latitude": ("latitude", latitude, {"units": "degrees_north"}),
        }
        data = {}
        for name, x in content.fields.items():
            dims = ("time", *("level",) * (x.ndim - 3), "longitude", "latitude")
            variable = VARIABLES[name]
            attributes = {
                "standard_name": variable.standard_name,
                "long_name": variable.long_name,
                "units": variable.units,
            }
            # With a checksum, by which damage is noticed.
            encoding = {"_FillValue": None, "fletcher32": True}
            data[name] = (dims, x, attributes, encoding)
        if not any(VARIABLES[name].on_levels for name in content.fields):
            del coords["level"]
        now = utc_now()
        attributes = {
            "Conventions": "CF-1.11",
            "title": "Input of a neural general circulation model",
            "source": self.about["source"],
            "history": f"{now}: prepared by ngcm {ngcm_cli.__version__}",
            "notes": "\n".join(content.notes),
        }
        dataset = xr.Dataset(data, coords, attributes)
        dataset["time"].encoding = {"units": f"seconds since {_EPOCH}", "dtype": "i8"}
        return dataset


def _analysis_key(time: np.datetime64) -> str:
    return f"atmosphere_{format_time(time)}"


@dataclasses.dataclass(frozen=True)
class CacheEntry:
    """A folder of the cache.

    Attributes:
        source: Source of the fields, without passwords; or that these are downloads.
        names: Names of the complete files, in order.
        size: Size of all files, complete or not, bytes.
    """

    folder: pathlib.Path
    source: str
    grid: str
    names: tuple[str, ...]
    size: int

    def remove(self) -> None:
        """Remove the folder.

        Raises:
            OutputError: It cannot be removed.
        """
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise OutputError(
                f"{self.folder} cannot be removed: {error}.", "Check its permissions."
            ) from error


def list_cache() -> list[CacheEntry]:
    """Return all folders of the cache, also those of interrupted runs."""
    entries = []
    for folder in sorted(path for path in cache_root().glob("*") if path.is_dir()):
        about, files = {}, [f for f in sorted(folder.iterdir()) if f.is_file()]
        with contextlib.suppress(OSError, ValueError):
            about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        if not files:
            continue
        complete = [
            f.stem if about else f.name
            for f in files
            if f.name != ABOUT_FILE and f.name[0] != "." and f.suffix not in _UNFINISHED
        ]
        entries.append(
            CacheEntry(
                folder,
                about.get("source", "downloaded files"),
                about.get("grid", "as downloaded"),
                tuple(complete),
                sum(f.stat().st_size for f in files),
            )
        )
    return entries
