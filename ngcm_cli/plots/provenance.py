"""Where a picture comes from: model, weights and licence, as files record them."""

import pathlib

import xarray as xr

import ngcm_cli

_STORES = ("global", "monthly", "daily", "instantaneous")
"""Stores of climate runs, whose names say little without that of the run."""


def model_of(dataset: xr.Dataset) -> str:
    """Return the name of the model that made the data, else that of the file."""
    for name in ("model", "source_id"):
        if model := str(dataset.attrs.get(name, "")):
            return model
    return file_name(dataset)


def file_name(dataset: xr.Dataset) -> str:
    """Return the last part of the location of a dataset."""
    path = pathlib.PurePosixPath(str(dataset.attrs.get("location", "")))
    if path.suffix == ".zarr" and path.stem.partition("_")[0] in _STORES:
        return f"{path.parent.name}/{path.name}".lstrip("/")
    return path.name


def footer_of(*datasets: xr.Dataset) -> str:
    """Return files, models, weights, licences and the version of ngcm as one line."""
    parts = []
    for dataset in datasets:
        attributes = dataset.attrs
        words = [file_name(dataset)]
        if weights := attributes.get("weights_sha256"):
            words.append(f"weights {str(weights)[:8]}")
        if licence := attributes.get("license"):
            words.append(str(licence)[:40])
        if unfinished := attributes.get("unfinished"):
            words.append(f"unfinished run, {unfinished}")
        parts.append(", ".join(filter(None, words)))
    return " · ".join([*dict.fromkeys(parts), f"ngcm {ngcm_cli.__version__}"])
