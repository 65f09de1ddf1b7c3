"""``ngcm models``: the models that can be run, and their weights."""

import contextlib
import pathlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ngcm_cli.cli import options
from ngcm_cli.cli.console import messages, print_line, print_table
from ngcm_cli.cli.progress import Display
from ngcm_cli.errors import CheckpointError, ConfigError
from ngcm_cli.inputs.sources.named import DEFAULT_SOURCE, metavar

if TYPE_CHECKING:
    import rich.console

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, inspect, fetch, convert and verify models.",
)

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME|PATH",
        help="Name of a listed model, or path of a card or checkpoint.",
    ),
]
_MARKS = {True: "ok", False: "FAILED", None: "-"}


@app.command("list")
def list_models() -> None:
    """List the models that can be named."""
    from ngcm_cli.zoo import description, model_names
    from ngcm_cli.zoo.catalogue import read_card

    rows = [("name", "grid", "random", "size", "licence", "where")]
    for name in model_names():
        card = read_card(name)
        rows.append(
            (
                name,
                description.grid(card),
                "yes" if card.stochastic else "no",
                description.size(card).removeprefix("about "),
                card.licence,
                description.weights_state(card),
            )
        )
    print_table(rows)


@app.command()
def show(
    model: _Name,
    other: Annotated[
        str | None,
        typer.Argument(metavar="OTHER", help="Show only differences from this model."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show the complete architecture, too.")
    ] = False,
) -> None:
    """Show a model, or the differences between two.

    Example: ngcm models show tl63_stochastic_mini
    """
    with messages():
        from ngcm_cli.checkpoint.card import Card
        from ngcm_cli.zoo import description
        from ngcm_cli.zoo.loading import resolve_card

        cards = [resolve_card(name) for name in (model, other) if name is not None]
        if len(cards) == 2:
            typer.echo(description.compare(*cards))
        else:
            typer.echo(description.format_lines(description.describe(cards[0])))
        for card in cards:
            if not isinstance(card, Card) and (full or len(cards) == 2):
                typer.echo(
                    f"The architecture of {card.name} is in its weights, which are not "
                    f"fetched yet. Run: ngcm models fetch {card.name}",
                    err=True,
                )
            elif isinstance(card, Card) and full and len(cards) == 1:
                architecture = description.describe_architecture(card.spec)
                typer.echo(f"\nArchitecture\n\n{architecture}", nl=False)


@app.command()
def fetch(
    models: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Models to fetch.")
    ],
) -> None:
    """Fetch weights and print their paths.

    Example: ngcm models fetch deterministic_1_4_deg stochastic_1_4_deg
    """
    with messages() as console:
        from ngcm_cli import zoo

        for name in models:
            zoo.find_card(name)  # refuses a misspelt name before any download
        for name in models:
            with Display(console) as display:
                path = zoo.fetch(name, progress=display.download)
            typer.echo(path)


@app.command()
def convert(
    model: _Name,
    folder: Annotated[
        pathlib.Path, typer.Argument(metavar="DIR", help="Folder to write to.")
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the result.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing files.")
    ] = False,
) -> None:
    """Convert a published model to the format of ngcm.

    Writes a card in YAML and weights in safetensors, and prints the path of the card.

    Example: ngcm models convert deterministic_1_4_deg converted
    """
    with messages() as console:
        from ngcm_cli import zoo

        with Display(console) as display:
            card = zoo.convert(
                model, folder, name=name, overwrite=overwrite, progress=display.download
            )
        typer.echo(card)


