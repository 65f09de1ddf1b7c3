import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
import yaml

from ngcm_cli.checkpoint.card import read_card
from ngcm_cli.checkpoint.native import read_weights, write_native
from ngcm_cli.errors import CheckpointError
from ngcm_cli.zoo import bundled_folder, find_card

NAME = "tl63_stochastic_mini"
DESCRIPTION = {
    "name": "mine",
    "summary": "A model ä",
    "paper": "https://example.org",
    "source": "a test",
    "licence": "CC0-1.0",
    "stable_for": "a day",
}
ARRAYS = {
    "encoder.weight": np.arange(6, dtype="f4").reshape(2, 3),
    "static.land_sea_mask": np.linspace(0, 1, 7),
    "bias": np.array([1e-45, -0.0, 3e38], "f4"),
}


@pytest.fixture(scope="module")
def spec():
    return find_card(NAME).spec


@pytest.fixture
def folder(tmp_path, spec):
    write_native(tmp_path, DESCRIPTION, spec, ARRAYS)
    return tmp_path


def edit(folder, change):
    path = folder / "mine.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


def card_refused(path):
    with pytest.raises(CheckpointError) as caught:
        read_card(path)
    return str(caught.value)


def weights_refused(folder):
    card = read_card(folder / "mine.yaml")
    with pytest.raises(CheckpointError) as caught:
        read_weights(card, folder)
    return str(caught.value)


def test_a_round_trip_keeps_every_bit(folder, spec):
    card = read_card(folder / "mine.yaml")
    assert card.spec == spec
    assert (card.format, card.parameters, card.stochastic) == (1, 9, True)
    assert card.model_dump(include=set(DESCRIPTION)) == DESCRIPTION
    data = (folder / "mine.safetensors").read_bytes()
    assert card.weights.sha256 == hashlib.sha256(data).hexdigest()
    assert card.weights.bytes == len(data)
    arrays = read_weights(card, folder)
    assert set(arrays) == set(ARRAYS)
    for name, x in ARRAYS.items():
        assert arrays[name].dtype == x.dtype
        assert arrays[name].tobytes() == x.tobytes() and arrays[name].shape == x.shape


def test_the_same_model_gives_the_same_bytes(folder, tmp_path_factory, spec):
    again = tmp_path_factory.mktemp("again")
    write_native(again, DESCRIPTION, spec, dict(reversed(ARRAYS.items())))
    for name in "mine.yaml", "mine.safetensors":
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    assert {path.name for path in folder.iterdir()} == {"mine.yaml", "mine.safetensors"}


def test_an_array_that_is_not_contiguous_is_written_as_it_looks(tmp_path, spec):
    x = np.arange(6, dtype="f4").reshape(2, 3)
    write_native(tmp_path, DESCRIPTION, spec, {"x": x.T})
    read = read_weights(read_card(tmp_path / "mine.yaml"), tmp_path)
    np.testing.assert_array_equal(read["x"], x.T)


def test_the_bundled_card_reads_like_prose():
    text = (bundled_folder() / f"{NAME}.yaml").read_text("utf-8")
    assert text.startswith("format: 1\nname: tl63_stochastic_mini\n")
    assert len(text.splitlines()) < 300
    assert "!!" not in text  # no tags of Python objects
    assert max(map(len, text.splitlines())) <= 100


