"""Whether fields belong together, and to their levels and latitudes.

Archives hold days with fields upside down, and files are put together wrongly. What
follows from hydrostatics, from the warmth of the sea and from where land is, no real
atmosphere violates.
"""

from collections.abc import Mapping

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.conversion import GAS_CONSTANT
from ngcm_cli.spectral.grid import Grid

# K: in ERA5, GFS and a learned forecast, on 9 to 37 levels, at most 0.95 are seen.
_THICKNESS_ERROR = 5.0
_FAR_APART = 2.1  # ratio of pressures, beyond which a mean of two says too little
# Correlation with the sea's temperature is larger the right way up by 0.08 or more.
_CLEARLY, _AT_LEAST = 0.02, 0.5
_MASK_CLEARLY = 0.1  # by 0.4 in ERA5 and OISST

Columns = Mapping[str, tuple[np.ndarray, np.ndarray]]


def check_columns(columns: Columns) -> None:
    """Temperature, humidity and geopotential belong to the same levels.

    The temperature of a layer follows from its thickness, T_v = ΔΦ / (R_d Δ ln p), in
    the global mean to within a kelvin; and the lowest air is the moistest.

    Args:
        columns: by ERA5 name, the levels in hPa, each once, in any order, and the
            values (level, longitude, latitude) in SI units.

    Raises:
        InputDataError: they do not.
    """
    means = {
        name: dict(zip(levels, values.mean(axis=(1, 2), dtype=float), strict=True))
        for name, (levels, values) in columns.items()
    }
    moisture = means.get("specific_humidity", {})
    if moisture and max(moisture) >= 850 and min(moisture) <= 300:
        lowest, highest = moisture[max(moisture)], moisture[min(moisture)]
        if lowest <= highest:
            raise InputDataError(
                f"Specific humidity at {max(moisture):g} hPa (mean {lowest:.2g}) is "
                f"not above that at {min(moisture):g} hPa (mean {highest:.2g}): the "
                "fields and the level coordinate do not belong together.",
                "Check the order of the level coordinate.",
            )
    if not {"temperature", "geopotential"} <= set(means):
        return
    shared = sorted(set(means["temperature"]) & set(means["geopotential"]))
    for upper, lower in zip(shared, shared[1:], strict=False):
        if lower > _FAR_APART * upper:
            continue
        warmth = [
            means["temperature"][p] * (1 + 0.608 * moisture.get(p, 0.0))
            for p in (upper, lower)
        ]
        thickness = means["geopotential"][upper] - means["geopotential"][lower]
        expected = thickness / (GAS_CONSTANT * np.log(lower / upper))
        if abs(sum(warmth) / 2 - expected) > _THICKNESS_ERROR:
            raise InputDataError(
                f"Between {upper:g} and {lower:g} hPa the mean temperature is "
                f"{sum(warmth) / 2:.1f} K, but the thickness of that layer is of "
                f"{expected:.1f} K: temperature and geopotential do not belong "
                "together.",
                "Check that both are of the same time, and the order of their levels.",
            )


def check_varies(found: str, values: np.ndarray) -> None:
    """A field of the atmosphere is not the same everywhere.

    Args:
        found: how to call it.
        values: on any grid, finite or NaN.

    Raises:
        InputDataError: it is.
    """
    lowest, highest = np.nanmin(values), np.nanmax(values)
    if lowest == highest:
        raise InputDataError(
            f"Variable {found} is {lowest:g} everywhere.",
            "Part of the data may be missing: copy or download them again.",
        )


def check_orientation(
    temperature: np.ndarray, sea_temperature: np.ndarray, grid: Grid
) -> None:
    """The lowest air is as warm as the sea of the same season, and not turned over.

    Args:
        temperature: of the lowest level, (longitude, latitude), K.
        sea_temperature: (longitude, latitude), K.
        grid: of both.

    Raises:
        InputDataError: north and south are exchanged.
    """
    upright = _correlation(temperature, sea_temperature, grid)
    turned = _correlation(temperature[:, ::-1], sea_temperature, grid)
    if turned > max(upright + _CLEARLY, _AT_LEAST):
        raise InputDataError(
            "The atmosphere is upside down: its lowest temperature fits the sea better "
            f"with north and south exchanged (correlation {turned:.2f}, as it is "
            f"{upright:.2f}).",
            "Choose another time with --init, or correct the latitudes.",
        )


def check_land(missing: np.ndarray, land: np.ndarray, found: str) -> None:
    """The sea has no data where there is land, and not on the other hemisphere.

    Args:
        missing: where a field of the sea has no data, (longitude, latitude).
        land: land fraction of the model, likewise.
        found: how to call the field.

    Raises:
        InputDataError: north and south are exchanged.
    """
    upright = np.mean(missing == (land > 0.5))
    turned = np.mean(missing[:, ::-1] == (land > 0.5))
    if missing.any() and turned > upright + _MASK_CLEARLY:
        raise InputDataError(
            f"Variable {found} is upside down: its land fits the model's better with "
            "north and south exchanged.",
            "Choose another time with --init, or correct the latitudes.",
        )


def _correlation(one: np.ndarray, other: np.ndarray, grid: Grid) -> float:
    weights = np.broadcast_to(grid.area_weights, one.shape)

    def covariance(x: np.ndarray, y: np.ndarray) -> float:
        mean_x, mean_y = (np.average(v, weights=weights) for v in (x, y))
        return float(np.average((x - mean_x) * (y - mean_y), weights=weights))

    variance = covariance(one, one) * covariance(other, other)
    return covariance(one, other) / np.sqrt(variance) if variance > 0 else 0.0
