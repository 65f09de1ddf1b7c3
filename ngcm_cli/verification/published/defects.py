"""The likely cause where two forecasts that should agree do not."""

from collections.abc import Iterable, Iterator

import numpy as np

_EXPLAINS = 0.5
"""Largest share of the difference that a cause may leave unexplained."""

Candidate = tuple[str, np.ndarray]
"""A description of a cause, and the published field without it."""


def likely_cause(
    ours: np.ndarray,
    published: np.ndarray,
    weights: np.ndarray,
    others: Iterable[Candidate],
) -> str:
    """Return what explains most of the difference of two fields, or nothing.

    Tried are a sign, a factor, a constant, a turn in longitude, a reflection at the
    equator, both of these, and other published fields. The cause is the first that
    leaves the smallest root-mean-square difference, if that is at most half of what it
    was.

    Args:
        ours: our field, shape (latitude, longitude).
        published: the published field, same shape.
        weights: area weights, shape (latitude,).
        others: other published fields, such as those of other lead times.

    Returns:
        A clause such as ``the published fields are turned by 180 degrees of longitude``
        or the empty text.
    """
    weight = np.broadcast_to(weights[:, None], ours.shape)
    weight = weight / weight.sum()
    ours, published = ours.astype(np.float64), published.astype(np.float64)
    if not (np.isfinite(ours).all() and np.isfinite(published).all()):
        sides = [
            name
            for name, field in (("our", ours), ("the published", published))
            if not np.isfinite(field).all()
        ]
        return f"{' and '.join(sides)} fields have values that are not finite"
    smallest = _EXPLAINS * _rms(ours - published, weight)
    cause = ""
    for text, corrected in _candidates(ours, published, weight, others):
        left = _rms(ours - corrected, weight)
        if left < 0.9 * smallest:  # a little better is no better explanation
            smallest, cause = left, text
    return cause


def _candidates(
    ours: np.ndarray,
    published: np.ndarray,
    weight: np.ndarray,
    others: Iterable[Candidate],
) -> Iterator[Candidate]:
    offset = float((weight * (published - ours)).sum())
    yield f"the published fields are {offset:+.4g} off everywhere", published - offset
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
