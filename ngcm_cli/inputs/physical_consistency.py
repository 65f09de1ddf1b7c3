"""Checks that fields belong together, to their levels and to their latitudes.

Archives contain days with north and south exchanged, and files may be combined wrongly.
Such data violate hydrostatic balance, or the latitudes of warm sea and of land.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.unit_conversion import GAS_CONSTANT
from ngcm_cli.spectral.grid import Grid

# K; in ERA5, GFS and a learned forecast, on 9 to 37 levels, it is at most 0.95.
_THICKNESS_ERROR = 5.0
# hPa; models extrapolate above their top, where thickness and temperature part.
_HIGHEST = 20.0
_FAR_APART = 2.1  # ratio of pressures beyond which the mean of two levels is too rough
# The correlation with SST is larger by 0.08 or more where latitudes are right.
_MIN_DIFFERENCE, _MIN_CORRELATION = 0.02, 0.5
# The correlation of wind with land; poleward of 65 degrees ice hides it.
_WIND_OVER_LAND, _MIN_WIND_DIFFERENCE = -0.35, 0.25
_LEAST_VARIANCE = 2.5e-3
_NEAR_SURFACE, _NO_POLES = 975.0, np.deg2rad(65)  # hPa, radians

Columns = Mapping[str, tuple[np.ndarray, np.ndarray]]


def check_columns(columns: Columns) -> None:
    """Refuse temperature, humidity and geopotential that contradict each other.

    The temperature of a layer follows from its thickness, T_v = ΔΦ / (R_d Δ ln p), in
    the global mean to within a kelvin, from 20 hPa down; and humidity is largest near
    the surface.

    Args:
        columns: By ERA5 name, the levels in hPa, each once, in any order, and the
            values (level, longitude, latitude) in SI units.

    Raises:
        InputDataError: They do not belong to the same levels or times.
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
    both = set(means["temperature"]) & set(means["geopotential"])
    shared = sorted(level for level in both if level >= _HIGHEST)
    for upper, lower in zip(shared, shared[1:], strict=False):
        if lower > _FAR_APART * upper:
            continue
        temperatures = [
            means["temperature"][p] * (1 + 0.608 * moisture.get(p, 0.0))
            for p in (upper, lower)
        ]
        thickness = means["geopotential"][upper] - means["geopotential"][lower]
        expected = thickness / (GAS_CONSTANT * np.log(lower / upper))
        if abs(sum(temperatures) / 2 - expected) > _THICKNESS_ERROR:
            raise InputDataError(
                f"Between {upper:g} and {lower:g} hPa the mean temperature is "
                f"{sum(temperatures) / 2:.1f} K, but the thickness of that layer is of "
                f"{expected:.1f} K: temperature and geopotential do not belong "
                "together.",
                "Check that both are of the same time, and the order of their levels.",
            )


