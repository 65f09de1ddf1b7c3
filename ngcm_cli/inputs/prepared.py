"""Prepared data: fields of far sources on a model's grid, kept on this computer.

Under ``data/`` in `home`, a folder for each source and grid, in it NetCDF files that
can be given to ``--data`` like any other. They are read without xarray, which takes a
third of a second to import:

    full_37-1h-0p25deg-chunk-1.zarr-v3_128x64_1f3a09c2/
        about.json                          what the folder is for
        atmosphere_2020-08-22T12.nc         a state
        sea_for_2020-08-22T12.nc            the sea that persists in a run from then
"""

import contextlib
import dataclasses
import datetime
import hashlib
import json
import logging
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np

import ngcm_cli
from ngcm_cli.errors import OutputError
from ngcm_cli.forcing.sea import Sea
from ngcm_cli.inputs.atmosphere import Atmosphere
from ngcm_cli.inputs.needs import Needs
from ngcm_cli.inputs.places import location, shown
from ngcm_cli.inputs.variables import VARIABLES
from ngcm_cli.io.cache_dir import cache_dir
from ngcm_cli.time_format import format_time

if TYPE_CHECKING:
    import xarray

log = logging.getLogger(__name__)

_EPOCH = np.datetime64("1970-01-01T00", "s")
# To be raised when the same source gives other numbers than before.
_VERSION = 1
_ABOUT = "about.json"
_UNFINISHED = (".partial", ".lock")


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What is kept of one source for models that need the same.

    Attributes:
        folder: where.
        needs: of the model.
        about: what it is for.
    """

    folder: pathlib.Path
    needs: Needs
    about: dict[str, Any]

    @classmethod
    def of(cls, source: str, needs: Needs) -> "Prepared":
        """The folder for a source and a model, whether it exists or not."""
        size = "x".join(map(str, needs.grid.nodal_shape))
        about = {
            "source": shown(location(source)),
            "grid": f"{size} Gaussian",
            "levels": list(map(float, needs.levels)),
            "variables": list(needs.fields),
            "version": _VERSION,
        }
        whole = json.dumps([location(source), about], sort_keys=True)
        digest = hashlib.sha256(whole.encode()).hexdigest()
        last = about["source"].rpartition("/")[2]
        name = re.sub(r"[^\w.-]+", "-", last)[:60]
        return cls(root() / f"{name}_{size}_{digest[:8]}", needs, about)

    def load_atmosphere(self, time: np.datetime64) -> Atmosphere | None:
        """A state that was saved, or None."""
        loaded = self._load(_atmosphere(time))
        if loaded is None:
            return None
        fields, notes, times = loaded
        return Atmosphere(times[0], fields, notes)

    def save_atmosphere(self, atmosphere: Atmosphere) -> pathlib.Path:
        """Keep a state."""
        return self._save(
            _atmosphere(atmosphere.time),
            np.array([atmosphere.time]),
            {name: x[None] for name, x in atmosphere.fields.items()},
            atmosphere.notes,
        )

    def load_sea(self, key: str) -> Sea | None:
        """A sea that was saved, or None."""
        loaded = self._load(key)
        if loaded is None:
            return None
        fields, notes, times = loaded
        fields = {name: x[:, None] for name, x in fields.items()}
        return Sea(times, fields, notes)

    def save_sea(self, key: str, sea: Sea) -> pathlib.Path:
        """Keep a sea."""
        fields = {name: x[:, 0] for name, x in sea.fields.items()}
        return self._save(key, sea.times, fields, sea.notes)

    def path_of_atmosphere(self, time: np.datetime64) -> pathlib.Path:
        """Where a state is or would be."""
        return self._path(_atmosphere(time))

    def _path(self, key: str) -> pathlib.Path:
        return self.folder / f"{key}.nc"

    def _dataset(
        self,
        times: np.ndarray,
        fields: dict[str, np.ndarray],
        notes: tuple[str, ...],
    ) -> "xarray.Dataset":
        import xarray as xr

        grid = self.needs.grid
        # Twelve decimals: 90 degrees is 90.0, so that a user can select it.
        coords = {
            "time": ("time", times.astype("datetime64[ns]")),
            "level": (
                "level",
                list(self.needs.levels),
                {"units": "hPa", "positive": "down"},
            ),
            "longitude": (
                "longitude",
                np.rad2deg(grid.longitude).round(12),
                {"units": "degrees_east"},
            ),
            "latitude": (
                "latitude",
                np.rad2deg(grid.latitude).round(12),
                {"units": "degrees_north"},
            ),
        }
        data = {}
        for name, x in fields.items():
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
        if not any(VARIABLES[name].on_levels for name in fields):
            del coords["level"]
        attributes = {
            "Conventions": "CF-1.11",
            "title": "Prepared for a neural general circulation model",
            "source": self.about["source"],
            "history": f"{_now()}: prepared by ngcm {ngcm_cli.__version__}",
            "notes": "\n".join(notes),
        }
        dataset = xr.Dataset(data, coords, attributes)
        dataset["time"].encoding = {"units": f"seconds since {_EPOCH}", "dtype": "i8"}
        return dataset

    def _load(
        self, key: str
    ) -> tuple[dict[str, np.ndarray], tuple[str, ...], np.ndarray] | None:
        path = self._path(key)
        if not path.exists():
            return None
        try:
            with netCDF4.Dataset(path) as file:
                file.set_auto_mask(False)
                fields = {n: x[:] for n, x in file.variables.items() if n in VARIABLES}
                notes = tuple(filter(None, file.notes.split("\n")))
                times = _EPOCH + file["time"][:].astype("timedelta64[s]")
        except (OSError, RuntimeError, AttributeError) as error:
            log.warning(f"{path} is damaged ({error}) and is prepared again.")
            return None
        if key.startswith("atmosphere"):
            fields = {name: x[0] for name, x in fields.items()}
        return fields, notes, times

    def _save(
        self,
        key: str,
        times: np.ndarray,
        fields: dict[str, np.ndarray],
        notes: tuple[str, ...],
    ) -> pathlib.Path:
        path = self._path(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            about = self.folder / _ABOUT
            if not about.exists():
                with _appearing(about) as new:
                    new.write_text(json.dumps(self.about, indent=1), encoding="utf-8")
            with _appearing(path) as new:
                self._dataset(times, fields, notes).to_netcdf(new, engine="netcdf4")
        except (OSError, RuntimeError) as error:  # the C library's are the latter
            raise OutputError(
                f"Prepared data cannot be kept in {self.folder}: {error}.",
                "Free some space, or set NGCM_HOME to another folder.",
            ) from error
        return path


@contextlib.contextmanager
def _appearing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A place to write to, which takes the name when it is whole."""
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield new
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def _atmosphere(time: np.datetime64) -> str:
    return f"atmosphere_{format_time(time)}"


