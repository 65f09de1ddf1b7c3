"""``python -m ngcm_cli`` is ``ngcm``."""

from ngcm_cli.cli import program

program()
