import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ngcm_cli.gcm import programs
from ngcm_cli.gcm.programs import output_jit, takes_output_options


class Scaled(eqx.Module):
    factor: jax.Array

    @output_jit
    def times(self, x, offset: float = 0.0):
        """Return a product."""
        return self.factor * x + offset


MODEL = Scaled(jnp.float32(3))
ONES = jnp.ones(4)


def test_a_method_called_alone():
    np.testing.assert_array_equal(MODEL.times(ONES, offset=1.0), 4 * ONES)
    assert Scaled.times.__doc__ == "Return a product."


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: jax.jit(f)(ONES),
        lambda f: jax.vmap(f)(ONES),
        lambda f: jax.jit(lambda: f(ONES))(),  # no argument is a tracer
        lambda f: jax.lax.map(f, ONES),
        lambda f: jax.eval_shape(f, ONES).shape == (4,) and 3 * ONES,
        lambda f: jax.jvp(f, (ONES,), (ONES,))[1],
        lambda f: jax.jit(jax.grad(lambda x: f(x).sum()))(ONES),
        lambda f: jax.grad(lambda x: f(x).sum())(ONES),
    ],
)
def test_a_part_of_another_program(transform):
    np.testing.assert_array_equal(transform(lambda x: MODEL.times(x)), 3 * ONES)


def test_options_are_for_the_outermost_program_on_a_cpu(monkeypatch):
    """JAX refuses them within another, and XLA those that it does not have."""
    assert takes_output_options()
    assert jax.jit(lambda x: x + takes_output_options())(1) == 1
    monkeypatch.setattr(programs, "OUTPUT_OPTIONS", {"xla_no_such_option": 1})
    double = output_jit(lambda x: 2 * x)
    with pytest.raises(Exception, match="xla_no_such_option"):
        double(ONES)
    np.testing.assert_array_equal(jax.jit(double)(ONES), 2 * ONES)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    np.testing.assert_array_equal(double(ONES), 2 * ONES)
