"""Argument and options of ``ngcm export``; None if not given."""

from typing import Annotated

import typer

Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Output directory of a run."),
]
Cmor = Annotated[
    bool | None,
    typer.Option(
        "--cmor",
        help="Write NetCDF with CMIP names, a file per variable and realization, as "
        "AIMIP Phase 1 requires.",
    ),
]
ExportFolder = Annotated[
    str | None,
    typer.Option(
        "--output", metavar="DIR", help="Directory for the files.  [default: RUN/cmor]"
    ),
]
Experiment = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="CMIP experiment_id.  [default: aimip, aimip-p2k or aimip-p4k, by the "
        "SST offset of the run]",
    ),
]
SourceId = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="CMIP source_id, of letters, digits and dashes.  [default: from the name "
        "of the model]",
    ),
]
Institution = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="Institution that made the run.  [default: unspecified]"
    ),
]
