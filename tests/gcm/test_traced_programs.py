import dataclasses
import functools
import os
import pathlib
import shutil
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ngcm_cli
from ngcm_cli.gcm import traced_programs
from ngcm_cli.gcm.state_arrays import to_arrays
from ngcm_cli.gcm.traced_programs import TracedProgram, keep_traced_programs
from ngcm_cli.simulation.batch import BatchedModel

TRACED: list[str] = []


class Scaled(eqx.Module):
    """A module with arrays, and with all that is static in one."""

    factor: jax.Array
    table: Any = eqx.field(static=True, default=1.0)
    function: Any = eqx.field(static=True, default=jax.lax.add)

    def __call__(self, x: Any) -> Any:
        constant = self.table if isinstance(self.table, float) else 1.0
        product = self.factor * x
        return self.function(product, jnp.asarray(constant, product.dtype))


class Result(eqx.Module):
    value: jax.Array
    more: Any


def scale(module: Scaled, x: jax.Array, times: int = 1) -> Any:
    TRACED.append("scale")
    return Result(times * module(x), {"pair": (x, [Result(2 * x, None)])})


def rescale(module: Scaled, x: jax.Array) -> Scaled:
    TRACED.append("rescale")
    return dataclasses.replace(module, factor=module(x))


def ask(x: jax.Array) -> jax.Array:
    TRACED.append("ask")
    return jax.pure_callback(lambda x: 2 * x, x, x)


def weak(x: jax.Array) -> jax.Array:
    TRACED.append("weak")
    return jax.lax.full((), 2.0) * 1.0


def numbered(x: jax.Array) -> dict[int, jax.Array]:
    TRACED.append("numbered")
    return {1: 2 * x}


def fail(x: jax.Array) -> jax.Array:
    raise ValueError("of the function")


def draw(key: jax.Array) -> dict[str, jax.Array]:
    TRACED.append("draw")
    key, other = jax.random.split(key)
    return {"key": key, "value": jax.random.normal(other, (3,))}