@app.command()
def verify(
    model: _Name,
    published: Annotated[
        bool,
        typer.Option(
            "--published", help="Compare runs with the forecasts that are published."
        ),
    ] = False,
    against: Annotated[
        str | None,
        options.option(
            metavar("PATH", "URL"),
            "Published forecasts, in the layout of WeatherBench 2.  [default: as the "
            "card of the model says]",
        ),
    ] = None,
    data: Annotated[
        str | None,
        options.option(
            metavar("PATH", "URL"),
            f"With --published: initial analyses.  [default: {DEFAULT_SOURCE}]",
        ),
    ] = None,
    truth: Annotated[
        str | None,
        options.option(
            metavar("PATH", "URL", "none"),
            "With --published: analyses to score against.  [default: DATA]",
        ),
    ] = None,
    init: Annotated[
        str | None,
        options.option(
            "TIME|FIRST/LAST/STEP",
            "With --published: initial times.  [default: STARTS of those published]",
        ),
    ] = None,
    starts: Annotated[
        str | None,
        options.option(
            "N",
            "With --published: number of initial times, spread over those published.  "
            "[default: 2]",
        ),
    ] = None,
    lead: Annotated[
        str | None,
        options.option(
            "DURATION,...|FIRST/LAST/STEP",
            "With --published: lead times.  [default: of 0h, 6h, 12h, 1d and 3d those "
            "published]",
        ),
    ] = None,
    variables: Annotated[
        list[str] | None,
        options.option(
            "NAME,...",
            "With --published: variables, such as t, or z500 for one level.  [default: "
            "geopotential, temperature, humidity and wind]",
        ),
    ] = None,
    levels: Annotated[
        list[str] | None,
        options.option(
            "HPA,...", "With --published: levels.  [default: 250, 500, 700 and 850]"
        ),
    ] = None,
    members: Annotated[
        str | None,
        options.option(
            "N",
            "With --published: members of a stochastic model, ours and published.  "
            "[default: 10]",
        ),
    ] = None,
    seed: Annotated[
        str | None,
        options.option(
            "N", "With --published: seed of the random numbers.  [default: 0]"
        ),
    ] = None,
    offline: options.Offline = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="With --published: say what is fetched and run, no more."
        ),
    ] = False,
) -> None:
    """Verify a model by its files and one step, or by published runs.

    Checks that the file exists, its size and hash, that every weight is finite and
    used, and that one step from the bundled state is finite and agrees with the card.

    With --published, runs forecasts from the initial times of published ones and prints
    how they differ, field by field and score by score. Both must agree at lead times up
    to twelve hours.

    Example: ngcm models verify tl63_stochastic_mini

    Example: ngcm models verify deterministic_0_7_deg --published --dry-run
    """
    given: dict[str, Any] = {
        **{"against": against, "data": data, "truth": truth, "init": init},
        **{"starts": starts, "lead": lead, "variables": variables, "levels": levels},
        **{"members": members, "seed": seed, "offline": offline},
    }
    given = {name: value for name, value in given.items() if value is not None}
    with messages() as console:
        if published or against is not None:
            _compare_with_published(console, {"model": model, **given}, dry_run)
            return
        if given or dry_run:
            name = next(iter(given), "dry_run").replace("_", "-")
            raise ConfigError(
                f"--{name} is of comparisons with published forecasts.",
                "Give --published, too.",
            )
        from ngcm_cli.simulation.data_sources import read_sample
        from ngcm_cli.zoo.verify import verify

        with Display(console, f"Verifying {model}"):
            checks = list(verify(model, read_sample))
        print_table([(c.name, _MARKS[c.passed], c.detail) for c in checks])
        failed = [check.name for check in checks if check.passed is False]
        if failed:
            raise CheckpointError(
                f"{model} failed: {', '.join(failed)}.",
                "Check the path."
                if failed == ["file"]
                else "Remove its weights, and fetch or convert them again.",
            )


def _compare_with_published(
    console: "rich.console.Console", settings: dict[str, Any], dry_run: bool
) -> None:
    """Compare runs with published forecasts, and print the table.

    Raises:
        CheckpointError: fields that must agree do not.
    """
    with Display(console, "Reading the settings") as display:
        from ngcm_cli.config.published import PublishedConfig

        config = PublishedConfig(**settings)
        from ngcm_cli.verification.published import comparison as comparisons
        from ngcm_cli.verification.published import table
        from ngcm_cli.verification.published.plan import plan_comparison

        with contextlib.ExitStack() as closing:
            plan = plan_comparison(config, closing, display.download)
            if not dry_run:
                result = comparisons.compare(
                    plan, track=display.track, download=display.download
                )
    if dry_run:
        typer.echo(plan.describe())
        return
    print_table(table.table(result))
    for line in table.explanation(result):
        print_line(console, line)
    print_line(console, table.conclusion(result))
    if failure := table.failure(result):
        raise CheckpointError(
            f"{config.model} does not reproduce the published forecasts: {failure}.",
            "Verify its files first with `ngcm models verify`; then check data and "
            "truth.",
        )
