"""The command line: flags in, messages on stderr, the result's path on stdout.

`app` has the program and its errors, `options` the flags that commands share,
`run_command` what makes commands of them, `console` and `progress` what is said while a
command runs; each command has a file of its own.
The only room that knows Typer and Rich. Nothing heavy is imported before a command
runs, so that ``ngcm --help`` answers at once.
"""

import os

from ngcm_cli.cli.interrupts import leaving_at_interrupt

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with the code of its error, if any."""
    _open_standard_files()
    with leaving_at_interrupt():
        from ngcm_cli.cli.app import run
    run()


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
