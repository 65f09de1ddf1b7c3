"""``ngcm sensitivity``: what a forecast depends on, by adjoint gradients."""

import pathlib
import time
from typing import Any

import typer

from ngcm_cli.cli.console import messages, print_line, print_summary
from ngcm_cli.cli.options import (
    OPTIONS,
    OUTPUT_NAMES,
    Offline,
    Overwrite,
    metavar,
    text,
    texts,
)
from ngcm_cli.cli.progress import Display
from ngcm_cli.cli.run_command import RunFile, with_options

_OPTIONS: dict[str, Any] = {
    "target": texts(
        "TARGET",
        "What of the forecast: mean(VARIABLE, lat=S:N, lon=W:E), "
        "kinetic_energy(HPA|HPA:HPA, ...) or mse(VARIABLE, ...), with region=NAME or "
        "nothing in place of lat and lon; NAME=... names it.  Repeatable.",
    ),
    "lead": text("DURATION", "Lead time of the targets, such as 36h.  [default: 3d]"),
    "with_respect_to": texts(
        "NAME,...",
        "Initial fields and surface fields whose gradients are written.  [default: "
        "t,u,v,q,sst]",
    ),
    "perturbation": texts(
        "gradient|none|CHANGE",
        "Change of the initial fields whose effect is predicted and computed, such as "
        "'t850 += 1, lat=45:60, lon=230:250' in SI units; gradient is a small one "
        "along the gradient of each target.  [default: gradient]",
    ),
    "truth": text(
        metavar("PATH", "URL"), "Analysis at the lead time, for targets mse(...)."
    ),
    "singular_vectors": text(
        "N", "Compute so many leading singular vectors, which grow most until the lead."
    ),
    "norm": text(
        "total-energy|dry-energy",
        "Norm in which singular vectors grow.  [default: total-energy]",
    ),
    "members": text(
        "N|FIRST:END",
        "Members, each with gradients of its own.  [default: one run with the seed]",
        *("-n", "--members"),
    ),
    "seed": OPTIONS["seed"],
    "model": OPTIONS["model"],
    "data": OPTIONS["data"],
    "init": text("TIME", "Initial time in UTC.  [default: the only one in DATA]"),
    "sst": OPTIONS["sst"],
    "sst_data": OPTIONS["sst_data"],
    "sst_time": OPTIONS["sst_time"],
    "sst_offset": OPTIONS["sst_offset"],
    "output": text(
        "FILE.nc",
        "NetCDF file of the gradients.  [default: MODEL_INIT_sensitivity.nc]",
        *OUTPUT_NAMES,
    ),
    "overwrite": Overwrite,
    "offline": Offline,
}


def sensitivity(config: pathlib.Path | None = None, **given: Any) -> None:
    """Compute gradients of a forecast, or its singular vectors.

    Gradients of numbers of the forecast with respect to the initial fields and the
    surface, by the adjoint of the model, as maps; and how well they predict the effect
    of a perturbation. Prints the path of the file.

    Example: ngcm sensitivity --target "mean(t850, lat=45:60, lon=230:250)" --lead 1d
    """
    with messages() as console:
        from ngcm_cli.config.run_file import read_run_file
        from ngcm_cli.config.sensitivity import SensitivityConfig

        known = SensitivityConfig.model_fields
        settings = read_run_file(config, known) if config else {}
        settings |= {name: x for name, x in given.items() if x is not None}
        checked = SensitivityConfig(**settings)
        started = time.monotonic()
        with Display(console, "Reading the model and the data") as display:
            from ngcm_cli.sensitivity.find import save_sensitivity

            path, found = save_sensitivity(checked, display.download, display.count)
        if "perturbation_check" in found.attrs:
            print_line(console, found.attrs["perturbation_check"])
        if "singular_value" in found:
            values = ", ".join(f"{x:.4g}" for x in found["singular_value"].values)
            print_line(console, f"Singular values: {values}.")
        print_summary(console, path, time.monotonic() - started)
        typer.echo(path)


with_options(sensitivity, {**_OPTIONS, "config": RunFile})
