"""A converted model is the published one, bit by bit."""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from published_checkpoint import published_checkpoint
from test_loading import assert_same_arrays

from ngcm_cli.checkpoint.card import PublishedCard, read_card
from ngcm_cli.errors import CheckpointError, ConfigError, OutputError
from ngcm_cli.zoo import convert, find_card, load_model
from ngcm_cli.zoo.published import read_checkpoint

CONFIGURATIONS = [
    "deterministic_2_8_deg",
    "stochastic_1_4_deg",
    "deterministic_1_4_deg",
    "deterministic_0_7_deg",
]


@pytest.fixture
def small(tmp_path):
    """The small model in the published format, under a name that nobody knows."""
    return pathlib.Path(shutil.copy(published_checkpoint(), tmp_path / "small.pkl"))


def test_the_bundled_model(small, tmp_path):
    card = convert(str(small), tmp_path / "a" / "b")
    assert card == tmp_path / "a" / "b" / "small.yaml"
    assert {path.suffix for path in card.parent.iterdir()} == {".yaml", ".safetensors"}
    assert find_card(str(card)).name == "small"
    assert_same_arrays(load_model(str(card)), load_model(str(small)))


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_configurations_of_the_paper(name, shared, tmp_path):
    make = shared / "reference" / "make_checkpoint.py"
    published = tmp_path / f"{name}.pkl"
    subprocess.run([sys.executable, str(make), name, str(published)], check=True)
    path = convert(str(published), tmp_path)
    card = find_card(str(path))
    # The name is the zoo's, so the description is, too.
    assert card.licence == "CC-BY-SA-4.0" and card.predicts
    assert card.stochastic == name.startswith("stochastic")
    one, other = load_model(str(path)), load_model(str(published))
    assert_same_arrays(one, other)


@pytest.mark.parametrize("name", ["mini (1).pkl", "_.pkl", "modèle.pkl"])
def test_names_that_browsers_give(small, tmp_path, name):
    odd = small.rename(tmp_path / name)
    assert find_card(str(odd)).parameters == 191_174
    card = convert(str(odd), tmp_path / "converted")
    assert_same_arrays(load_model(str(card)), load_model(str(odd)))


def test_existing_files_are_kept(small, tmp_path):
    card = convert(str(small), tmp_path)
    before = card.stat().st_mtime_ns
    with pytest.raises(
        OutputError, match=r"small\.yaml and .*small\.safetensors exist"
    ):
        convert(str(small), tmp_path)
    assert card.stat().st_mtime_ns == before
    assert convert(str(small), tmp_path, name="other").name == "other.yaml"
    convert(str(small), tmp_path, overwrite=True)
    assert card.stat().st_mtime_ns > before


def test_a_checkpoint_with_the_name_of_another_model_is_refused(small, tmp_path):
    with pytest.raises(CheckpointError, match="has grid: TL63; the card .* TL255"):
        convert(str(small), tmp_path, name="deterministic_0_7_deg")
    with pytest.raises(CheckpointError, match="has parameters: 191174; .* 14518180"):
        convert(str(small), tmp_path, name="deterministic_2_8_deg")


def test_what_is_only_reported_is_not_asserted(small, caplog):
    caplog.set_level("INFO")
    card = find_card("stochastic_precip_2_8_deg")
    assert isinstance(card, PublishedCard)
    assert read_checkpoint(small, card)[0].name == "stochastic_precip_2_8_deg"
    assert "has parameters: 191174; reported was 11145090." in caplog.text


def test_our_own_format_is_not_converted(tmp_path):
    with pytest.raises(CheckpointError, match="is in the format of ngcm already"):
        convert("tl63_stochastic_mini", tmp_path)


def test_a_strange_name_is_refused(small, tmp_path):
    with pytest.raises(ConfigError, match="'.hidden' is not a valid name"):
        convert(str(small), tmp_path, name=".hidden")
    assert [path.name for path in tmp_path.iterdir()] == ["small.pkl"]


def test_a_place_that_cannot_be_written_to_is_named(small):
    with pytest.raises(OutputError, match="/proc/x"):
        convert(str(small), "/proc/x")


def test_arrays_are_those_of_the_file(small, tmp_path):
    from ngcm_cli.checkpoint.native import read_weights

    path = convert(str(small), tmp_path)
    ours = read_weights(read_card(path), tmp_path)
    _, published = read_checkpoint(small)
    assert ours.keys() == published.keys()
    for name, x in published.items():
        assert ours[name].dtype == x.dtype
        np.testing.assert_array_equal(ours[name], x)
