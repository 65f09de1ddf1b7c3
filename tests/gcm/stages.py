"""What our bundled model computes inside, from the sample and from a noisy one."""

import functools

import equinox as eqx
import jax
from agreement import perturbed
from gcm import bundled

from ngcm_cli.gcm.fields import from_si
from ngcm_cli.physics.features import state_features


@functools.cache
def moved():
    """The states of ``bundled.steps`` from inputs with noise of 1e-7."""
    model, data = bundled.model(), bundled.sample()
    noisy = {name: perturbed(x) for name, x in data.fields.items()}
    states = [model.encode(noisy, data.forcing, data.time, jax.random.key(0))]
    for _ in range(2):
        states.append(model.advance(states[-1], data.forcing))
    return states


@functools.cache
def stages(noisy: bool = False):
    """Features and outputs of the three networks for the sample, and tendencies."""
    model, data = bundled.model(), bundled.sample()
    first = moved()[0] if noisy else bundled.encoded()
    fields = {k: perturbed(x) for k, x in data.fields.items()} if noisy else data.fields
    noise = model.encoder_noise
    noise = noise.nodal(noise.sample(jax.random.split(jax.random.key(0))[1]))
    step_noise = model.step.random_fields.nodal(first.random)
    return jax.device_get(
        networks(
            model, fields, noise, data.forcing, first.state, step_noise, first.time
        )
    )


@eqx.filter_jit
def networks(model, fields, noise, forcing, state, step_noise, time):
    encoder, physics, decoder = (
        model.encoder,
        model.step.parameterization,
        model.decoder,
    )
    data = encoder.features(from_si(fields), noise, time)
    seen = physics.features(state, None, step_noise, forcing, time)
    columns = physics.normalization(seen)
    seen = state_features(state, decoder.harmonics, decoder.fields, decoder.gradients)
    decoded = decoder.normalization(seen | decoder.location_time(time))
    return {
        "encoder features": data,
        "encoder network": encoder.tower(data),
        "physics features": columns,
        "physics network": physics.tower(columns),
        "decoder features": decoded,
        "decoder network": decoder.tower(decoded),
        "tendency": physics(state, None, step_noise, forcing, time),
    }
