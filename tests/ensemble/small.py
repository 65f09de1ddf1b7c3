"""Small ensembles of the reduced model: how they are started and compared."""

import pathlib

import numpy as np
import xarray as xr

from ngcm_cli.simulation import run

SMALL = {
    "lead": "12h",
    "every": "6h",
    "seed": 7,
    "variables": "temperature,u_component_of_wind",
    "levels": "500,850",
}
"""What is forecast; three lead times."""

NAMES = "temperature", "u_component_of_wind"
STATISTICS = "mean,std,min,max,p10,p50,p90"


class Stop(Exception):
    """In the middle of a run."""


def stopping(block, lead):
    """Follows a run that is cut short at a lead time of a block."""

    def track(reports, plan):
        for report in reports:
            if (report.done, report.lead) == (block, lead):
                raise Stop
            yield report

    return track


def seeing(seen: list):
    """Follows a run whose reports are added to a list."""

    def track(reports, plan):
        for report in reports:
            seen.append(report)
            yield report

    return track


def go(output, track=None, **settings) -> pathlib.Path:
    """An ensemble in this process."""
    more = {} if track is None else {"track": track}
    return run.ensemble(**SMALL | settings, output=str(output), **more)


def flags(output, **settings) -> list[str]:
    """The command line of the same ensemble."""
    words = ["ensemble"]
    for name, value in {**SMALL, "output": output, **settings}.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", str(value)]
    return words


def read(path) -> xr.Dataset:
    """All of an output."""
    with xr.open_zarr(path, chunks=None) as opened:
        return opened.load()


def assert_same(one: xr.Dataset, other: xr.Dataset) -> None:
    """Everything, bit by bit; attributes apart."""
    assert sorted(one.variables) == sorted(other.variables)
    for name in one.variables:
        a, b = one[name].values, other[name].values
        assert a.dtype == b.dtype and a.shape == b.shape, name
        assert a.tobytes() == b.tobytes(), name


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square of the difference, of the deviations from the mean."""
    a, b = (np.asarray(x, np.float64) for x in (a, b))
    return float(np.sqrt(((a - b) ** 2).mean()) / a.std())
