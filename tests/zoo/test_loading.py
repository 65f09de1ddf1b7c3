import dataclasses
import pickle
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest
import xarray as xr
from gcm import bundled
from published_checkpoint import published_checkpoint

from ngcm_cli.checkpoint.native import write_native
from ngcm_cli.checkpoint.published.reference import read_published
from ngcm_cli.checkpoint.published.translate import model_spec
from ngcm_cli.checkpoint.published.weights import from_published
from ngcm_cli.errors import CheckpointError
from ngcm_cli.zoo import (
    DEFAULT,
    bundled_folder,
    find_card,
    load_model,
    model_names,
)


def assert_same_arrays(one, two):
    for x, y in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.fixture
def elsewhere(tmp_path):
    """The bundled model in another folder, under another name."""
    folder = tmp_path / "models"
    folder.mkdir()
    source = bundled_folder()
    text = (source / f"{DEFAULT}.yaml").read_text("utf-8")
    (folder / "other.yaml").write_text(text, "utf-8")
    shutil.copy(source / f"{DEFAULT}.safetensors", folder)
    return folder


def test_the_default_is_there():
    assert DEFAULT in model_names()
    assert model_names() == sorted(model_names())
    assert all(find_card(name).name == name for name in model_names())
    card = find_card(DEFAULT)
    assert (card.name, card.parameters, card.stochastic) == (DEFAULT, 191_174, True)
    assert card.licence == "Apache-2.0"


def test_a_model_is_loaded_by_name_card_and_folder(elsewhere):
    card = str(elsewhere / "other.yaml")
    expected = bundled.model()
    for name in DEFAULT, card, str(elsewhere):
        assert find_card(name) == find_card(DEFAULT)
        assert_same_arrays(load_model(name), expected)


def test_a_folder_of_two_cards_is_ambiguous(elsewhere):
    shutil.copy(elsewhere / "other.yaml", elsewhere / "third.yaml")
    with pytest.raises(CheckpointError, match="holds 2 model cards"):
        find_card(str(elsewhere))


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(CheckpointError, match="holds no model card"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    "name", ["tl63_stochastic_mni", "tl63_mini", "TL63_stochastic_mini"]
)
def test_an_unknown_name_has_a_suggestion(name):
    with pytest.raises(CheckpointError) as caught:
        load_model(name)
    assert caught.value.message == f"There is no model '{name}'."
    assert f"Did you mean {DEFAULT}?" in caught.value.hint


@pytest.mark.parametrize("name", ["zebra", "no/such/card.yaml"])
def test_a_strange_name_lists_what_is_known(name):
    with pytest.raises(CheckpointError) as caught:
        find_card(name)
    assert f"Known models: {', '.join(model_names())}" in caught.value.hint


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no\.pkl"):
        find_card(str(tmp_path / "no.pkl"))


def test_a_hostile_checkpoint_is_refused(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch evil'\ntR.")
    with pytest.raises(CheckpointError, match=r"evil\.pkl"):
        load_model(str(path))
    pickled = tmp_path / "number.pkl"
    pickled.write_bytes(pickle.dumps(3))
    with pytest.raises(CheckpointError):
        find_card(str(pickled))


@pytest.mark.parametrize("dialect", ["numpy", "jax_array"])
def test_the_bundled_model_is_the_published_one(dialect, shared):
    path = shared / "reference" / f"tl63_stochastic_mini_{dialect}.pkl"
    card = find_card(str(path))
    assert card.name == path.stem
    assert card.spec == find_card(DEFAULT).spec
    assert card.parameters == 191_174
    assert_same_arrays(load_model(str(path)), bundled.model())


def test_the_bundled_weights_are_those_of_the_wheel():
    path = published_checkpoint()
    assert find_card(str(path)).spec == find_card(DEFAULT).spec
    # The name is that of the file.
    ours = dataclasses.replace(load_model(str(path)), name=bundled.model().name)
    assert jax.tree.structure(ours) == jax.tree.structure(bundled.model())
    assert_same_arrays(ours, bundled.model())


def test_converting_again_gives_the_bundled_files(tmp_path):
    published = read_published(published_checkpoint())
    levels = tuple(published.static["level"].tolist())
    spec = model_spec(published.config, levels)
    names = "geopotential_at_surface", "land_sea_mask"
    static = {name: published.static[name] for name in names}
    arrays = from_published(published.params, static, spec)
    bundled_card = find_card(DEFAULT)
    keys = "name", "summary", "paper", "source", "licence", "stable_for"
    description = {key: getattr(bundled_card, key) for key in keys}
    card = write_native(tmp_path, description, spec, arrays)
    # A fingerprint is added by hand, after it has been measured.
    assert card == bundled_card.model_copy(update={"fingerprint": None})
    text = (bundled_folder() / f"{DEFAULT}.yaml").read_text()
    start, end = text.index("fingerprint:"), text.index("spec:\n")
    assert (tmp_path / f"{DEFAULT}.yaml").read_text() == text[:start] + text[end:]
    name = f"{DEFAULT}.safetensors"
    assert (tmp_path / name).read_bytes() == (bundled_folder() / name).read_bytes()


REFERENCE = "neuralgcm", "dinosaur", "haiku", "gin"
WITHOUT_REFERENCE = """
import sys
sys.modules |= dict.fromkeys({names}, None)  # importing one of them is an error
from ngcm_cli.cli import main
for words in {commands}:
    sys.argv = ["ngcm", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
"""


@pytest.mark.slow
def test_nothing_of_the_reference_is_needed(tmp_path):
    """Neither to read a published checkpoint, nor to convert it, nor to run it."""
    checkpoint = str(shutil.copy(published_checkpoint(), tmp_path / "published.pkl"))
    short = "--lead", "1h", "--every", "1h"
    commands = [
        ("models", "convert", checkpoint, "converted"),
        ("models", "show", checkpoint),
        ("forecast", "--model", checkpoint, *short, "--output", "a.zarr"),
        ("forecast", "--model", "converted", *short, "--output", "b.zarr"),
    ]
    code = WITHOUT_REFERENCE.format(names=REFERENCE, commands=commands)
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with xr.open_zarr(tmp_path / "a.zarr") as a, xr.open_zarr(tmp_path / "b.zarr") as b:
        xr.testing.assert_equal(a, b)
