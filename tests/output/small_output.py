"""Small outputs: fields on three levels of an 8 x 4 grid, each with its own values."""

import pathlib

import numpy as np

from ngcm_cli.diagnostics import DIAGNOSTICS, GLOBAL_MEANS
from ngcm_cli.output.field_selection import FieldSelection
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.output.schema import StoreSchema, lead_time_schema
from ngcm_cli.output.streams import ClimateOutput, Stream
from ngcm_cli.output.zarr import ZarrWriter, create_store
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(3)
LEVELS = (200, 500, 850)
SIGMA = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
SERIES = {
    name: (mean.dimensions, mean.statistic, mean.attributes())
    for name, mean in GLOBAL_MEANS.items()
}
HOURS = {n: np.timedelta64(3600 * n, "s") for n in (1, 6, 24)}


def selection(variables=("temperature", "surface_pressure"), **changes):
    """Return the selection of some variables on all levels of the model's grid."""
    settings = {
        "levels": LEVELS,
        "model_levels": LEVELS,
        "vertical": "level",
        "grid": OutputGrid.native(GRID),
    }
    return FieldSelection(
        {name: DIAGNOSTICS[name] for name in variables}, **settings | changes
    )


def climate_output(
    start: str = "1984-01-01",
    end: str = "1984-03-01",
    sample: np.timedelta64 = HOURS[6],
    fields: FieldSelection | None = None,
    realizations=None,
) -> ClimateOutput:
    """Return the output of a long run."""
    return ClimateOutput(
        folder="",
        start=np.datetime64(start, "s"),
        end=np.datetime64(end, "s"),
        sample=sample,
        fields=fields or selection(),
        series=SERIES,
        sigma=SIGMA,
        realizations=realizations,
        attributes={"title": "a run"},
    )


def stream(name: str, every=None, **changes) -> Stream:
    """Return one stream of a long run, by the name of its store."""
    streams = climate_output(**changes).streams(("monthly", "daily"), every)
    return next(s for s in streams if s.path == f"{name}.zarr")


def forecast_schema(leads: int = 3, **changes) -> StoreSchema:
    """Return the schema of a forecast with outputs every six hours."""
    settings = {
        "fields": selection(),
        "init_times": [np.datetime64("1959-01-02T00", "s")],
        "lead_times": np.arange(leads) * HOURS[6],
        "realizations": None,
        "statistics": (),
        "keep_members": True,
        "attributes": {"title": "A test", "seed": 7},
    }
    return lead_time_schema(**settings | changes)


def opened(path: pathlib.Path, schema: StoreSchema) -> ZarrWriter:
    """Return the writer of a store, which is created unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        create_store(path, schema, {"status": "running"})
    return ZarrWriter(path, schema)


def record(schema: StoreSchema, *index: int) -> dict[str, np.ndarray]:
    """Return fields that are distinct for every variable, record and place."""
    fields = {}
    for name, variable in schema.variables.items():
        records = sum(d in schema.record_dimensions for d in variable.dimensions)
        rng = np.random.default_rng([*index, len(name)])
        fields[name] = rng.normal(size=variable.shape[records:]).astype("f4")
    return fields


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    """Return all files in a directory but its checksums, byte by byte."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".checksums")
    }
