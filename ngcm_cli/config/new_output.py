"""The settings of an output variable that ``ngcm train`` adds to a model."""

from typing import Annotated, Any, ClassVar

import pydantic

from ngcm_cli.config import values
from ngcm_cli.config.checked_settings import CheckedSettings, given_settings, is_given
from ngcm_cli.errors import ConfigError

_EXAMPLE = "Write in the run file: outputs: {2m_temperature: {truth: t2m.nc}}."


def _bound(value: Any) -> float | None:
    if value is None:
        return None
    try:
        return values.parse_number(value)
    except ValueError:
        raise ConfigError(f"'{value}' is not a number.", "Give one, as 0.") from None


class NewOutput(CheckedSettings):
    """A surface variable that a network reads off the state, and its truth.

    Attributes:
        truth: data that have the variable, as ``Settings.data``; None are the analyses.
        variable: its name there; None is that of the output, or one of its aliases.
        units: of the output, in UDUNITS notation; None are those of the truth.
        long_name: description in files; None is that of the truth.
        standard_name: CF standard name; None is that of the truth.
        cell_methods: CF cell methods; None are those of the truth.
        aliases: other names that users may give.
        cmip: CMIP short name.
        minimum: which the output never goes below; None does not bound it.
        sees_sea: whether the network sees sea-surface temperature and sea ice.
        fields: state variables that it sees, besides wind.
        levels: how many of the lowest levels it sees.
        position_fields: number of its learned fields of position.
        latent: channels between its parts.
        blocks: residual blocks.
        block_layers: layers of each of them.
        decode_layers: layers after the last block.
    """

    command: ClassVar[str] = "train"

    truth: values.Text | None = None
    variable: values.Text | None = None
    units: values.Text | None = None
    long_name: values.Text | None = None
    standard_name: values.Text | None = None
    cell_methods: values.Text | None = None
    aliases: values.Names = ()
    cmip: values.Text | None = None
    minimum: Annotated[float | None, pydantic.BeforeValidator(_bound)] = None
    sees_sea: values.Switch = True
    fields: values.Names = ("temperature_variation", "specific_humidity")
    levels: values.Count = 4
    position_fields: values.Count = 4
    latent: values.Count = 32
    blocks: values.Count = 1
    block_layers: values.Count = 2
    decode_layers: values.Count = 1


def _new_outputs(value: Any) -> dict[str, NewOutput]:
    if not isinstance(value, dict):
        raise ConfigError("The value is not 'name: settings' pairs.", _EXAMPLE)
    return {str(name): _new_output(str(name), x) for name, x in value.items()}


def _new_output(name: str, value: Any) -> NewOutput:
    if isinstance(value, NewOutput):
        return value
    if not is_given(value):
        return NewOutput()
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is not 'key: value' pairs.", _EXAMPLE)
    try:
        return NewOutput(**given_settings(value))
    except ConfigError as error:
        raise ConfigError(f"{name}: {error.message}", error.hint) from None


NewOutputs = Annotated[dict[str, NewOutput], pydantic.BeforeValidator(_new_outputs)]
"""New outputs by name."""
