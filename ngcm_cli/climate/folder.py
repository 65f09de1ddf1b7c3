"""The folder of a long run: made, found again, and left in order."""

import contextlib
from collections.abc import Iterator

import ngcm_cli
from ngcm_cli.climate.course import Course
from ngcm_cli.climate.plan import ClimatePlan
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.errors import OutputError, UnstableRunError
from ngcm_cli.guards import enough_memory, terminable
from ngcm_cli.origin import anywhere
from ngcm_cli.output.place import RUN_FILE
from ngcm_cli.output.run_folder import RunFolder


@contextlib.contextmanager
def open_folder(plan: ClimatePlan) -> Iterator[RunFolder]:
    """A context in which the folder of a run is this process's, with its run file.

    Raises:
        ConfigError: there is too little memory.
        OutputError: it cannot be made, or another process is at it.
    """
    path = plan.folder
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The output {path} cannot be made: {error.strerror}.",
            "Choose another --output.",
        ) from None
    with contextlib.closing(RunFolder(path)) as folder:
        comment = f"ngcm {ngcm_cli.__version__}: go on with ngcm amip --resume"
        folder.text(RUN_FILE, format_run_file(anywhere(plan.config), comment))
        runs = len(plan.runs)
        try:
            with enough_memory(
                f"{runs} run{'s side by side' if runs > 1 else ''} of {plan.card.name}",
                "Run fewer --members and --starts at a time, or use a larger device.",
            ):
                yield folder
        except KeyboardInterrupt as stop:
            if not hasattr(stop, "__notes__"):  # before the first day
                stop.add_note(f"Go on with `ngcm amip --resume {path}`.")
            raise


@contextlib.contextmanager
def keeping(course: Course) -> Iterator[None]:
    """Whatever ends the days within, keep what is whole, and say so.

    Raises:
        Terminated: the process got SIGTERM.
    """
    try:
        with terminable():
            yield
    except KeyboardInterrupt as stop:
        # Whoever interrupts again does not want to wait: the last restart must do.
        with contextlib.suppress(KeyboardInterrupt):
            course.keep()
            course.finish("interrupted")
        stop.add_note(_note(course))
        raise
    except UnstableRunError:
        raise
    except BaseException as error:
        if not isinstance(error, OutputError):  # which says it already
            error.add_note(_note(course))
        raise


def _note(course: Course) -> str:
    path = course.folder.path
    return f"{course.done()} Go on with `ngcm amip --resume {path}`."
