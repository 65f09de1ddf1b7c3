"""The command line: flags in, messages on stderr, the result's path on stdout.

`app` has the program and its errors, `options` the flags that commands share,
`run_command` what makes commands of them, `console` and `progress` what is said while a
command runs; each command has a file of its own.
The only room that knows Typer and Rich. Nothing heavy is imported before a command
runs, so that ``ngcm --help`` answers at once.
"""

from ngcm_cli.cli.app import app, main

__all__ = ["app", "main"]
