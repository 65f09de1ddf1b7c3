import gzip
import io
import os
import pathlib
import pickle
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngcm_cli.checkpoint.published.reference import read_published
from ngcm_cli.errors import CheckpointError

LONGITUDE = np.arange(8) * 45.0
LATITUDE = np.array([-60.0, -20.0, 20.0, 60.0])
SURFACE = np.arange(32, dtype=np.float32).reshape(8, 4)


class OldJaxArray:
    """Pickles as a ``jax.Array`` of the JAX versions that wrote the old files."""

    def __init__(self, value):
        self.value = np.asarray(value)

    def __reduce__(self):
        function, arguments, state = self.value.__reduce__()
        return _Old.reconstruct, (function, arguments, state, {"weak_type": False})


class _Old:
    @staticmethod
    def reconstruct(*_):
        raise AssertionError("a published file is never executed")


class OldPickler(pickle._Pickler):
    """Writes the names that old NumPy and JAX versions wrote."""

    dispatch = dict(pickle._Pickler.dispatch)
    names = {
        "reconstruct": ("jax._src.array", "_reconstruct_array"),
        "_reconstruct": ("numpy.core.multiarray", "_reconstruct"),
    }

    def save_global(self, obj, name=None):
        if obj.__name__ not in self.names:
            return super().save_global(obj, name)
        for text in self.names[obj.__name__]:
            self.save(text)
        self.write(pickle.STACK_GLOBAL)
        self.memoize(obj)

    dispatch[type(_Old.reconstruct)] = save_global
    dispatch[type(np.empty(0).__reduce__()[0])] = save_global


def variable(dims, data):
    return {"dims": dims, "attrs": {"count": np.float32(1)}, "data": data}


def published(array=np.asarray, data=np.asarray):
    """A small published checkpoint; ``array`` and ``data`` make its two dialects."""
    rng = np.random.default_rng(0)
    grid = ("longitude", "latitude")
    return {
        "model_config_str": "NUM_BLOCKS = 5\n",
        "params": {
            "step/~/linear_0": {
                "w": array(rng.standard_normal((3, 4)).astype(np.float32)),
                "b": array(np.asfortranarray(rng.standard_normal((2, 2)), np.float32)),
            },
            "step/~/field": {"correlation_time_raw": array(np.float32(0.5))},
        },
        "aux_ds_dict": {
            "attrs": {"id": 2**40},
            "dims": {"longitude": 8, "latitude": 4, "level": 3},
            "coords": {
                "longitude": variable(("longitude",), data(LONGITUDE)),
                "latitude": variable(("latitude",), data(LATITUDE)),
                "level": variable(("level",), data(np.array([1, 500, 1000]))),
            },
            "data_vars": {
                "geopotential_at_surface": variable(grid, data(SURFACE)),
                "land_sea_mask": variable(grid[::-1], data(SURFACE.T / 32)),
            },
        },
    }


def old_dialect():
    stream = io.BytesIO()
    OldPickler(stream, 4).dump(published(OldJaxArray, np.ndarray.tolist))
    return stream.getvalue()


def new_dialect():
    return pickle.dumps(published(), protocol=4)


DIALECTS = {"numpy": new_dialect(), "jax": old_dialect()}


@pytest.fixture
def write(tmp_path):
    def write(content, name="model.pkl"):
        path = tmp_path / name
        is_bytes = isinstance(content, bytes)
        path.write_bytes(content if is_bytes else pickle.dumps(content, protocol=4))
        return path

    return write


def refused(path, *words):
    """The error is one sentence that names the file and the thing, and a hint."""
    with pytest.raises(CheckpointError) as caught:
        read_published(path)
    message = caught.value.message
    assert str(path) in message
    for word in words:
        assert word in message
    assert message.endswith(".") and "\n" not in message and len(message) < 400
    assert caught.value.hint
    assert caught.value.exit_code == 2


def arrays(checkpoint):
    yield from checkpoint.static.items()
    for module, weights in checkpoint.params.items():
        for name, weight in weights.items():
            yield f"{module}/{name}", weight


def assert_identical(one, other):
    assert one.config == other.config
    pairs = list(zip(arrays(one), arrays(other), strict=True))
    for (name, a), (name_too, b) in pairs:
        assert (name, a.dtype, a.shape) == (name_too, b.dtype, b.shape)
        assert a.tobytes() == b.tobytes()
    return pairs


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_comes_out_as_it_went_in(write, dialect):
    checkpoint = read_published(write(DIALECTS[dialect]))
    expected = published()
    assert checkpoint.config == expected["model_config_str"]
    for module, weights in expected["params"].items():
        for name, weight in weights.items():
            ours = checkpoint.params[module][name]
            assert ours.dtype == np.float32 and ours.flags.writeable
            np.testing.assert_array_equal(ours, weight, strict=True)
    static = checkpoint.static
    np.testing.assert_array_equal(static["longitude"], LONGITUDE)
    np.testing.assert_array_equal(static["latitude"], LATITUDE)
    np.testing.assert_array_equal(static["level"], [1.0, 500.0, 1000.0], strict=True)
    np.testing.assert_array_equal(static["geopotential_at_surface"], SURFACE)
    np.testing.assert_array_equal(static["land_sea_mask"], SURFACE / 32)


