"""The cache of compiled programs, on disk between runs."""

import jax

from ngcm_cli.io.cache_dir import cache_dir


def enable_compilation_cache() -> None:
    """Cache compiled programs on disk, unless JAX was told where already."""
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    jax.config.update("jax_compilation_cache_dir", str(cache_dir() / "compiled"))
    shortest = "jax_persistent_cache_min_compile_time_secs"
    if jax.config.values[shortest] == 1.0:  # as JAX has it, if nobody changed it
        jax.config.update(shortest, 0.0)