def check_varies(found: str, values: np.ndarray) -> None:
    """Refuse an atmospheric field, finite or NaN, that is the same everywhere.

    Raises:
        InputDataError: All values are equal.
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
    """Refuse air temperature that fits SST better with north and south exchanged.

    The temperature of the lowest level and the SST of the same season are in K,
    (longitude, latitude).

    Raises:
        InputDataError: North and south are exchanged.
    """
    upright = _correlation(temperature, sea_temperature, grid)
    flipped = _correlation(temperature[:, ::-1], sea_temperature, grid)
    if flipped > max(upright + _MIN_DIFFERENCE, _MIN_CORRELATION):
        raise InputDataError(
            "North and south of the atmosphere are exchanged: its lowest temperature "
            f"correlates with SST by {upright:.2f}, and by {flipped:.2f} if latitudes "
            "are reversed.",
            "Choose another initial time, or correct the latitudes.",
        )


def check_wind(columns: Columns, land: np.ndarray, grid: Grid) -> None:
    """Refuse wind that fits the model's land better displaced or mirrored.

    Near the surface wind is weak over land: its speed correlates with the land fraction
    along parallels by about -0.6 at 1000 hPa, in every season, and by no less than -0.2
    in any displaced position. Shape of ``land``: (longitude, latitude).

    Raises:
        InputDataError: The fields are displaced in longitude, or two opposite
            directions are exchanged.
    """
    names = "u_component_of_wind", "v_component_of_wind"
    wind = [columns[name] for name in names if name in columns]
    if len(wind) < 2 or min(levels.max() for levels, _ in wind) < _NEAR_SURFACE:
        return
    speed = np.hypot(*(values[levels.argmax()] for levels, values in wind))
    speed, land = (x - x.mean(axis=0) for x in (np.log1p(speed), np.asarray(land)))
    weights = np.where(np.abs(grid.latitude) < _NO_POLES, grid.area_weights, 0)
    variances = [(x**2 @ weights).sum() / (4 * np.pi) for x in (speed, land)]
    if min(variances) < _LEAST_VARIANCE:
        return  # wind without weather, or a model without land
    # The correlation for every displacement eastwards of the land, by the theorem of
    # convolution; as it is, and with two directions exchanged.
    spectrum = np.fft.fft(speed, axis=0)
    fits = [
        np.fft.ifft(spectrum * np.fft.fft(x, axis=0).conj(), axis=0).real @ weights
        for x in (land, land[:, ::-1], land[::-1])
    ]
    fits = np.array(fits) / (4 * np.pi * np.sqrt(np.prod(variances)))
    mirror, east = np.unravel_index(fits.argmin(), fits.shape)
    if fits.min() > min(fits[0, 0] - _MIN_WIND_DIFFERENCE, _WIND_OVER_LAND):
        return
    how = ("", "north and south exchanged", "east and west exchanged")[mirror]
    if mirror < 2 and east:
        degrees = 360 * east / len(land)
        how += f"{' and ' if mirror else ''}a displacement by {degrees:.0f} degrees"
    raise InputDataError(
        f"The atmosphere does not fit the model's land: near the surface wind should "
        f"be weak over land, and with {how} the correlation is {fits.min():.2f} in "
        f"place of {fits[0, 0]:.2f}.",
        "Correct the longitudes or latitudes, or choose another initial time.",
    )


def check_land(missing: np.ndarray, land: np.ndarray, found: str) -> None:
    """Refuse a sea field whose missing values fit land better if flipped or turned.

    ``missing`` and the land fraction of the model are of shape (longitude, latitude).

    Raises:
        InputDataError: Two directions are exchanged, or longitudes are shifted.
    """
    if not missing.any():
        return
    is_land = (land > 0.5).astype(float)

    def matches(mask: np.ndarray) -> np.ndarray:
        """Return the share of cells that agree, for every turn eastwards."""
        both = _sums_of_turns(mask, is_land).sum(axis=1) / mask.size
        return 1 - mask.mean() - is_land.mean() + 2 * both

    ways = [matches(x) for x in _mirrored(missing.astype(float))]
    _refuse_better(found, ways, _MASK, "missing values")


def check_longitudes(
    temperature: np.ndarray, usual: np.ndarray, land: np.ndarray | None, found: str
) -> None:
    """Refuse SST whose differences along latitudes are usual if turned or mirrored.

    The temperature, that of a climatology, and the land fraction, or None if it is
    unknown, are of shape (longitude, latitude).

    Raises:
        InputDataError: Two directions are exchanged, or longitudes are shifted.
    """
    sea = np.ones(usual.shape) if land is None else (land < 0.5).astype(float)
    middle = slice(usual.shape[1] // 6, -usual.shape[1] // 6)  # within about 60 degrees
    sea, other = sea[:, middle], usual[:, middle]
    total = np.maximum(sea.sum(axis=0), 1e-9)
    other = (other - (other * sea).sum(axis=0) / total) * sea

    def correlations(field: np.ndarray) -> np.ndarray:
        """Return those with what is usual at sea, for every turn eastwards."""
        field = field[:, middle]
        sums = _sums_of_turns(field, sea)
        squares = (_sums_of_turns(field**2, sea) - sums**2 / total).sum(axis=1)
        size = np.sqrt(np.maximum(squares, 0) * (other**2).sum())
        both = _sums_of_turns(field, other).sum(axis=1)
        return np.divide(both, size, out=np.zeros_like(size), where=size > 0)

    # Means along latitudes, which do not count, would cost digits.
    field = temperature - temperature.mean(axis=0, dtype=float)
    ways = [correlations(x) for x in _mirrored(field)]
    _refuse_better(found, ways, _PATTERN, "warm and cold seas")


@dataclasses.dataclass(frozen=True)
class _Fit:
    """How much better than upright a field has to fit to be refused.

    A fit that is as good as that of data of the Earth counts for more.
    """

    least: float
    difference: float
    good: float
    difference_if_good: float


# Of ERA5 and OISST upright: 0.92 or more, and less in any other position; shifted by 5
# degrees 0.89, and mirrored 0.77 at best.
_MASK = _Fit(0.0, 0.1, 0.9, 0.02)
# Of OISST upright: 0.93 or more; shifted by 5 degrees 0.88, and mirrored 0.31 at best.
_PATTERN = _Fit(0.5, 0.2, 0.9, 0.04)


def _mirrored(field: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a field as it is, and with two directions exchanged."""
    return field, field[:, ::-1], field[::-1]


