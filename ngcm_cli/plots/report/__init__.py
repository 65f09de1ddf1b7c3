"""Reports: one HTML page about outputs, with figures, scores, stability, provenance.

`write.report` is the verb; `outputs` finds out what an output is, a file for each kind
says what there is to say about it as `content`, and `page` makes HTML of that.
"""

from ngcm_cli.plots.report.write import report

__all__ = ["report"]
