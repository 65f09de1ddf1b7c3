"""The card of a model: what people should know of it, and where its weights are.

There are two kinds. A native card holds the architecture (``spec``) and names a weights
file beside it. A published card describes a checkpoint that somebody else publishes and
that holds its own architecture: what the card says as well, it asserts.
"""

import pathlib
from typing import Annotated, Any, Literal

import pydantic
import yaml

from ngcm_cli.checkpoint.spec import ModelSpec
from ngcm_cli.errors import CheckpointError
from ngcm_cli.io.plain_yaml import read_plain_yaml

FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
"""What a model or a weights file may be called."""

PRINTED_VALUES = 8
"""How many values of each variable a fingerprint has."""

LARGEST_WEIGHTS = 2**31
"""Bytes of a file of weights, at most; the largest published model has 125 MB."""

_HINT = "The file is damaged or of another version; get it again."


class _Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class WeightsFile(_Strict):
    """Weights beside their card, and what they must be.

    Attributes:
        file: name, beside the card.
        sha256: of the whole file.
        bytes: its size.
    """

    file: Annotated[str, pydantic.Field(pattern=FILE_NAME)]
    sha256: str
    bytes: Annotated[int, pydantic.Field(ge=0, le=LARGEST_WEIGHTS)]


Address = Annotated[str, pydantic.Field(pattern=r"^(gs|https?)://[^/]+/.+$")]
"""A ``gs://bucket/object`` or an HTTP address."""


class PublishedFile(_Strict):
    """Weights that somebody else publishes, to be fetched.

    Attributes:
        locations: ``gs://bucket/object`` or an HTTP address, to be tried in this order.
        sha256: of the whole file, where it is known; else it is pinned at first use.
        bytes: its size, where it is known.
    """

    locations: Annotated[tuple[Address, ...], pydantic.Field(min_length=1)]
    sha256: Annotated[str, pydantic.Field(pattern="^[0-9a-f]{64}$")] | None = None
    bytes: Annotated[int, pydantic.Field(gt=0, le=LARGEST_WEIGHTS)] | None = None


def _printable(text: str) -> str:
    line = " ".join(text.split())
    if not line.isprintable():  # it goes to people's terminals
        raise ValueError("has characters that cannot be printed")
    return line


Text = Annotated[str, pydantic.AfterValidator(_printable)]


class FieldPrint(_Strict):
    """A few numbers of one variable, in the units of the output.

    Attributes:
        std: standard deviation over the whole field.
        values: at places spread evenly over the field.
    """

    std: Annotated[float, pydantic.Field(gt=0)]
    values: Annotated[
        tuple[float, ...],
        pydantic.Field(min_length=PRINTED_VALUES, max_length=PRINTED_VALUES),
    ]


class Fingerprint(_Strict):
    """What the model makes of the bundled state in one step with seed 0.

    Attributes:
        tolerance: largest difference in float32, divided by the standard deviation.
        variables: numbers of each variable.
    """

    tolerance: pydantic.PositiveFloat
    variables: dict[str, FieldPrint]


class Description(_Strict):
    """What every card says.

    Attributes:
        format: version of this format.
        name: by which it is called on the command line.
        summary: one line.
        predicts: description of what it predicts.
        paper: where it is described.
        source: where the weights come from.
        licence: SPDX identifier.
        parameters: number of learned parameters; checked against the weights.
        stochastic: whether it has random fields; checked against the specification.
        stable_for: how long runs are known to stay stable.
        published_forecasts: address of forecasts that its authors have published, in
            the layout of WeatherBench 2; None where there are none.
    """

    format: Literal[1]
    name: Annotated[str, pydantic.Field(pattern=FILE_NAME)]
    summary: Text
    predicts: Text | None = None
    paper: Text
    source: Text
    licence: Text
    parameters: Annotated[int, pydantic.Field(ge=0, lt=10**12)]
    stochastic: bool
    stable_for: Text
    published_forecasts: Address | None = None


class TrainingRecord(_Strict):
    """How the weights were trained with ``ngcm train``.

    Attributes:
        parent: model whose architecture was trained.
        parent_sha256: of the weights of that model.
        initialized: whether the weights began as seeded random numbers, not as those.
        data: what was trained on, without secrets.
        updates: number of updates of these weights.
        held_out_loss: by which these weights were chosen.
        settings: all of them, as the run file has them.
    """

    parent: str
    parent_sha256: str
    initialized: bool
    data: str
    updates: Annotated[int, pydantic.Field(ge=0)]
    held_out_loss: float | None
    settings: dict[str, Any]


class Card(Description):
    """A model in our own format.

    Attributes:
        weights: the file beside the card.
        training: how the weights were made, where ngcm has trained them.
        fingerprint: what one step must give, where somebody has measured it.
        spec: the architecture.
    """

    weights: WeightsFile
    training: TrainingRecord | None = None
    fingerprint: Fingerprint | None = None
    spec: ModelSpec

    @property
    def grid(self) -> str:
        """The linear grid of data and state."""
        return f"TL{self.spec.truncation}"


class PublishedCard(Description):
    """A checkpoint in the published format, which holds its own architecture.

    Attributes:
        grid: ``TLn``, checked against the checkpoint.
        unconfirmed: what only third parties report; a difference is said, not refused.
        weights: where to fetch it.
    """

    grid: Annotated[str, pydantic.Field(pattern=r"^TL[1-9][0-9]{0,3}$")]
    unconfirmed: tuple[Literal["grid", "parameters", "stochastic"], ...] = ()
    weights: PublishedFile

    @property
    def about_bytes(self) -> int:
        """Size of the file: as stated, or that of its parameters in float32."""
        return self.weights.bytes or 4 * self.parameters


def read_card(path: pathlib.Path) -> Card | PublishedCard:
    """Read and check a card.

    Raises:
        CheckpointError: it is missing, not YAML, or has wrong or unknown keys.
    """
    try:
        content = read_plain_yaml(path)
        card = _kind(content).model_validate(content)
    except OSError as error:
        raise CheckpointError(
            f"The model card {path} cannot be read: {error.strerror}.", _HINT
        ) from None
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "card"
        raise CheckpointError(
            f"The model card {path} is wrong at {key}: {first['msg']}.",
            "Correct it there, or get the card again.",
        ) from None
    except yaml.YAMLError as error:
        raise CheckpointError(
            f"The model card {path} is not YAML: {' '.join(str(error).split())}.", _HINT
        ) from None
    if isinstance(card, Card) and (
        card.stochastic != (card.spec.random_fields is not None)
    ):
        raise CheckpointError(
            f"The model card {path} says stochastic: {str(card.stochastic).lower()}, "
            "its specification says otherwise.",
            "Correct one of them, or get the card again.",
        )
    return card


def _kind(content: Any) -> type[Card] | type[PublishedCard]:
    """A card with download locations and no architecture is a published one."""
    weights = content.get("weights") if isinstance(content, dict) else None
    fetched = isinstance(weights, dict) and "locations" in weights
    return PublishedCard if fetched and "spec" not in content else Card


def as_yaml(content: dict[str, Any]) -> str:
    """Plain data as people like to read it: short lists on one line."""
    return yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, width=88, allow_unicode=True
    )


class _Dumper(yaml.SafeDumper):
    """Block style for mappings, one line for lists of numbers or names."""


def _represent_list(dumper: yaml.SafeDumper, items: list) -> yaml.Node:
    nested = any(isinstance(x, list | dict) for x in items)
    return dumper.represent_sequence(
        "tag:yaml.org,2002:seq", items, flow_style=not nested
    )


_Dumper.add_representer(list, _represent_list)
