"""Singular vectors: the perturbations of a state that grow most in a given time."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from ngcm_cli import units
from ngcm_cli.dynamics.state import TRACERS, State
from ngcm_cli.errors import ConfigError, UnstableRunError
from ngcm_cli.gcm.forcing import Forcing
from ngcm_cli.gcm.model import NeuralGCM
from ngcm_cli.gcm.model_state import ModelState
from ngcm_cli.gcm.singular_perturbation import (
    HEAT_CAPACITY,
    LATENT_HEAT,
    REFERENCE_TEMPERATURE,
)
from ngcm_cli.sensitivity.gradient import advance, pull_back, push_forward
from ngcm_cli.spectral.operators import velocity

_VAPOUR = "specific_humidity"
_TOLERANCE = 1e-4  # relative, of eigenvalues: about what float32 products allow
_BASIS = 3  # vectors in the basis of the Lanczos method, for each that is wanted


@dataclasses.dataclass(frozen=True, eq=False)
class SingularVectors:
    """The leading singular vectors of the tangent-linear forecast.

    Attributes:
        values: singular values, largest first: growth of the square root of energy.
        initial: perturbations by name on the sigma levels, SI units, (vector, level,
            longitude, latitude), of one J kg-1 each and orthogonal to each other:
            ``temperature``, ``u_component_of_wind``, ``v_component_of_wind``,
            ``specific_humidity`` and ``log_surface_pressure``.
        final: what they become, likewise.
        products: evaluations of the tangent-linear and the adjoint model.
    """

    values: np.ndarray
    initial: dict[str, np.ndarray]
    final: dict[str, np.ndarray]
    products: int


def energy_weights(model: NeuralGCM, is_moist: bool) -> State:
    """Return the weights of squares of modal coefficients in the total energy.

    Ehrendorfer and Errico (1995, J. Atmos. Sci. 52, 3475), with Tᵣ = 270 K, as a mean
    over the mass of the atmosphere, in J kg-1; Δσ is the thickness of layers and the
    harmonics are orthonormal over the sphere:

        E = 1/4π Σₙₘ { ½ Σₖ Δσₖ [a² (ζ² + δ²) / n(n + 1) + cₚ T² / Tᵣ
            + L² q² / (cₚ Tᵣ)] + ½ R Tᵣ (ln pₛ)² }

    The weights are zero for what the norm does not see, which is not perturbed: clouds,
    with the dry norm humidity, and coefficients that the model sets to zero.
    """
    grid, layers = model.grid, model.sigma_levels
    n = np.arange(grid.total_wavenumbers, dtype=np.float64)
    kept = grid.mask & (n < grid.total_wavenumbers - model.encoder.clipped)
    thickness = np.asarray(layers.thickness, np.float64)[:, None, None]
    mean = kept * thickness / (8 * np.pi)
    inverse = np.divide(1, n * (n + 1), where=n > 0, out=np.zeros_like(n))
    wind = mean * inverse / units.METER_PER_SECOND**2
    gas_constant = units.KAPPA * HEAT_CAPACITY
    moist = LATENT_HEAT**2 / (HEAT_CAPACITY * REFERENCE_TEMPERATURE)
    pressure = kept[None] / (8 * np.pi) * gas_constant * REFERENCE_TEMPERATURE
    tracers = {name: np.zeros_like(mean) for name in TRACERS}
    if is_moist:
        tracers[_VAPOUR] = mean * moist
    return State(
        vorticity=wind,  # pyright: ignore[reportArgumentType]
        divergence=wind,  # pyright: ignore[reportArgumentType]
        temperature_variation=mean * HEAT_CAPACITY / REFERENCE_TEMPERATURE,  # pyright: ignore
        log_surface_pressure=pressure,  # pyright: ignore[reportArgumentType]
        tracers=tracers,  # pyright: ignore[reportArgumentType]
    )


class Propagator:
    """The tangent-linear forecast between states whose norm is their energy.

    Vectors hold the coefficients that the norm sees, each times the root of its weight:
    their Euclidean norm is the root of the total energy.

    Args:
        model: of the state.
        state: about which it is linear; its random fields are held fixed.
        forcing: of the whole forecast.
        steps: model steps.
        is_moist: whether humidity counts.
    """

    def __init__(
        self,
        model: NeuralGCM,
        state: ModelState,
        forcing: Forcing,
        steps: int,
        is_moist: bool = True,
    ):
        weights, self._structure = jax.tree.flatten(energy_weights(model, is_moist))
        self._shapes = [x.shape for x in weights]
        flat = np.concatenate([x.ravel() for x in weights])
        self._at = np.flatnonzero(flat)
        self._root = np.sqrt(flat[self._at])
        self._ends = np.cumsum([x.size for x in weights])[:-1]
        self._size = flat.size
        self.model, self.forcing, self.steps = model, forcing, steps
        self.start, self._fixed = eqx.partition(state, eqx.is_inexact_array)
        self._kind = self.start.state.vorticity.dtype
        end = advance(model, self.start, self._fixed, forcing, steps)
        (self.end, _), self._through = end
        self.products = 0

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return len(self._at)

    def state(self, vector: np.ndarray) -> State:
        """Return the modal perturbation of a vector."""
        flat = np.zeros(self._size)
        flat[self._at] = vector / self._root
        parts = np.split(flat, self._ends)
        shaped = [
            jnp.asarray(x.reshape(shape), self._kind)
            for x, shape in zip(parts, self._shapes, strict=True)
        ]
        return jax.tree.unflatten(self._structure, shaped)

    def vector(self, state: State, power: int = 1) -> np.ndarray:
        """Return the vector of a modal perturbation; of a derivative with power −1."""
        leaves = [np.asarray(x, np.float64).ravel() for x in jax.tree.leaves(state)]
        return np.concatenate(leaves)[self._at] * self._root**power

    def tangent(self, vector: np.ndarray) -> np.ndarray:
        """Return the vector of what a perturbation becomes."""
        self.products += 1
        zero = jax.tree.map(jnp.zeros_like, self.start)
        change = eqx.tree_at(lambda x: x.state, zero, self.state(vector))
        after = push_forward(
            self.model, self.start, self._fixed, self.forcing, self.steps, change
        )
        return self.vector(after.state)

    def adjoint(self, vector: np.ndarray) -> np.ndarray:
        """Return the transpose of `tangent`, applied to a vector."""
        self.products += 1
        # With x = state(v): vᵀ y = xᵀ W y, so the derivative by y has weights again.
        zero = jax.tree.map(jnp.zeros_like, self.end)
        scaled = np.asarray(vector) * self._root**2
        at_end = eqx.tree_at(lambda x: x.state, zero, self.state(scaled))
        at_start, _ = pull_back(self._through, at_end)
        return self.vector(at_start.state, -1)


def find_singular_vectors(
    propagator: Propagator,
    count: int,
    seed: int = 0,
    track: Callable[[int], None] = lambda products: None,
) -> SingularVectors:
    """Return the leading singular vectors by the Lanczos method.

    Eigenvectors of MᵀM, M the propagator: ARPACK with forward and reverse products.

    Args:
        propagator: the tangent-linear forecast.
        count: how many.
        seed: of the first vector.
        track: receives the number of products so far.

    Raises:
        ConfigError: there are not so many, or they were not found.
        UnstableRunError: the tangent-linear model gives no finite numbers.
    """

    def product(vector: np.ndarray) -> np.ndarray:
        found = propagator.adjoint(propagator.tangent(vector))
        if not np.isfinite(found).all():
            raise UnstableRunError(
                f"The tangent-linear {propagator.steps} steps are not finite.",
                "Give a shorter --lead.",
            )
        track(propagator.products)
        return found

    values, vectors = leading_vectors(product, propagator.size, count, seed)
    initial = [propagator.state(x) for x in vectors]
    final = [propagator.state(propagator.tangent(x)) for x in vectors]
    fields = [_physical(propagator.model, x) for x in (*initial, *final)]
    stacked = {
        name: np.stack([np.asarray(x[name]) for x in fields]) for name in fields[0]
    }
    return SingularVectors(
        values,
        {name: x[:count] for name, x in stacked.items()},
        {name: x[count:] for name, x in stacked.items()},
        propagator.products,
    )


def leading_vectors(
    product: Callable[[np.ndarray], np.ndarray], size: int, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading singular values and right singular vectors of a matrix M.

    Eigenvectors of MᵀM by the Lanczos method of ARPACK. Of the two signs of a vector,
    that with a positive largest element is chosen.

    Args:
        product: multiplies a vector by MᵀM.
        size: of vectors.
        count: how many, below the size.
        seed: of the vector to start with.

    Returns:
        Values (count,), largest first, and vectors (count, size), orthonormal.

    Raises:
        ConfigError: there are not so many, or they were not found.
    """
    if count >= size:
        raise ConfigError(
            f"There are no {count} singular vectors: the state has {size} "
            "coefficients.",
            "Ask for fewer.",
        )
    tolerance: Any = _TOLERANCE  # unknown to the stubs of SciPy
    make: Any = LinearOperator  # likewise
    operator = make((size, size), matvec=product, dtype=np.float64)
    first = np.random.default_rng(seed).standard_normal(size)
    basis = min(size, max(_BASIS * count, count + 8))
    try:
        squares, vectors = eigsh(
            operator, count, which="LA", v0=first, ncv=basis, tol=tolerance
        )
    except ArpackNoConvergence:
        raise ConfigError(
            f"The {count} leading singular vectors were not found: they hardly differ.",
            "Ask for another number, or give a longer --lead, in which they differ.",
        ) from None
    order = np.argsort(squares)[::-1]
    rows = vectors.T[order]
    largest = np.take_along_axis(rows, np.abs(rows).argmax(1)[:, None], 1)
    return np.sqrt(np.maximum(squares[order], 0)), rows * np.sign(largest)


@eqx.filter_jit
def _physical(model: NeuralGCM, change: State) -> dict[str, Float[Array, "..."]]:
    """Return a modal perturbation as fields on the sigma levels in SI units."""
    to_nodal = model.harmonics.to_nodal
    u, v = velocity(change.vorticity, change.divergence, model.harmonics)
    return {
        "temperature": to_nodal(change.temperature_variation),
        "u_component_of_wind": u / units.METER_PER_SECOND,
        "v_component_of_wind": v / units.METER_PER_SECOND,
        _VAPOUR: to_nodal(change.tracers[_VAPOUR]),
        "log_surface_pressure": to_nodal(change.log_surface_pressure),
    }
