"""The likely cause where two forecasts that should agree do not."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

_EXPLAINS, _EXACT = 0.5, 0.02
"""Shares of the difference: the most that a cause leaves, and what is hardly any."""

Candidate = tuple[str, np.ndarray]
"""A description of a cause, and the published field without it."""


def likely_causes(
    ours: np.ndarray,
    published: np.ndarray,
    weights: np.ndarray,
    others: Iterable[Candidate],
) -> tuple[str, ...]:
    """Return what may explain the difference of two fields, the likeliest first.

    Tried are a sign, a factor, a constant, a turn in longitude, a reflection at the
    equator, both of these, and other published fields. Causes leave at most half of the
    root-mean-square difference, and are about as good as the best one.

    Args:
        ours: our field, shape (latitude, longitude).
        published: the published field, same shape.
        weights: area weights, shape (latitude,).
        others: other published fields, such as those of other lead times.

    Returns:
        Clauses such as ``the published fields are turned by 180 degrees of longitude``.
    """
    weight = np.broadcast_to(weights[:, None], ours.shape)
    weight = weight / weight.sum()
    ours, published = ours.astype(np.float64), published.astype(np.float64)
    sides = [
        name
        for name, field in (("our", ours), ("the published", published))
        if not np.isfinite(field).all()
    ]
    if sides:
        return (f"{' and '.join(sides)} fields have values that are not finite",)
    difference = _rms(ours - published, weight)
    left = {
        text: _rms(ours - corrected, weight)
        for text, corrected in _candidates(ours, published, weight, others)
    }
    best = min(left.values())
    enough = min(max(2 * best, _EXACT * difference), _EXPLAINS * difference)
    good = [text for text in left if left[text] <= enough]
    return tuple(sorted(good, key=lambda text: left[text]))


def group_causes(causes: Sequence[tuple[str, ...]]) -> list[str]:
    """Return one cause for each of several fields, as few different ones as can be.

    Args:
        causes: what may explain each field, the likeliest first.

    Returns:
        The cause of each; the empty text where there is none.
    """
    chosen = ["" for _ in causes]
    open_fields = {number for number, some in enumerate(causes) if some}
    while open_fields:
        counts: dict[str, int] = {}
        for number in sorted(open_fields):
            for text in causes[number]:
                counts[text] = counts.get(text, 0) + 1
        cause = max(counts, key=lambda text: counts[text])
        found = {number for number in open_fields if cause in causes[number]}
        for number in found:
            chosen[number] = cause
        open_fields -= found
    return chosen


def _candidates(
    ours: np.ndarray,
    published: np.ndarray,
    weight: np.ndarray,
    others: Iterable[Candidate],
) -> Iterator[Candidate]:
    offset = float((weight * (published - ours)).sum())
    yield f"the published fields are {offset:+.3g} off everywhere", published - offset
    yield "the published fields have the other sign", -published
    factor = _factor(ours, published, weight)
    if factor > 0:
        text = f"the published fields are {1 / factor:.5g} times ours"
        yield text, factor * published
    flipped = published[::-1]
    yield "north and south are exchanged", flipped
    for field, also in (
        (published, ""),
        (flipped, ", and north and south are exchanged"),
    ):
        steps = _best_turn(ours, field, weight)
        degrees = steps * 360 / field.shape[1]
        turned = f"the published fields are turned by {degrees:g} degrees of longitude"
        if steps:
            yield turned + also, np.roll(field, -steps, axis=1)
    for text, other in others:
        if other.shape == ours.shape and np.isfinite(other).all():
            yield text, other.astype(np.float64)


def _rms(difference: np.ndarray, weight: np.ndarray) -> float:
    return float(np.sqrt((weight * np.square(difference)).sum()))


def _factor(ours: np.ndarray, published: np.ndarray, weight: np.ndarray) -> float:
    """Return the factor that makes the published field most like ours."""
    square = float((weight * np.square(published)).sum())
    return float((weight * ours * published).sum()) / square if square else 0.0


def _best_turn(ours: np.ndarray, published: np.ndarray, weight: np.ndarray) -> int:
    """Return by how many longitudes eastward the published field is turned.

    It has the largest covariance with ours of all turns, by Fourier transforms along
    the circles of latitude.
    """
    transforms = [np.fft.rfft(x, axis=1) for x in (weight * ours, published)]
    spectrum = (np.conj(transforms[0]) * transforms[1]).sum(axis=0)
    return int(np.fft.irfft(spectrum, published.shape[1]).argmax())
