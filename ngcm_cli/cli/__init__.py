"""The command line: flags in, weather on stderr, the result's path on stdout.

`app` has the program and its errors, `options` the flags that commands share,
`narration` what is said while a command runs; each command has a file of its own.
The only room that knows Typer and Rich. Nothing heavy is imported before a command
runs, so that ``ngcm --help`` answers at once.
"""

from ngcm_cli.cli.app import app, main

__all__ = ["app", "main"]
