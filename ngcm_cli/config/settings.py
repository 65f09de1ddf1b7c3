"""Settings that all kinds of runs share."""

from typing import Any, ClassVar, Self

import numpy as np
import pydantic

from ngcm_cli.config import nudging, values
from ngcm_cli.config.checked_settings import CheckedSettings
from ngcm_cli.errors import ConfigError

_MOST_RUNS = 100_000


class Settings(CheckedSettings):
    """Settings of any run: immutable and checked.

    Attributes:
        model: name of a model in the zoo, or path of its card.
        data: source of initial analyses: a NetCDF, GRIB or Zarr path, a URL, a pattern
            of files, or a named source such as ``arco``; None is the bundled sample.
        init: initial times, UTC; None is the default of the command.
        precision: of matrix products: ``published``, ``float32`` or ``fast``, which
            `gcm.precision` explains.
        seed: seed of the random numbers, ``jax.random.key(seed)``, below 2**32.
        variables: output variables; None is the default of the command.
        levels: output levels: pressures in hPa, or ``"model"`` for the model's sigma
            levels; None is all pressure levels.
        grid: spacing in degrees of a regular output grid with poles; None is the grid
            of the model.
        clip_humidity: whether negative humidity and cloud are written as zero, with the
            water that this adds.
        output: path of the output; None makes a name of model and initial time.
        zarr_format: version of the format of Zarr stores, 3 or 2.
        sst_data: source of sea-surface temperature and sea ice.
        sst_time: what one field of it a month is: the ``mean`` of the month, or an
            ``instant``; None is as the file states.
        sst_offset: offset that is added to sea-surface temperature, K.
        nudge: source of analyses that the state is nudged to; None is a free run.
        nudge_time: time scale of nudging.
        nudge_variables: names of the variables that are nudged.
        nudge_wavenumber: highest total wavenumber that is nudged; None is all.
        restart_every: time between restart files; None writes them every few minutes of
            computing and at interruptions.
        on_instability: ``stop`` a member that becomes unstable, or ``rewind`` it to its
            last restart file, perturb it and continue.
        batch: number of members computed together; None is as many as fit into memory.
        scheduler: address of a Dask scheduler whose workers share the initial times.
        coordinator: HOST:PORT where the first of several processes listens.
        process: number of this process and of all processes, such as ``0/2``.
        offline: whether the network is not used, so that weights and data must be on
            this computer.
    """

    allowed_on_resume: ClassVar[tuple[str, ...]] = (
        *("on_instability", "restart_every"),
        *("scheduler", "coordinator", "process", "offline"),
    )
    """Settings that may change when a run is resumed."""

    sources: ClassVar[tuple[str, ...]] = ("data", "sst_data", "nudge")
    """Settings that name data."""

    model: values.Text = values.DEFAULT_MODEL
    data: values.Text | None = None
    init: values.Times | None = None
    precision: values.Precision = "published"
    seed: values.Seed = 0
    variables: values.Names | None = None
    levels: values.Levels | None = None
    grid: values.Spacing = None
    clip_humidity: values.Switch = False
    output: values.Path | None = None
    zarr_format: values.ZarrFormat = 3
    sst_data: values.Text | None = None
    sst_time: values.SstTime | None = None
    sst_offset: values.Kelvin = 0.0
    nudge: values.Text | None = None
    nudge_time: values.Duration | None = None
    nudge_variables: nudging.Variables | None = None
    nudge_wavenumber: values.Count | None = None
    restart_every: values.Duration | None = None
    on_instability: values.OnInstability = "stop"
    batch: values.Batch = None
    scheduler: values.Text | None = None
    coordinator: values.Text | None = None
    process: values.Text | None = None
    offline: values.Switch = False

    @property
    def init_times(self) -> tuple[np.datetime64 | None, ...]:
        """Initial times; None stands for the only time in the data."""
        return self.init or (None,)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _nudged(cls, given: dict[str, Any]) -> dict[str, Any]:
        return nudging.with_defaults(given)

    @pydantic.model_validator(mode="after")
    def _not_empty(self) -> Self:
        for name in ("variables", "levels"):
            if getattr(self, name) == ():
                raise ConfigError(
                    f"{name} is empty.", "Name at least one, or leave it out."
                )
        return self

    @pydantic.model_validator(mode="after")
    def _bounded(self) -> Self:
        members, starts = getattr(self, "members", 1), len(self.init_times)
        each = len(members) if isinstance(members, range) else members
        if each * starts > _MOST_RUNS:
            raise ConfigError(
                f"{each * starts} runs, members times initial times, are more than "
                f"{_MOST_RUNS}.",
                "Give fewer members or initial times.",
            )
        return self
