"""The devices that JAX finds."""

import jax

from ngcm_cli.errors import ConfigError


def check_devices() -> None:
    """Check that JAX has a device to compute on.

    Raises:
        ConfigError: ``JAX_PLATFORMS`` names one that is not there.
    """
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # the latter without CUDA's plugin
        named = jax.config.values["jax_platforms"]
        asked = f"JAX_PLATFORMS is '{named}', but" if named else "JAX says that"
        text = str(error).partition("(set JAX_PLATFORMS")[0]
        reason = " ".join(text.split()).rstrip(".")
        raise ConfigError(
            f"{asked} there is no such device{f': {reason[:300]}' if reason else ''}.",
            "Unset JAX_PLATFORMS, or install the extra for this device: cuda, cuda12 "
            "or tpu.",
        ) from None
