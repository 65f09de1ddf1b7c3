"""Whether JAX compiles."""

import contextlib

import jax


@contextlib.contextmanager
def compilations():
    """A list that grows with every compilation, also one read from a cache."""
    seen = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
