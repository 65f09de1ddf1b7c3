"""The argument and the flags of `ngcm export`; `None` means not given."""

from typing import Annotated

import typer

Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Folder that a run wrote to."),
]
Cmor = Annotated[
    bool | None,
    typer.Option(
        "--cmor",
        help="NetCDF with CMIP's names, a file per variable and realization, as AIMIP "
        "Phase 1 asks for.",
    ),
]
ExportFolder = Annotated[
    str | None,
    typer.Option(
        "--output", metavar="DIR", help="Folder for the files.  [default: RUN/cmor]"
    ),
]
Experiment = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="CMIP's experiment_id.  [default: aimip, aimip-p2k or aimip-p4k, after "
        "the run's sea]",
    ),
]
SourceId = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="CMIP's name of the model, in letters, digits and dashes.  [default: of "
        "the model's name]",
    ),
]
Institution = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Who ran it.  [default: unspecified]"),
]
