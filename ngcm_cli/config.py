"""What a run is told: flags over an optional run file, checked before any work begins.

A run file is flat YAML whose keys are the flags; every value is read as the text that
the flag would be given, so that ``init: 2020-08-22`` and ``--init 2020-08-22`` mean the
same. Times and durations are NumPy's, in seconds.
"""

import difflib
import fractions
import pathlib
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

import numpy as np
import pydantic
import yaml

from ngcm_cli.clock import format_duration, format_time, parse_duration, parse_time
from ngcm_cli.errors import ConfigError

DEFAULT_MODEL = "tl63_stochastic_mini"
SEA_MODES = ("persist", "anomaly-persist", "climatology", "prescribed")
"""What the sea can do during a run; ``data.sea_modes`` says how."""


def closest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: the nearest known ones, else all of them."""
    known = list(known)
    near = [f"'{match}'" for match in difflib.get_close_matches(name, known, n=2)]
    return f"Did you mean {' or '.join(near)}?" if near else f"Use {', '.join(known)}."


def _words(value: Any) -> Any:
    """Split what a repeatable, comma-separated flag collects into single words."""
    if value is None:
        return None
    items = value if isinstance(value, list | tuple) else [value]
    words = [word.strip() for item in items for word in str(item).split(",")]
    return tuple(dict.fromkeys(word for word in words if word))


def _levels(value: Any) -> Any:
    words = _words(value)
    if words is None:
        return None
    try:
        numbers = sorted({float(word.lower().removesuffix("hpa")) for word in words})
        if not all(0 < number < np.inf for number in numbers):
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{','.join(words)}' are not pressure levels.",
            "Give them in hPa, as 500,850.",
        ) from None
    return tuple(int(n) if n == int(n) else n for n in numbers)


def _spacing(value: Any) -> int | float | None:
    """Degrees between the nodes of a regular grid with poles; None is native."""
    text = str(value).strip().lower()
    if value is None or text == "native":
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,12})?|\.[0-9]{1,12}", text):
        raise ConfigError(
            f"'{value}' is not a grid.",
            "Write native, or a spacing in degrees, as 1.5.",
        )
    degrees = fractions.Fraction(text)  # 0.1 exactly
    number = float(degrees)
    if not 0.1 <= number <= 90:
        raise ConfigError(
            f"A spacing of {text} degrees is not from 0.1 to 90.",
            "Give one that is, as 1.5, or native.",
        )
    if 180 % degrees:
        short = (180 / n for n in range(2, 1801) if not 180_000 % n)
        nearest = min(short, key=lambda known: abs(known - number))
        raise ConfigError(
            f"A spacing of {text} degrees does not divide 180, so no grid of it goes "
            "from pole to pole.",
            f"The nearest that does: {nearest:g}.",
        )
    return int(number) if number == int(number) else number


def _text(value: Any) -> str:
    if not isinstance(value, str | pathlib.PurePath):
        raise ConfigError(f"'{value}' is not a name.", "Give a name or a path.")
    if not str(value).strip():
        raise ConfigError("It is empty.", "Name one, or leave it out.")
    return str(value)


def _seed(value: Any) -> int:
    text = str(value).strip()
    if not re.fullmatch("[0-9]{1,10}", text) or int(text) >= 2**32:
        raise ConfigError(
            f"'{value}' is not a whole number from 0 to {2**32 - 1}.",
            "Give one that is: the random keys of JAX hold 32 bits here.",
        )
    return int(text)


def parse_switch(value: Any) -> bool:
    """Yes or no, as a flag or a run file says it."""
    word, yes = str(value).strip().lower(), ("yes", "true", "on", "1")
    if word not in (*yes, "no", "false", "off", "0"):
        raise ConfigError(f"'{value}' is neither yes nor no.", "Write yes or no.")
    return word in yes


def _sea_mode(value: Any) -> str:
    word = str(value).strip().lower().replace("_", "-")
    if word not in SEA_MODES:
        raise ConfigError(
            f"'{value}' is not something the sea can do.", closest(word, SEA_MODES)
        )
    return word


def _kelvin(value: Any) -> float:
    text = re.sub(r"\s*(k|°c|degc|c)$", "", str(value).strip().lower())
    try:
        number = float(text)
        if not abs(number) <= 20:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"'{value}' is not a change of temperature.",
            "Write it as 2K or -1.5K, up to 20 K.",
        ) from None
    return number


Duration = Annotated[np.timedelta64, pydantic.BeforeValidator(parse_duration)]
Time = Annotated[np.datetime64, pydantic.BeforeValidator(parse_time)]
Names = Annotated[tuple[str, ...], pydantic.BeforeValidator(_words)]
Levels = Annotated[tuple[int | float, ...], pydantic.BeforeValidator(_levels)]
Spacing = Annotated[int | float | None, pydantic.BeforeValidator(_spacing)]
Text = Annotated[str, pydantic.BeforeValidator(_text)]
Path = Annotated[pathlib.Path, pydantic.BeforeValidator(_text)]
Seed = Annotated[int, pydantic.BeforeValidator(_seed)]
Switch = Annotated[bool, pydantic.BeforeValidator(parse_switch)]
SeaMode = Annotated[str, pydantic.BeforeValidator(_sea_mode)]
Kelvin = Annotated[float, pydantic.BeforeValidator(_kelvin)]


class ForecastConfig(pydantic.BaseModel):
    """Everything that a forecast can be told.

    Attributes:
        model: name of a card in the zoo, or path of one.
        data: NetCDF, GRIB or Zarr with the initial state, as a path, a URL, a pattern
            of files, or ``arco``; None is the bundled sample, or ``arco`` where the
            sample does not hold ``init``.
        init: initial time in UTC; None is the only time in the data.
        lead: how far to forecast.
        every: time between outputs.
        seed: of the random stream, ``jax.random.key(seed)``, below 2**32.
        variables: what to write; None is what the model predicts on levels, and its
            precipitation.
        levels: pressure levels to write, in hPa; None is all of the model's.
        grid: to write on: spacing in degrees of a regular one with poles; None, in
            words ``native``, is the model's.
        output: ``.zarr`` or ``.nc``; None is a name made of model and init, here.
        overwrite: replace an existing output.
        sst: what the sea does: ``persist``, ``anomaly-persist``, ``climatology`` or
            ``prescribed``; see ``data.sea_modes``.
        sst_data: where sea-surface temperature and sea ice are, if not in ``data``.
        sst_offset: K, added to sea-surface temperature everywhere.
        offline: use no network; weights and data must be on this computer.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True
    )

    model: Text = DEFAULT_MODEL
    data: Text | None = None
    init: Time | None = None
    lead: Duration = np.timedelta64(10 * 86400, "s")
    every: Duration = np.timedelta64(6 * 3600, "s")
    seed: Seed = 0
    variables: Names | None = None
    levels: Levels | None = None
    grid: Spacing = None
    output: Path | None = None
    overwrite: Switch = False
    sst: SeaMode = "persist"
    sst_data: Text | None = None
    sst_offset: Kelvin = 0.0
    offline: Switch = False

    def __init__(self, **settings: Any):
        try:
            super().__init__(**settings)
        except pydantic.ValidationError as error:
            raise _as_sentence(error, type(self).model_fields) from None

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> Self:
        lead, every = format_duration(self.lead), format_duration(self.every)
        if self.every <= np.timedelta64(0, "s"):
            raise ConfigError("every is zero.", "Give a time between outputs, as 6h.")
        if self.lead % self.every:
            longer = format_duration((self.lead // self.every + 1) * self.every)
            raise ConfigError(
                f"lead {lead} is not a multiple of every {every}.",
                f"Forecast {longer}, or change every.",
            )
        for name in ("variables", "levels"):
            if getattr(self, name) == ():
                raise ConfigError(
                    f"{name} is empty.", "Name at least one, or leave it out for all."
                )
        return self

    def command_line(self) -> str:
        """The command that runs this again."""
        words = ["ngcm", "forecast"]
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name not in self.model_fields_set or value is None or value is False:
                continue
            words.append(f"--{name.replace('_', '-')}")
            if isinstance(value, tuple):
                words.append(",".join(map(str, value)))
            elif isinstance(value, np.timedelta64):
                words.append(format_duration(value))
            elif isinstance(value, np.datetime64):
                words.append(format_time(value))
            elif value is not True:
                words.append(str(value))
        return shlex.join(words)


def _as_sentence(
    error: pydantic.ValidationError, known: Mapping[str, Any]
) -> ConfigError:
    """The first complaint of a validation, as one that a user can act on."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, ConfigError):
        place = f"{name}: " if name else ""  # else it is about several settings
        return ConfigError(f"{place}{cause.message}", cause.hint)
    assert first["type"] == "extra_forbidden", first  # every value is read above
    return ConfigError(f"Unknown setting '{name}'.", closest(name, known))


class _TextLoader(yaml.BaseLoader):
    """Every scalar stays text, and no key may come twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.YAMLError(f"the key {key} is not a word")
            if key in mapping:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"'{key}' is given twice, again in line {line}")
            mapping[key] = self.construct_object(value_node, deep=True)
        return mapping


def read_run_file(
    path: str | pathlib.Path, known: Iterable[str] = ForecastConfig.model_fields
) -> dict[str, Any]:
    """Read the settings of a run from a YAML file, as text under the flags' names.

    Args:
        path: a flat mapping; keys are flags, with dashes or underscores.
        known: the keys that the command understands.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(
            f"The run file {path} cannot be read: {reason}.", "Check its name."
        ) from None
    try:
        content = yaml.load(text, Loader=_TextLoader)  # text only: nothing is built
    except (yaml.YAMLError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        problem = "it is nested too deeply" if deep else " ".join(str(error).split())
        raise ConfigError(
            f"The run file {path} is not valid YAML: {problem}.",
            "Write one 'key: value' per line, as in 'lead: 10d'.",
        ) from None
    if content in (None, ""):
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"The run file {path} is not 'key: value' pairs.",
            "Write one 'key: value' per line, as in 'lead: 10d'.",
        )
    known = list(known)
    settings: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"Unknown key '{key}' in {path}.", closest(name, known))
        if name in settings:
            raise ConfigError(f"'{key}' is given twice in {path}.", "Keep one of them.")
        if isinstance(value, dict):
            raise ConfigError(f"'{key}' in {path} is not a value.", "Write it flat.")
        if value not in ("", "~", "null"):
            settings[name] = value
    return settings