def test_the_old_dialect_is_the_one_found_in_the_wild():
    for name in (b"jax._src.array", b"_reconstruct_array", b"numpy.core.multiarray"):
        assert name in DIALECTS["jax"]


@pytest.mark.parametrize("protocol", [3, 4])
def test_every_protocol_that_numpy_writes_arrays_with(write, protocol):
    path = write(pickle.dumps(published(np.float32, np.ndarray.tolist), protocol))
    assert_identical(
        read_published(path),
        read_published(write(published(np.float32, np.ndarray.tolist), "4.pkl")),
    )


def test_arrays_of_protocol_5_are_not_what_was_published(write):
    refused(write(pickle.dumps(published(), protocol=5)), "numeric._frombuffer")


def test_other_byte_orders_come_out_native(write):
    swapped = published(lambda x: np.asarray(x).astype(">f4"))
    weights = read_published(write(swapped)).params["step/~/linear_0"]["w"]
    expected = published()["params"]["step/~/linear_0"]["w"]
    np.testing.assert_array_equal(weights, expected, strict=True)
    assert weights.dtype.isnative


def test_both_dialects_of_the_small_model_are_bit_identical(shared):
    name = str(shared / "reference" / "tl63_stochastic_mini_{}.pkl")
    numpy = read_published(name.format("numpy"))
    pairs = assert_identical(numpy, read_published(name.format("jax_array")))
    assert len(pairs) == 5 + 111
    assert sum(w.size for m in numpy.params.values() for w in m.values()) == 191_174
    assert numpy.static["geopotential_at_surface"].shape == (128, 64)


def test_reading_imports_no_jax(write):
    path = write(DIALECTS["jax"])
    code = (
        "import sys;"
        "from ngcm_cli.checkpoint.published.reference import read_published;"
        f"read_published({str(path)!r}); sys.exit('jax' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def canary(path):
    return f"touch {path}"


HOSTILE_CALLS = {
    "os.system": (lambda path: Calls(os.system, canary(path)), "system"),
    "eval": (lambda path: Calls(eval, f"open({str(path)!r}, 'w')"), "builtins.eval"),
    "nested": (
        lambda path: Calls(getattr, Calls(__import__, "os"), "system"),
        "builtins.getattr",
    ),
    "subprocess": (
        lambda path: Calls(subprocess.call, ["touch", str(path)]),
        "subprocess.call",
    ),
    "path": (lambda path: pathlib.PurePosixPath(path), "pathlib.PurePosixPath"),
    "class": (lambda path: OldJaxArray, "OldJaxArray"),
}


@pytest.mark.parametrize("where", ["whole", "config", "weight", "data", "attribute"])
@pytest.mark.parametrize("call", HOSTILE_CALLS)
def test_a_call_is_refused_by_name_and_not_made(tmp_path, write, call, where):
    make, name = HOSTILE_CALLS[call]
    trap = tmp_path / "executed"
    content, hostile = published(), make(trap)
    if where == "whole":
        content = hostile
    elif where == "config":
        content["model_config_str"] = hostile
    elif where == "weight":
        content["params"]["step/~/linear_0"]["w"] = hostile
    elif where == "data":
        content["aux_ds_dict"]["coords"]["level"]["data"] = hostile
    else:
        content["aux_ds_dict"]["attrs"]["note"] = [hostile]
    refused(write(content), name, "not part of a published model")
    assert not trap.exists()


def short(text):
    return b"\x8c" + bytes([len(text.encode())]) + text.encode()


def reconstruct(shape, code="f4", raw=b"", inner=b""):
    """Instructions for one array whose shape is not what its bytes say."""
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"
        + b"(K\x01"
        + shape
        + b"cnumpy\ndtype\n("
        + short(code)
        + b"\x89\x88tR\x89"
        + (inner or b"C" + bytes([len(raw)]) + raw)
        + b"tb"
    )


