"""Flags that only ``ngcm ensemble`` has; `None` means that one was not given."""

from typing import Annotated

import typer

Members = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--members",
        metavar="N|FIRST:END",
        help="How many members, or which: 50:100 adds the second fifty to an output "
        "that has the first.  [default: 10]",
    ),
]
Inits = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="TIME|FIRST/LAST/STEP",
        help="Initial times in UTC, as 2020-08-22T12 or 2020-01-01/2020-12-31/12h."
        "  [default: the only one in DATA]",
    ),
]
Statistics = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME,...",
        help="Statistics over the members to write: mean, std, min, max, and "
        "percentiles as p10; may be repeated.  [default: none]",
    ),
]
KeepMembers = Annotated[
    bool | None,
    typer.Option(
        "--keep-members/--no-keep-members",
        help="Write the members themselves.  [default: yes]",
    ),
]
Batch = Annotated[
    str | None,
    typer.Option(
        metavar="auto|N",
        help="Members that run at once.  [default: auto, as many as fit into memory]",
    ),
]
EnsembleOutput = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="PATH",
        help="A name in .zarr or .nc.  [default: MODEL_INIT_ensemble.zarr, in this "
        "folder]",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Go on with what is missing from this output."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Share the initial times among the workers of this Dask scheduler.",
    ),
]
Coordinator = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Share the members among processes that find each other there; SLURM and "
        "Cloud TPU need no such word.",
    ),
]
Process = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Which of these processes this is, as 0/2 and 1/2."
    ),
]
