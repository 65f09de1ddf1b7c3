"""Merge the score files of different initial times."""

import pathlib
from typing import Any

from ngcm_cli.config.evaluate import EvaluateConfig
from ngcm_cli.io.output_file import sole_writer
from ngcm_cli.output.dataset_file import check_output
from ngcm_cli.verification.score_file import read_scores, write_score_file
from ngcm_cli.verification.score_statistics import MergedStatistics
from ngcm_cli.verification.scores import compute_scores


def merge_scores(config: EvaluateConfig) -> pathlib.Path:
    """Merge score files that have statistics, and return the path of the result.

    The scores are those of one evaluation of all initial times.

    Raises:
        InputDataError: a file has no statistics, or they do not fit together.
        OutputError: the output exists, or cannot be written.
    """
    output = config.output
    check_output(output, config.overwrite, [each.location for each in config.forecast])
    paths = [pathlib.Path(each.location) for each in config.forecast]
    merged = MergedStatistics(paths)
    maps, parts = False, []
    for path in paths:
        part = read_scores(path)
        maps |= any("_map" in str(name) for name in part.data_vars)
        parts.append(part.attrs)
    scores = compute_scores(merged.layout, merged, by_init=True, maps=maps)
    scores.attrs = _attributes(parts, paths)
    with sole_writer(output):
        write_score_file(output, scores, merged.layout, merged)
    return output


def _attributes(
    parts: list[dict[str, Any]], paths: list[pathlib.Path]
) -> dict[str, Any]:
    """Return the attributes of the first file, with the notes of all."""
    notes = [line for part in parts for line in str(part.get("notes", "")).splitlines()]
    missing = [
        str(p["missing_truth_times"]) for p in parts if "missing_truth_times" in p
    ]
    joined = {**parts[0], "notes": "\n".join(dict.fromkeys(notes))}
    joined["merged_from"] = ", ".join(map(str, paths))
    if missing:
        joined["missing_truth_times"] = ", ".join(missing)
        joined["number_of_missing_truth_times"] = sum(
            int(part.get("number_of_missing_truth_times", 0)) for part in parts
        )
    return joined
