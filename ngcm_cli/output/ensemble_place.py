"""Where ensembles are: stores that are made, found, and made ready to go on."""

import contextlib
import json
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ngcm_cli.errors import OutputError
from ngcm_cli.output.ensemble_layout import COMPLETED, SUMMED, EnsembleLayout
from ngcm_cli.output.place import store_path
from ngcm_cli.output.template import consolidate, write_template
from ngcm_cli.output.writing import blaming, put, put_aside

if TYPE_CHECKING:
    import zarr

_ABOUT = "ngcm_ensemble"  # attribute of the store, as JSON


def make_store(
    path: pathlib.Path, layout: EnsembleLayout, about: Mapping[str, Any]
) -> None:
    """Make the store of an ensemble, without data; whole or not there.

    Args:
        path: of the output; what is there is replaced.
        layout: what it will hold.
        about: what those who go on with it must know.
    """
    place = store_path(path).resolve()
    new = put_aside(place)
    try:
        with writing(path, lambda: "Nothing was written."):
            attributes = layout.global_attributes()
            attributes |= {"status": "running", _ABOUT: json.dumps(dict(about))}
            write_template(new, attributes, layout.coordinates(), layout.on_disk())
            put(new, place, overwrite=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def go_on(path: pathlib.Path, layout: EnsembleLayout, about: Mapping[str, Any]) -> None:
    """Make ready the store of an ensemble that goes on, or to which members are added.

    It says early which members it will have. If something stops what comes then, that
    is done when the ensemble goes on.

    Args:
        path: of the output.
        layout: with the members that are there and new ones, in this order.
        about: what those who go on with it must know.
    """
    import zarr

    group = open_ensemble(path, "r+")
    with writing(path, lambda: "What it held is there."):
        before, _, _ = read_about(path)
        attributes: dict[str, Any] = {"status": "running"}
        attributes[_ABOUT] = json.dumps(dict(about))
        if list(about["members"]) != before["members"]:
            if SUMMED in group:  # first: the statistics are not those of all
                summed = group[SUMMED]
                assert isinstance(summed, zarr.Array)
                summed[...] = 0
            new = layout.global_attributes()["history"]
            attributes["history"] = f"{group.attrs['history']}\n{new}"
        group.update_attributes(attributes)
        for variable in layout.on_disk():
            array = group[variable.name]
            assert isinstance(array, zarr.Array)
            if array.shape != variable.shape:
                array.resize(variable.shape)
        numbers = group["realization"]
        assert isinstance(numbers, zarr.Array)
        if numbers.shape != (len(layout.realizations),):
            numbers.resize((len(layout.realizations),))
        numbers[...] = np.array(layout.realizations, np.int64)
        consolidate(store_path(path))


def has_ensemble(path: pathlib.Path) -> bool:
    """Whether there is one, for which an output stands."""
    try:
        read_about(path)
    except OutputError:
        return False
    return True


def read_about(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """What is known of an ensemble that is there.

    Returns:
        What those must know who go on with it, all attributes, and whether it is a
        NetCDF file by now.

    Raises:
        OutputError: it is not there, damaged, or not an ensemble's.
    """
    if path.suffix not in (".zarr", ".nc"):
        hint = "The names of outputs end in .zarr or .nc."
        raise OutputError(f"No output is called '{path}'.", hint)
    exported = path != store_path(path) and not store_path(path).exists()
    attributes = (
        _netcdf_attributes(path) if exported else dict(open_ensemble(path).attrs)
    )
    try:
        return json.loads(str(attributes[_ABOUT])), attributes, exported
    except (KeyError, ValueError):
        raise OutputError(
            f"{path} is not an ensemble of ngcm's, or damaged.",
            "Name the output of one.",
        ) from None


def _zarr_attributes(path: pathlib.Path) -> dict[str, Any]:
    return dict(open_ensemble(path).attrs)


def _netcdf_attributes(path: pathlib.Path) -> dict[str, Any]:
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            return {name: file.getncattr(name) for name in file.ncattrs()}
    except OSError as error:
        raise _unopened(path, error) from None


def _unopened(path: pathlib.Path, error: Exception) -> OutputError:
    message = f"The ensemble {path} cannot be opened: {error}."
    return OutputError(message, "Check its name.")


def open_ensemble(path: pathlib.Path, mode: Any = "r") -> "zarr.Group":
    """The store of an ensemble.

    Args:
        path: of the output.
        mode: as Zarr has it.

    Raises:
        OutputError: it is not there, damaged, or not an ensemble's.
    """
    import zarr

    place = store_path(path)
    try:
        # What is consolidated may be older than what other processes wrote since.
        group = zarr.open_group(place, mode=mode, use_consolidated=False)
        if _ABOUT in group.attrs and COMPLETED in group:
            return group
    except (OSError, ValueError, KeyError) as error:
        raise _unopened(path, error) from None
    raise OutputError(
        f"{place} is not an ensemble of ngcm's.", "Name the output of one."
    )


def writing(
    path: pathlib.Path, progress: Callable[[], str]
) -> contextlib.AbstractContextManager[None]:
    """A context in which an ensemble is written, as `blaming` has it.

    Args:
        path: of the output.
        progress: says what there is.
    """
    return blaming(f"Writing {path}", lambda action: f"{action}. {progress()}")