RECALL = b"h\xfa"  # what memo 250 holds
HUGE = b"\x8a\x08" + b"\xff" * 7 + b"\x7f"
STREAMS = {
    "persistent id": (b"Pid\n.", "PERSID"),
    "binary persistent id": (b"NQ.", "BINPERSID"),
    "extension registry 1": (b"\x82\x01.", "EXT1"),
    "extension registry 2": (b"\x83\x01\x00.", "EXT2"),
    "extension registry 4": (b"\x84\x01\x00\x00\x00.", "EXT4"),
    "old call": (b"cos\nsystem\n(X\x02\x00\x00\x00lstR.", "os.system"),
    "old instance": (b"(S'ls'\nios\nsystem\n.", "pickle instruction STRING"),
    "bare instance": (b"(ios\nsystem\n.", "os.system"),
    "new object": (b"cnumpy\nndarray\n)\x81.", "NEWOBJ"),
    "call of a string": (short("ls") + b")R.", "asks for a call"),
    "call of an array type": (b"cnumpy\nndarray\nK\x05\x85R.", "asks for a call"),
    "call within a call": (
        b"cjax._src.array\n_reconstruct_array\n"
        b"(cjax._src.array\n_reconstruct_array\n)N}tR.",
        "asks for a call",
    ),
    "state of a global": (b"cnumpy\nndarray\n}b.", "not plain numbers"),
    "global without a name": (b"K\x01K\x02\x93.", "without naming it"),
    "unprintable name": (
        short("os") + short("\u202esystem") + b"\x93.",
        "os.\\u202esystem",
    ),
    "objects": (reconstruct(b"K\x01\x85", "O8"), "array of 'O8'"),
    "list as bytes": (reconstruct(b"K\x01\x85", inner=b"]"), "not plain numbers"),
    "oversized shape": (reconstruct(HUGE + b"\x85"), "claims an array of shape"),
    "overflowing shape": (reconstruct(HUGE * 2 + b"\x86"), "claims an array of shape"),
    "negative shape": (reconstruct(b"J\xff\xff\xff\xff\x85"), "whole numbers"),
    "empty and oversized": (
        reconstruct(b"K\x00" + HUGE + b"\x86") + b".",
        "truncated or damaged",
    ),
    "shape of text": (reconstruct(short("x") + b"\x85"), "whole numbers"),
    "oversized bytes": (b"\x8e" + b"\xff" * 7 + b"\x7fabc.", "truncated or damaged"),
    "oversized integer": (b"\x8a\x10" + b"\x7f" * 16 + b".", "64 bits"),
    "key that is a tuple": (b"})Ns.", "key that is not a string"),
    "key that grows": (
        b"})" + b"q\x00h\x00\x86" * 64 + b"Ns.",
        "key that is not a string",
    ),
    "nothing on the stack": (b"R.", "truncated or damaged"),
    "memo never set": (b"h\x07.", "truncated or damaged"),
    "a list": (b"].", "holds no dictionary"),
    "memo far away": (b"Nr\xff\xff\xff\xff.", "holds no dictionary"),
    "two objects": (b"NN.", "truncated or damaged"),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_an_instruction_that_is_not_plain_data_is_refused(write, stream):
    instructions, words = STREAMS[stream]
    path = write(b"\x80\x04" + instructions)
    tracemalloc.start()
    refused(path, words)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_one_payload_cannot_stand_for_many_arrays(write):
    size = 2**18
    payload = b"B" + size.to_bytes(4, "little") + bytes(size) + b"q\xfa"
    array = reconstruct(
        b"J" + (size // 4).to_bytes(4, "little") + b"\x85", inner=RECALL
    )
    refused(write(b"\x80\x04" + payload + array * 50 + b"."), "larger than the file")


def nested(depth):
    """A list that holds itself twice, over and over: 2^depth leaves."""
    value = [1.0, 2.0]
    for _ in range(depth):
        value = [value, value]
    return value


def contain_itself():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize("make", [lambda: nested(60), contain_itself])
@pytest.mark.parametrize("name", ["level", "land_sea_mask", "attrs", "weight"])
def test_a_list_that_grows_without_end_costs_nothing(write, make, name):
    content = published()
    aux = content["aux_ds_dict"]
    if name == "level":
        aux["coords"]["level"]["data"] = make()
    elif name == "land_sea_mask":
        aux["data_vars"][name]["data"] = make()
    elif name == "weight":
        content["params"]["step/~/linear_0"]["w"] = make()
    else:
        aux["attrs"]["note"] = make()
    path = write(content)
    start = time.process_time()
    if name == "attrs":
        read_published(path)
    else:
        refused(path)
    assert time.process_time() - start < 5


def test_one_row_cannot_stand_for_a_grid(write):
    content = published(data=np.ndarray.tolist)
    aux = content["aux_ds_dict"]
    for name, most in ("longitude", 360), ("latitude", 90):
        aux["coords"][name]["data"] = np.linspace(0, most, 3000).tolist()
    aux["data_vars"]["land_sea_mask"] = variable(
        ("longitude", "latitude"), [[0.0] * 3000] * 3000
    )
    refused(write(content), "a grid of 3000 × 3000 points")


def test_a_tower_of_tuples_does_not_exhaust_the_stack(write):
    refused(write(b"\x80\x04})" + b"\x85" * 1_000_000 + b"Ns."), "key")


def test_a_file_of_countless_parts_is_refused(write, monkeypatch):
    limit = "ngcm_cli.checkpoint.published.pickle_stream._MOST_INSTRUCTIONS"
    monkeypatch.setattr(limit, 1000)
    refused(write(b"\x80\x04" + b"}" * 1001 + b"."), "more parts")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_truncation_is_refused(write, dialect):
    stream = DIALECTS[dialect]
    for length in range(1, len(stream), 7):
        refused(write(stream[:length]), "truncated or damaged" if length > 1 else "")


@given(data=st.data())
def test_a_flipped_byte_is_read_or_refused(tmp_path_factory, data):
    stream = bytearray(DIALECTS[data.draw(st.sampled_from(sorted(DIALECTS)))])
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.pkl"
    path.write_bytes(stream)
    try:
        read_published(path)
    except CheckpointError as error:
        assert str(path) in error.message


@given(noise=st.binary(max_size=200))
def test_noise_is_refused(tmp_path_factory, noise):
    path = tmp_path_factory.getbasetemp() / "noise.pkl"
    path.write_bytes(b"\x80\x04" + noise)
    refused(path)


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.pkl", bytes(2**24))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(), "is a zip archive"),
        (gzip.compress(bytes(2**20)), "is a gzip file"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 or NetCDF file"),
        (b"NUM_BLOCKS = 5\n", "is not a pickle"),
        (b"", "is empty"),
    ],
)
def test_another_kind_of_file_is_refused(write, content, words):
    refused(write(content), words)


def test_a_path_that_is_no_file_is_refused(tmp_path):
    refused(tmp_path / "absent.pkl", "There is no checkpoint")
    refused(tmp_path, "is not a file")
    refused(pathlib.Path(os.devnull), "is not a file")


def test_a_file_larger_than_any_model_is_not_read(tmp_path):
    path = tmp_path / "sparse.pkl"
    with path.open("wb") as file:
        file.truncate(2**31 + 1)
    refused(path, "at most 2.15 GB are read")


def bad(*keys, value):
    """A published checkpoint with one value replaced, or without it."""
    content = published()
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return content


def not_finite(shape):
    values = np.zeros(shape, np.float32)
    values.flat[0] = np.nan
    return values


COORDS = ("aux_ds_dict", "coords")
MASK = ("aux_ds_dict", "data_vars", "land_sea_mask")
WEIGHT = ("params", "step/~/linear_0", "w")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bad("model_config_str", value=None), "has no 'model_config_str'"),
        (bad("params", value=None), "has no 'params'"),
        (bad("aux_ds_dict", value=None), "has no 'aux_ds_dict'"),
        (bad("model_config_str", value=b"x"), "'model_config_str' that is not a str"),
        (bad("model_config_str", value="x" * 2**21), "has a configuration longer"),
        (bad("params", value=[]), "'params' that is not a dict"),
        (bad("params", value={}), "has no weights"),
        (bad("params", "step", value=3), "'step' that is not a dict"),
        (bad(*WEIGHT, value=1.5), "'w' of 'step/~/linear_0' that is not an array"),
        (bad(*WEIGHT, value=np.ones(3, int)), "of type int64"),
        (bad(*WEIGHT, value=not_finite((3, 4))), "'w' of 'step/~/linear_0' that is no"),
        (bad(*COORDS, "level", value=None), "has no 'level'"),
        (bad(*COORDS, "level", "data", value="x"), "'level' that is not numbers"),
        (bad(*COORDS, "level", "data", value=[True, 2]), "'level' that is not numbers"),
        (bad(*COORDS, "level", "data", value=[2, 1]), "'level' that does not ascend"),
        (bad(*COORDS, "latitude", "data", value=[0, 91]), "outside -90 … 90"),
        (bad(*MASK, value=None), "has no 'land_sea_mask'"),
        (bad(*MASK, "dims", value=("x", "y")), "not on longitude and latitude"),
        (bad(*MASK, "data", value=np.ones((8, 4))), "does not fill its grid"),
        (bad(*MASK, "data", value=[[0.0] * 7] * 4), "does not fill its grid"),
        (bad(*MASK, "data", value=not_finite((4, 8))), "that is not finite"),
        (bad(*MASK, "data", value=[[float("inf")] * 8] * 4), "that is not finite"),
    ],
)
def test_a_pickle_that_is_not_a_published_model_is_refused(write, content, words):
    refused(write(content), words)


def test_data_after_the_end_are_refused(write):
    path = write(pickle.dumps(published(), 4) + b"more")
    refused(path, "has data after its end")