def _refuse_better(
    found: str, ways: Sequence[np.ndarray], fit: _Fit, what: str
) -> None:
    """Refuse a field that fits the Earth better in another position.

    Args:
        found: Name of the variable.
        ways: Of `_mirrored`, how well it fits, for every number of meridians turned.
        fit: How much better it has to fit.
        what: That is compared.

    Raises:
        InputDataError: Two directions are exchanged, or longitudes are shifted.
    """
    upright, best = ways[0][0], max(way.max() for way in ways)
    difference = fit.difference_if_good if best >= fit.good else fit.difference
    if best < max(fit.least, upright + difference):
        return
    if best == ways[0].max():
        raise _turned_error(found, int(ways[0].argmax()), len(ways[0]), what)
    pair, axis = "North and south", "latitudes"
    if best == ways[2].max():
        pair, axis = "East and west", "longitudes"
    raise InputDataError(
        f"{pair} of variable {found} are exchanged: its {what} match those of the "
        f"Earth better if {axis} are reversed.",
        f"Choose another initial time, or correct the {axis}.",
    )


def _sums_of_turns(field: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return weighted sums along latitudes, (turn, latitude), for every turn eastwards.

    Both fields are (longitude, latitude); the weights are not turned.
    """
    product = np.fft.rfft(field, axis=0).conj() * np.fft.rfft(weights, axis=0)
    return np.fft.irfft(product, n=len(field), axis=0)


def _turned_error(found: str, shift: int, size: int, what: str) -> InputDataError:
    degrees = (shift * 360 / size + 180) % 360 - 180
    return InputDataError(
        f"Variable {found} is shifted in longitude: its {what} match those of the "
        f"Earth if it is turned by {abs(degrees):.0f} degrees.",
        "Correct the longitudes: they may begin at -180 in the values, and at 0 in the "
        "coordinate.",
    )


def _correlation(one: np.ndarray, other: np.ndarray, grid: Grid) -> float:
    """Return the area-weighted correlation of two fields."""
    weights = np.broadcast_to(grid.area_weights, one.shape).ravel()
    matrix = np.cov(one.ravel(), other.ravel(), aweights=weights)
    variance = matrix[0, 0] * matrix[1, 1]
    return matrix[0, 1] / np.sqrt(variance) if variance > 0 else 0.0