def test_a_card_is_read_without_jax():
    code = (
        "import sys; from ngcm_cli.zoo import find_card;"
        f"assert find_card({NAME!r}).parameters == 191174;"
        "print(*{'jax', 'equinox', 'diffrax', 'haiku', 'gin'} & set(sys.modules))"
    )
    run = [sys.executable, "-c", code]
    loaded = subprocess.run(run, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


@pytest.mark.parametrize(
    "change, where",
    [
        (lambda card: card.update(colour="red"), "colour"),
        (lambda card: card.update(format=2), "format"),
        (lambda card: card.pop("licence"), "licence"),
        (lambda card: card["weights"].pop("sha256"), "weights.sha256"),
        (lambda card: card["weights"].update(url="http://x"), "weights.url"),
        (lambda card: card["spec"].update(layers=3), "spec.layers"),
        (lambda card: card["spec"]["tower"].pop("blocks"), "spec.tower.blocks"),
        (lambda card: card["spec"]["tower"].update(latent="a"), "spec.tower.latent"),
        (
            lambda card: card["spec"].update(transform_precision="bfloat16"),
            "spec.transform_precision",
        ),
        (
            lambda card: card["spec"].update(pressure_levels=[1.0]),
            "spec.pressure_levels",
        ),
        (lambda card: card["spec"]["random_fields"].update(a=1), "random_fields.a"),
    ],
)
def test_a_wrong_key_is_named(folder, change, where):
    said = card_refused(edit(folder, change))
    assert where in said and "mine.yaml" in said


@pytest.mark.parametrize(
    "text", [b"{", b"a: [1\n", b"\xff\xfe", b"!!python/object/apply:os.system [ls]"]
)
def test_a_card_that_is_not_yaml_is_refused(tmp_path, text):
    (tmp_path / "card.yaml").write_bytes(text)
    assert "is not YAML" in card_refused(tmp_path / "card.yaml")


@pytest.mark.parametrize("text", ["", "3", "[1, 2]", "'words'"])
def test_a_card_that_is_no_mapping_is_refused(tmp_path, text):
    (tmp_path / "card.yaml").write_text(text)
    assert "is wrong at card" in card_refused(tmp_path / "card.yaml")


def test_a_missing_card_is_named(tmp_path):
    assert "no.yaml cannot be read: No such file" in card_refused(tmp_path / "no.yaml")


def test_missing_weights_are_named(folder):
    (folder / "mine.safetensors").unlink()
    said = weights_refused(folder)
    assert "mine.safetensors of mine cannot be read: No such file" in said


def test_changed_weights_are_refused(folder):
    path = folder / "mine.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "are not those of the card of mine: SHA-256" in weights_refused(folder)


def test_another_hash_is_refused(folder):
    edit(folder, lambda card: card["weights"].update(sha256="0" * 64))
    assert "not 000000000000…" in weights_refused(folder)


def redate(folder, data):
    """Make the card agree with other weights."""
    (folder / "mine.safetensors").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    edit(folder, lambda card: card["weights"].update(sha256=digest, bytes=len(data)))


@pytest.mark.parametrize("keep", [0, 4, 8, 60, -1, -20])
def test_truncated_weights_are_refused(folder, keep):
    data = (folder / "mine.safetensors").read_bytes()
    (folder / "mine.safetensors").write_bytes(data[:keep])
    size = len(data[:keep])
    said = weights_refused(folder)
    assert f"have {size} bytes, the card of mine says {len(data)}" in said
    redate(folder, data[:keep])
    assert "are not safetensors" in weights_refused(folder)


def test_a_header_that_promises_too_much_is_refused(folder):
    header = {"x": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    text = json.dumps(header).encode()
    redate(folder, len(text).to_bytes(8, "little") + text)
    assert "are not safetensors" in weights_refused(folder)


def test_a_wrong_number_of_parameters_is_refused(folder):
    edit(folder, lambda card: card.update(parameters=10))
    assert "have 9 parameters, the card of mine says 10" in weights_refused(folder)
    redate(folder, safetensors.numpy.save({"bias": np.zeros(3, "f4")}))
    assert "have 3 parameters" in weights_refused(folder)


@pytest.mark.parametrize("name", ["../mine.safetensors", "/etc/passwd", "", ".x"])
def test_weights_lie_beside_their_card(folder, name):
    path = edit(folder, lambda card: card["weights"].update(file=name))
    assert "weights.file" in card_refused(path)


def test_a_card_cannot_contradict_itself(folder):
    path = edit(folder, lambda card: card.update(stochastic=False))
    assert "stochastic: false" in card_refused(path)
    path = edit(folder, lambda card: card["spec"].update(sigma_layers=31))
    assert "has not one value per sigma layer" in card_refused(path)


@pytest.mark.parametrize("key", ["truncation", "step_minutes", "physics_substeps"])
def test_sizes_are_positive(folder, key):
    path = edit(folder, lambda card: card["spec"].update({key: 0}))
    assert f"spec.{key}" in card_refused(path)


def test_a_failed_write_leaves_no_card(tmp_path, spec):
    (tmp_path / "mine.safetensors").mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError):
        write_native(tmp_path, DESCRIPTION, spec, ARRAYS)
    assert not (tmp_path / "mine.yaml").exists()


@pytest.mark.parametrize(
    "dtype, shape", [("BF16", [4]), ("F32", [1] * 70 + [2]), ("F32", [2**62])]
)
def test_arrays_that_numpy_does_not_have_are_refused(folder, dtype, shape):
    """The file is the one that the card names; what is in it cannot be used."""
    head = {"x": {"dtype": dtype, "shape": shape, "data_offsets": [0, 8]}}
    text = json.dumps(head).encode()
    data = len(text).to_bytes(8, "little") + text + bytes(8)
    (folder / "mine.safetensors").write_bytes(data)

    def change(content):
        content["weights"]["bytes"] = len(data)
        content["weights"]["sha256"] = hashlib.sha256(data).hexdigest()

    edit(folder, change)
    assert "are not safetensors that can be used" in weights_refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda spec: spec.update(truncation=10**9),
        lambda spec: spec.update(step_minutes=float("nan")),
        lambda spec: spec["tower"].update(latent=-1),
        lambda spec: spec["dycore"].update(wavenumbers=9999),
        lambda spec: spec["dycore"]["filters"][0].update(cutoff=1.0),
    ],
)
def test_sizes_and_numbers_of_a_card_are_bounded(folder, change):
    path = edit(folder, lambda content: change(content["spec"]))
    assert "is wrong at spec" in card_refused(path)