ONES = jnp.ones(4)
MODULE = Scaled(jnp.float32(3))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of traced programs; also of functions of this file."""
    known = {*traced_programs._KNOWN, __name__.split(".")[0]}
    monkeypatch.setattr(traced_programs, "_KNOWN", known)
    TRACED.clear()
    keep_traced_programs(tmp_path / "programs")
    yield tmp_path / "programs"
    keep_traced_programs(None)


def in_new_process(function: Any, *args: Any, options: Any = None, **kwargs: Any):
    """Return what a program gives that has never been called, and if it was traced."""
    before = len(TRACED)
    jax.clear_caches()
    result = TracedProgram(function, options)(*args, **kwargs)
    return result, len(TRACED) > before


def test_nothing_is_kept_by_default(tmp_path):
    _, is_traced = in_new_process(scale, MODULE, ONES)
    _, is_traced_again = in_new_process(scale, MODULE, ONES)
    assert is_traced and is_traced_again


def test_a_program_is_traced_once(folder):
    program = TracedProgram(scale)
    first, second = program(MODULE, ONES), program(MODULE, 2 * ONES)
    assert TRACED == ["scale"]
    other, is_traced = in_new_process(scale, MODULE, ONES)
    assert not is_traced
    assert jax.tree.structure(other) == jax.tree.structure(first)
    (inner,) = other.more["pair"][1]
    np.testing.assert_array_equal(inner.value, 2 * ONES)
    np.testing.assert_array_equal(other.value, 4 * ONES)
    np.testing.assert_array_equal(second.value, 7 * ONES)


def test_it_can_be_compiled_and_not_called(folder):
    in_new_process(scale, MODULE, ONES)
    assert "stablehlo" in TracedProgram(scale).lower(MODULE, ONES).as_text()
    assert TRACED == ["scale"]
    keep_traced_programs(None)
    assert "stablehlo" in TracedProgram(scale).lower(MODULE, ONES).as_text()


def test_values_of_arrays_do_not_matter(folder):
    in_new_process(scale, MODULE, ONES)
    module = dataclasses.replace(MODULE, factor=jnp.float32(5))
    result, is_traced = in_new_process(scale, module, 2 * ONES)
    assert not is_traced
    np.testing.assert_array_equal(result.value, 11 * ONES)


@pytest.mark.parametrize(
    ("module", "x", "more"),
    [
        (MODULE, jnp.ones(5), {}),
        (MODULE, ONES.astype(jnp.bfloat16), {}),
        (MODULE, jnp.float32(1), {}),
        (MODULE, ONES, {"times": 2}),
        (MODULE, ONES, {"times": True}),
        (MODULE, ONES, {"options": {"xla_backend_optimization_level": 1}}),
        (Scaled(jnp.float32(3), 2.0), ONES, {}),
        (Scaled(jnp.float32(3), "a"), ONES, {}),
        (Scaled(jnp.float32(3), None), ONES, {}),
        (Scaled(jnp.float32(3), (1, 2)), ONES, {}),
        (Scaled(jnp.float32(3), ((1,), 2)), ONES, {}),
        (Scaled(jnp.float32(3), frozenset({1})), ONES, {}),
        (Scaled(jnp.float32(3), np.dtype("f4")), ONES, {}),
        (Scaled(jnp.float32(3), 1.0, jax.lax.mul), ONES, {}),
        (Scaled(jnp.float32(3), functools.partial(jnp.sum, axis=0)), ONES, {}),
    ],
)
def test_what_another_program_is(folder, module, x, more):
    in_new_process(scale, MODULE, ONES)
    _, is_traced = in_new_process(scale, module, x, **more)
    assert is_traced
    _, is_traced = in_new_process(scale, module, x, **more)
    assert not is_traced


def test_numbers_in_a_static_table_matter(folder):
    """They are constants of the program."""
    tables = (np.zeros(4), np.array([0, 0, 0, 1.0]), np.zeros((1, 4)))
    for table in tables:
        module = Scaled(jnp.float32(3), _Frozen(table))
        _, is_traced = in_new_process(scale, module, ONES)
        assert is_traced
    module = Scaled(jnp.float32(3), _Frozen(np.zeros(4)))
    assert not in_new_process(scale, module, ONES)[1]


@dataclasses.dataclass(frozen=True, eq=False)
class _Frozen:
    """A table that can be compared."""

    table: np.ndarray


def test_the_source_matters(folder, monkeypatch):
    in_new_process(scale, MODULE, ONES)
    monkeypatch.setattr(traced_programs, "_source", lambda since: "another")
    assert in_new_process(scale, MODULE, ONES)[1]


@pytest.mark.parametrize(
    "setting", [jax.default_matmul_precision("highest"), jax.enable_x64(True)]
)
def test_settings_matter(folder, setting):
    """Also within a process."""
    program = TracedProgram(scale)
    program(MODULE, ONES)
    with setting:
        for call in (program, TracedProgram(scale)):
            TRACED.clear()
            value = call(MODULE, ONES).value
            assert bool(TRACED) == (call is program)
            np.testing.assert_array_equal(value, 4 * ONES)
    TRACED.clear()
    program(MODULE, ONES)
    assert not TRACED


def test_nothing_is_kept_if_the_package_has_changed_since_it_was_loaded(folder):
    """A package that somebody updates while a command reads its data."""
    newest = max(
        max(path.stat().st_mtime, path.stat().st_ctime)
        for path in pathlib.Path(ngcm_cli.__path__[0]).rglob("*.py")
    )
    keep_traced_programs(folder, newest - 1)
    for _ in range(2):
        assert in_new_process(scale, MODULE, ONES)[1]
    assert not folder.exists()
    keep_traced_programs(folder, newest)
    in_new_process(scale, MODULE, ONES)
    assert not in_new_process(scale, MODULE, ONES)[1]


@pytest.mark.parametrize("first", [None, "another"])
def test_nothing_is_written_if_the_source_is_not_sure(folder, monkeypatch, first):
    """Before it is traced, or because it changes meanwhile."""
    monkeypatch.setattr(traced_programs, "_source", lambda since: first)
    result, _ = in_new_process(scale, MODULE, ONES)
    np.testing.assert_array_equal(result.value, 4 * ONES)
    assert not folder.exists()


@pytest.mark.parametrize(
    "table", [lambda: 1, object(), os.getcwd, type("Local", (), {})]
)
def test_what_depends_on_something_unknown_is_not_kept(folder, table):
    module = Scaled(jnp.float32(3), _Frozen(table))
    for _ in range(2):
        result, is_traced = in_new_process(scale, module, ONES)
        assert is_traced
        np.testing.assert_array_equal(result.value, 4 * ONES)
    assert not folder.exists()


def test_a_function_of_another_package_is_not_kept(folder, monkeypatch):
    monkeypatch.setattr(traced_programs, "_KNOWN", {"ngcm_cli"})
    in_new_process(scale, MODULE, ONES)
    assert in_new_process(scale, MODULE, ONES)[1]


def test_a_result_that_is_not_arrays_alone_is_not_kept(folder):
    for _ in range(2):
        result, is_traced = in_new_process(rescale, MODULE, ONES)
        assert is_traced
        np.testing.assert_array_equal(result.factor, 4 * ONES)
    assert not folder.exists()


@pytest.mark.parametrize("function", [ask, numbered, weak])
def test_what_jax_does_not_export_is_not_kept(folder, function):
    """Or exports without its weak type."""
    for _ in range(2):
        result, is_traced = in_new_process(function, ONES)
        assert is_traced
        np.testing.assert_array_equal(jax.tree.leaves(result)[0], 2 * ONES[0])
    assert not folder.exists()


@pytest.mark.parametrize(
    "table",
    [np.ma.masked_array([1.0]), type("Table", (dict,), {})(), np.array([None])],
)
def test_what_has_more_than_is_described_is_not_kept(folder, table):
    in_new_process(scale, Scaled(jnp.float32(3), _Frozen(table)), ONES)
    assert not folder.exists()


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: jax.vmap(f)(ONES[None])[0],
        lambda f: jax.jvp(f, (ONES,), (ONES,))[0],
        lambda f: jax.jit(f)(ONES),
    ],
)
def test_a_part_of_another_program(folder, transform):
    program = TracedProgram(scale)
    value = transform(lambda x: program(MODULE, x).value)
    np.testing.assert_array_equal(value, 4 * ONES)
    assert not folder.exists()


def test_nothing_is_kept_where_programs_are_not_compiled(folder):
    with jax.disable_jit():
        in_new_process(scale, MODULE, ONES)
    assert not folder.exists()


def test_errors_of_the_function_are_raised(folder):
    with pytest.raises(ValueError, match="of the function"):
        in_new_process(fail, ONES)


def test_random_keys(folder):
    first, _ = in_new_process(draw, jax.random.key(3))
    second, is_traced = in_new_process(draw, jax.random.key(3))
    assert not is_traced
    assert first["key"] == second["key"] and second["key"].dtype == first["key"].dtype
    np.testing.assert_array_equal(first["value"], second["value"])


@pytest.mark.parametrize("size", [0, 10, 40, -1])
def test_a_damaged_file_is_written_anew(folder, size):
    in_new_process(scale, MODULE, ONES)
    (path,) = folder.iterdir()
    path.write_bytes(path.read_bytes()[:size])
    assert in_new_process(scale, MODULE, ONES)[1]
    result, is_traced = in_new_process(scale, MODULE, ONES)
    assert not is_traced
    np.testing.assert_array_equal(result.value, 4 * ONES)


def test_a_folder_that_cannot_be_written_does_no_harm(folder):
    folder.write_text("a file")
    for _ in range(2):
        result, is_traced = in_new_process(scale, MODULE, ONES)
        assert is_traced
        np.testing.assert_array_equal(result.value, 4 * ONES)
    assert folder.read_text() == "a file"


def test_nothing_is_kept_where_it_has_not_been_tried(folder, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    in_new_process(scale, MODULE, ONES)
    assert not folder.exists()


def test_a_model_gives_the_same_bits(folder, reduced_model, monkeypatch):
    """Without the folder, when it is traced, and when it is read, here from a copy."""
    model = ngcm_cli.load_model(reduced_model)
    sample = ngcm_cli.bundled_state(model)
    batched = BatchedModel(model)

    def encode_and_step() -> dict[str, np.ndarray]:
        key = jax.random.key(1)
        state = model.encode(sample.fields, sample.forcing, sample.time, key)
        states = batched.stack([state], 1)
        return to_arrays(batched.advance(states, sample.forcing, 1))

    keep_traced_programs(None)
    expected = encode_and_step()
    keep_traced_programs(folder)
    results = [encode_and_step()]
    assert len(list(folder.iterdir())) == 2
    shutil.copytree(folder, folder.with_name("copy"))
    keep_traced_programs(folder.with_name("copy"))
    monkeypatch.delattr(TracedProgram, "_trace")
    results.append(encode_and_step())
    for result in results:
        jax.tree.map(np.testing.assert_array_equal, result, expected)
