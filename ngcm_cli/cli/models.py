"""``ngcm models``: the zoo."""

import pathlib
from typing import Annotated

import typer

from ngcm_cli.cli.narration import downloading, narration, print_table
from ngcm_cli.errors import CheckpointError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, inspect, fetch, convert and verify models.",
)

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|PATH",
        help="A name of the list, or the path of a card or checkpoint.",
    ),
]
_MARKS = {True: "ok", False: "FAILED", None: "-"}


@app.command("list")
def list_models() -> None:
    """List the models that have a name."""
    from ngcm_cli.zoo import description, model_names
    from ngcm_cli.zoo.catalogue import written_card

    heads = "name", "grid", "parameters", "stochastic", "size", "licence", "where"
    rows: list[tuple[str, ...]] = [(*heads, "stable for")]
    for name in model_names():
        card = written_card(name)
        rows.append(
            (
                name,
                description.resolution(card),
                f"{card.parameters}",
                "yes" if card.stochastic else "no",
                description.size(card),
                card.licence,
                description.place(card),
                card.stable_for,
            )
        )
    print_table(rows)


@app.command()
def show(
    model: _Name,
    other: Annotated[
        str | None,
        typer.Argument(metavar="OTHER", help="Show only what differs from this one."),
    ] = None,
) -> None:
    """Show a model, or how two differ.

    One model is shown with its card and its whole architecture.

    Example: ngcm models show tl63_stochastic_mini
    """
    with narration():
        from ngcm_cli.checkpoint.card import Card
        from ngcm_cli.zoo import description
        from ngcm_cli.zoo.loading import complete_card

        cards = [complete_card(name) for name in (model, other) if name is not None]
        if len(cards) == 2:
            typer.echo(description.compare(*cards))
        else:
            typer.echo(description.format_lines(description.describe(cards[0])))
        for card in cards:
            if not isinstance(card, Card):
                typer.echo(
                    f"The architecture of {card.name} is in its weights, which are not "
                    f"here. Run: ngcm models fetch {card.name}",
                    err=True,
                )
            elif len(cards) == 1:
                architecture = description.describe_architecture(card.spec)
                typer.echo(f"\nArchitecture\n\n{architecture}", nl=False)


@app.command()
def fetch(
    models: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Models to fetch.")
    ],
) -> None:
    """Fetch weights; print where they are.

    Example: ngcm models fetch deterministic_1_4_deg stochastic_1_4_deg
    """
    with narration() as console:
        from ngcm_cli import zoo

        for name in models:
            zoo.find_card(name)  # a misspelt name is said before anything is fetched
        for name in models:
            with downloading(console) as progress:
                typer.echo(zoo.fetch(name, progress=progress))


@app.command()
def convert(
    model: _Name,
    folder: Annotated[pathlib.Path, typer.Argument(metavar="DIR", help="Where to.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing files.")
    ] = False,
) -> None:
    """Convert a published model to our format.

    Writes a card in YAML and weights in safetensors, and prints the path of the card.

    Example: ngcm models convert deterministic_1_4_deg converted
    """
    with narration() as console, downloading(console) as progress:
        from ngcm_cli import zoo

        card = zoo.convert(
            model, folder, name=name, overwrite=overwrite, progress=progress
        )
        typer.echo(card)


@app.command()
def verify(model: _Name) -> None:
    """Check a model's files, and run one step.

    Checks that the file is there, its size and hash, that every weight is finite and in
    its place, and that one step from the bundled state is finite and as the card says.

    Example: ngcm models verify tl63_stochastic_mini
    """
    with narration():
        from ngcm_cli.zoo.verify import verify

        checks = list(verify(model))
        print_table([(c.name, _MARKS[c.passed], c.detail) for c in checks])
        failed = [check.name for check in checks if check.passed is False]
        if failed:
            raise CheckpointError(
                f"{model} failed: {', '.join(failed)}.",
                "Check the path, or fetch the weights."
                if failed == ["file"]
                else "Remove its weights, and fetch or convert them again.",
            )