def root() -> pathlib.Path:
    """The folder of all prepared data."""
    return cache_dir() / "data"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A folder of prepared data, or of downloaded files.

    Attributes:
        folder: where.
        source: what was prepared.
        grid: of the fields.
        keys: of the files in it, in order.
        size: of all of them, in bytes.
    """

    folder: pathlib.Path
    source: str
    grid: str
    keys: tuple[str, ...]
    size: int


def entries() -> list[Entry]:
    """Everything that is kept, by folder; also what an interrupted run left."""
    found = []
    for folder in sorted(path for path in root().glob("*") if path.is_dir()):
        about, files = {}, [f for f in sorted(folder.iterdir()) if f.is_file()]
        with contextlib.suppress(OSError, ValueError):
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if not files:
            continue
        whole = [
            f.stem if about else f.name
            for f in files
            if f.name != _ABOUT and f.name[0] != "." and f.suffix not in _UNFINISHED
        ]
        found.append(
            Entry(
                folder,
                about.get("source", "downloaded files"),
                about.get("grid", "as downloaded"),
                tuple(whole),
                sum(f.stat().st_size for f in files),
            )
        )
    return found


def remove(entry: Entry) -> None:
    """Remove a folder of prepared data.

    Raises:
        OutputError: it cannot be removed.
    """
    try:
        shutil.rmtree(entry.folder)
    except OSError as error:
        raise OutputError(
            f"{entry.folder} cannot be removed: {error}.", "Check its permissions."
        ) from error


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
