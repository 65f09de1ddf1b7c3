"""The analyses that a run is nudged to, encoded and brought to the device in time."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ngcm_cli.config.settings import Settings
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.interface import Model
from ngcm_cli.gcm.nudging import Nudging, relaxed_part
from ngcm_cli.inputs.analysis_series import AnalysisSeries
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.sources.location import naming_file
from ngcm_cli.io.array_digest import arrays_sha256
from ngcm_cli.io.progress import ByteProgress, no_progress
from ngcm_cli.simulation.schedule import Schedule
from ngcm_cli.simulation.simulation import member_key
from ngcm_cli.time_format import format_duration, format_time
from ngcm_cli.units import REFERENCE_TIME


class NudgingReference:
    """Analyses on the device, encoded by the model, for one sample of a run at once.

    A sample needs the analyses that enclose it, and all samples as many, so that one
    program serves them. They are read while the device computes the sample before.

    The encoder of a stochastic model sees random fields. Here they are those of the
    seed alone, for all times and members: members are nudged to one state, and a
    forecast that starts from these analyses begins on it.

    Args:
        config: the settings.
        model: encodes the analyses.
        schedules: of all initial times.
        progress: of downloads.

    Attributes:
        notes: conversions and substitutions made in the data, one sentence each.
        sha256: of their times and of the first of them, hexadecimal: another file of
            other times or numbers is noticed when a run is resumed.

    Raises:
        ConfigError: the time scale is shorter than a model step.
        InputDataError: the analyses do not cover the run, or cannot be used.
    """

    def __init__(
        self,
        config: Settings,
        model: Model,
        schedules: Sequence[Schedule],
        progress: ByteProgress = no_progress,
    ):
        assert config.nudge and config.nudge_time and config.nudge_variables
        self._model, self._variables = model, config.nudge_variables
        self._wavenumber, self._seed = config.nudge_wavenumber, config.seed
        if config.nudge_time < model.time_step:
            step = format_duration(model.time_step)
            raise ConfigError(
                f"nudge_time {format_duration(config.nudge_time)} is shorter than the "
                f"step of {model.name}, {step}.",
                f"Give {step} or more.",
            )
        self._steps = float(config.nudge_time / model.time_step)
        self._series = AnalysisSeries(
            config.nudge,
            ModelInputs.of(model),
            offline=config.offline,
            progress=progress,
        )
        self._size, self._states, times = 1, {}, []
        for schedule in schedules:
            times.append(self._series.cover(schedule.init, schedule.end))
            self._check(times[-1])
            begins = np.arange(schedule.init, schedule.end, schedule.sample)
            first, last = self._enclosing(begins, begins + schedule.sample)
            self._size = max([self._size, *(last - first + 1)])
        first = self._series.read(times[0][0])
        self.notes = first.notes
        fields = (first.fields[name] for name in sorted(first.fields))
        self.sha256 = arrays_sha256(*times, *fields)

    def of(self, schedule: Schedule) -> Callable[[np.datetime64, Forcing], Nudging]:
        """Return a function from the beginning of a sample to the nudging in it.

        Its second argument is a forcing of the model, which encoders want.
        """

        def nudging(begin: np.datetime64, forcing: Forcing) -> Nudging:
            end = max(begin, min(begin + schedule.sample, schedule.end))
            first, last = self._enclosing(begin, end)
            times = self._series.times[first : last + 1]
            known = self._states
            self._states = {
                time: known[time] if time in known else self._encoded(time, forcing)
                for time in times
            }
            states = tuple(self._states.values())
            return Nudging.toward(
                times, states, self._steps, self._variables, self._size
            )

        return nudging

    def _enclosing(self, begin: Any, end: Any) -> tuple[Any, Any]:
        """Return the indices of the last time before and of the first time after."""
        times = self._series.times
        return (
            np.searchsorted(times, begin, side="right") - 1,
            np.searchsorted(times, end, side="left"),
        )

    def _encoded(self, time: np.datetime64, forcing: Forcing) -> tuple[jax.Array, ...]:
        fields = self._series.read(time).fields
        key = member_key(self._seed)
        state = self._model.encode(fields, forcing, time, key)
        return relaxed_part(state.state, self._variables, self._wavenumber)

    def _check(self, times: np.ndarray) -> None:
        """Refuse analyses between the steps of the physics."""
        step = np.timedelta64(self._model.substep_minutes, "m")
        beyond = (times - REFERENCE_TIME) % step != np.timedelta64(0, "s")
        if beyond.any():
            with naming_file(self._series.data):
                raise InputDataError(
                    f"{format_time(times[beyond][0])} is not a whole number of steps "
                    f"of {self._model.name}, {format_duration(step)}, from "
                    f"{format_time(REFERENCE_TIME)}.",
                    "Select times that are.",
                )
