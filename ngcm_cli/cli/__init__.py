"""The command line: flags in, messages on stderr, the result's path on stdout.

`app` has the program and its errors, `options` the flags that commands share,
`run_command` what makes commands of them, `console` and `progress` what is said while a
command runs; each command has a file of its own.
The only room that knows Typer and Rich. Nothing heavy is imported before a command
runs, so that ``ngcm --help`` answers at once.
"""

# The module signal imports more than all else until Ctrl-C is handled.
import _signal  # pyright: ignore[reportMissingImports]
import os
import sys
import time

__all__ = ["BEGAN", "INTERRUPTED", "leave", "main", "program"]

BEGAN = time.time()
"""When this process began to import the package, s since 1970."""

INTERRUPTED = 130
"""Exit code of a process that Ctrl-C ends."""


def leave(*_: object) -> None:
    """End the process at once: there is nothing to save, not yet or not any more."""
    os._exit(INTERRUPTED)


def program() -> None:
    """Run the command line in a process of its own, which ends when that is done.

    It ends without taking the interpreter down. Libraries have threads of their own,
    and one that returns to Python then, with what a request to a server has brought,
    would crash the process (pyo3-async-runtimes, issue 40): its exit code is lost.
    """
    import atexit  # not needed by those who import `main`

    code: int | None = None

    def end() -> None:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):  # which Python reports, with a code of its own
            return
        if code is not None:  # neither a bug nor a signal
            os._exit(code)

    atexit.register(end)  # first, so that it is called last
    try:
        main()
        code = 0
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            code = ending.code or 0
        raise


def main() -> None:
    """Run the command line and exit with the code of its error, if any.

    Until a command begins, Ctrl-C ends the process without a traceback.
    """
    usual = _signal.getsignal(_signal.SIGINT)
    is_handled = usual is _signal.default_int_handler
    try:
        if is_handled:
            _signal.signal(_signal.SIGINT, leave)
    except ValueError:  # in another thread than the main one
        is_handled = False
    _open_standard_files()
    try:
        from ngcm_cli.cli.app import run

        run()
    finally:
        if is_handled:
            _signal.signal(_signal.SIGINT, usual)


def _open_standard_files() -> None:
    """Open what is closed of the three standard files.

    Otherwise the first file that is written would take the place of one, and what
    libraries print would end up in it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
