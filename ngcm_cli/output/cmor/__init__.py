"""Export of the means of a run as CMIP names, units and files ask for."""

from ngcm_cli.output.cmor.export import export_cmor

__all__ = ["export_cmor"]
