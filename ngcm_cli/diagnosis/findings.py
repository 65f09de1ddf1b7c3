"""Findings of several members and of a reference, in one dataset."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ngcm_cli.diagnosis.sphere import area_weights, weighted_mean
from ngcm_cli.diagnosis.trends import without_annual_cycle

MEMBER, REFERENCE = "realization", "_reference"
_SECTIONS = "zonal_wind", "zonal_temperature"
_CLIMATOLOGY, _MONTHS = "_climatology", "calendar_month"


def merged(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the variables of all parts; a variable of several is that of the first."""
    return xr.merge(
        list(parts), join="outer", compat="override", combine_attrs="override"
    )


def join_members(findings: Sequence[xr.Dataset], members: Sequence[int]) -> xr.Dataset:
    """Return the findings of all members along ``realization``.

    Without numbers of members they are the only one's, without the dimension. What some
    members lack is missing there.
    """
    if not members:
        return findings[0]
    names = dict.fromkeys(name for found in findings for name in found.data_vars)
    attributes = {
        name: next(x[name].attrs for x in findings if name in x) for name in names
    }
    number = xr.DataArray(list(members), dims=MEMBER, name=MEMBER, attrs={"units": "1"})
    joined = xr.concat(
        list(findings),
        number,
        data_vars="all",
        coords="minimal",
        compat="equals",
        join="outer",
        combine_attrs="override",
    )
    for name, known in attributes.items():
        joined[name].attrs = known
    return joined


def with_reference(run: xr.Dataset, reference: xr.Dataset) -> xr.Dataset:
    """Return the findings of a run with those of a reference beside them.

    Findings that both have are there twice, those of the reference under their name
    with ``_reference``. Fields that both have the climatology of have a ``_bias``, the
    mean difference over the calendar months that both have, and its area-weighted root
    mean square ``_rmsb``; zonal means by season have a ``_bias``; the monthly global
    temperature of both is correlated.
    """
    if MEMBER in reference.dims:
        reference = reference.mean(MEMBER, keep_attrs=True)
    shared = [name for name in run.data_vars if name in reference.data_vars]
    beside = reference[shared].rename({name: f"{name}{REFERENCE}" for name in shared})
    for name in shared:
        title = f"{run[name].attrs['long_name']}, reference"
        beside[f"{name}{REFERENCE}"].attrs["long_name"] = title
    result = merged([run, beside])
    for name in shared:
        if str(name).endswith(_CLIMATOLOGY) and "latitude" in run[name].dims:
            _add_bias(result, run, reference, str(name))
    for name in (name for name in _SECTIONS if name in shared):
        bias, what = run[name] - reference[name], run[name].attrs["long_name"]
        result[f"{name}_bias"] = bias.assign_attrs(
            run[name].attrs, long_name=f"{what}, difference from the reference"
        )
    if "global_temperature" in shared and "level" in run["global_temperature"].dims:
        _add_correlation(result, run["global_temperature"], reference)
    return result


def _add_bias(
    result: xr.Dataset, run: xr.Dataset, reference: xr.Dataset, name: str
) -> None:
    """Add the bias of a climatology, over the months that both have."""
    ours, theirs = xr.align(run[name], reference[name], join="inner")
    if not ours.sizes[_MONTHS] or ours.sizes["latitude"] != run.sizes["latitude"]:
        return
    bias = (ours - theirs).mean(_MONTHS)
    horizontal = [dim for dim in ("latitude", "longitude") if dim in bias.dims]
    bias = bias.transpose(..., *horizontal)
    field = name.removesuffix(_CLIMATOLOGY)
    what = str(run[name].attrs["long_name"]).partition(",")[0]
    known = {"units": run[name].attrs["units"], "topic": "Bias of the mean state"}
    result[f"{field}_bias"] = bias.assign_attrs(
        known, long_name=f"{what}, mean difference from the reference"
    )
    weights = area_weights(bias["latitude"].values)
    values = bias.values if "longitude" in bias.dims else bias.values[..., None]
    for kind, value, title in (
        ("mean_bias", weighted_mean(values, weights), "bias, global mean"),
        (
            "rmsb",
            np.sqrt(weighted_mean(values**2, weights)),
            "root mean square of the map of bias (RMSB)",
        ),
    ):
        dims = bias.dims[: -len(horizontal)]
        result[f"{field}_{kind}"] = xr.DataArray(
            value, dims=dims, attrs={**known, "long_name": f"{what}, {title}"}
        )


def _add_correlation(
    result: xr.Dataset, ours: xr.DataArray, reference: xr.Dataset
) -> None:
    """Add the correlation of monthly anomalies of the global mean at 850 hPa."""
    a, b = xr.align(ours, reference["global_temperature"], join="inner")
    near = np.flatnonzero(np.isclose(a["level"].values, 850))
    if not len(near) or a.sizes["month"] < 24:
        return
    months = a["month"].values.astype("datetime64[M]").astype(int) % 12
    a, b = (x.isel(level=int(near[0])).transpose("month", ...) for x in (a, b))
    x, y = (without_annual_cycle(z.values, months) for z in (a, b))
    y = y.reshape(len(y), *[1] * (x.ndim - 1))
    size = np.sqrt((x**2).sum(0) * (y**2).sum(0))
    result["global_temperature_correlation_850hPa"] = xr.DataArray(
        np.divide((x * y).sum(0), size, np.full_like(size, np.nan), where=size > 0),
        dims=a.dims[1:],
        attrs={
            "units": "1",
            "long_name": "Correlation of monthly global mean temperature at 850 hPa "
            "with the reference, without annual cycle",
            "topic": ours.attrs["topic"],
        },
    )
