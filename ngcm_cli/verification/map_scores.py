"""Scores that follow from maps and spectra, which are summed over initial times."""

from collections.abc import Iterator

import numpy as np

from ngcm_cli.verification.error_maps import root_mean_square_bias
from ngcm_cli.verification.metrics import METRICS
from ngcm_cli.verification.score_arrays import MetricArrays, ScoreArray, with_levels
from ngcm_cli.verification.score_layout import ScoreLayout
from ngcm_cli.verification.scored_variables import ScoredVariable
from ngcm_cli.verification.spectral_statistics import SPECTRA
from ngcm_cli.verification.statistics import Statistics


def scores_of_sums(
    layout: ScoreLayout,
    sums: Statistics | None,
    variable: ScoredVariable,
    maps: bool,
) -> Iterator[ScoreArray]:
    """Yield what follows from maps and spectra of one forecast of one variable."""
    if sums is None:
        return
    if "rmsb" in layout.metrics and "error_map" in sums:
        errors = sums.select(["error_map"])
        values = np.stack(
            [
                root_mean_square_bias(errors.take(lead), layout.weights)
                for lead in range(len(layout.lead_times))
            ]
        )
        yield MetricArrays(layout, METRICS["rmsb"], variable).array("", values)
    place = ("lead_time", "level", "latitude", "longitude")
    # Means of maps are as large as the maps.
    wanted = [n for n in sums if maps or n not in ("error_map", "squared_error_map")]
    means = sums.select(wanted).means()
    for name, statistic in (("bias", "error_map"), ("rmse", "squared_error_map")):
        if maps and statistic in means:
            values = means[statistic] if name == "bias" else np.sqrt(means[statistic])
            yield MetricArrays(layout, METRICS[name], variable).on(
                "_map", place, values, "map of "
            )
    for name in SPECTRA:
        for suffix in ("", "_truth"):
            if f"{name}{suffix}" not in means:
                continue
            wave = "wavenumber" if name == "spectrum" else "zonal_wavenumber"
            dimensions, values = with_levels(
                layout, variable, ("lead_time", "level", wave), means[f"{name}{suffix}"]
            )
            yield ScoreArray(
                f"{name}.{variable.name}{suffix}",
                dimensions,
                values,
                _describe_spectrum(name, suffix, variable),
            )


def _describe_spectrum(
    name: str, suffix: str, variable: ScoredVariable
) -> dict[str, str]:
    title = variable.long_name or variable.name
    squared = f"({variable.units or '1'})2"
    if name == "zonal_spectrum":
        long_name, units = f"energy of {title} by zonal wavenumber", f"{squared} m"
    elif variable.is_vector:
        long_name, units = "kinetic energy by total wavenumber", "m2 s-2"
    else:
        long_name, units = f"power of {title} by total wavenumber", squared
    whose = ", of the truth" if suffix else ""
    return {
        "units": units,
        "long_name": long_name + whose,
        "metric": name,
        "variable": variable.name,
    }
