"""Cards of the two kinds, and what tells them apart."""

import pytest
import yaml

from ngcm_cli.checkpoint.card import Card, PublishedCard, read_card
from ngcm_cli.errors import CheckpointError
from ngcm_cli.zoo import bundled_folder, model_names

PUBLISHED = {
    "deterministic_0_7_deg": (31_123_612, False, "TL255"),
    "deterministic_1_4_deg": (18_343_580, False, "TL127"),
    "deterministic_2_8_deg": (14_518_180, False, "TL63"),
    "stochastic_1_4_deg": (11_519_823, True, "TL127"),
    "stochastic_evap_2_8_deg": (11_080_210, True, "TL63"),
    "stochastic_precip_2_8_deg": (11_145_090, True, "TL63"),
}


def test_the_zoo_is_the_published_models_and_the_bundled_one():
    assert set(model_names()) == {*PUBLISHED, "tl63_stochastic_mini"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_cards_say_what_was_published(name):
    card = read_card(bundled_folder() / f"{name}.yaml")
    assert isinstance(card, PublishedCard)
    assert (card.parameters, card.stochastic, card.grid) == PUBLISHED[name]
    assert card.licence == "CC-BY-SA-4.0"
    folder = "v1_precip" if ("precip" in name or "evap" in name) else "v1"
    store, public = card.weights.locations
    assert store == f"gs://neuralgcm/models/{folder}/{name}.pkl"
    assert public == store.replace("gs://", "https://storage.googleapis.com/")
    assert card.unconfirmed == (("parameters",) if folder == "v1_precip" else ())
    assert card.about_bytes == 4 * card.parameters
    assert "seconds" not in card.stable_for and card.predicts


@pytest.fixture
def edit(tmp_path):
    def edit(change):
        path = bundled_folder() / "deterministic_1_4_deg.yaml"
        content = yaml.safe_load(path.read_text("utf-8"))
        change(content)
        edited = tmp_path / "card.yaml"
        edited.write_text(yaml.safe_dump(content), "utf-8")
        return edited

    return edit


@pytest.mark.parametrize(
    "change, where",
    [
        (lambda card: card.update(spec={}), "weights.file"),
        (lambda card: card.pop("grid"), "grid"),
        (lambda card: card.update(grid="1.4"), "grid"),
        (lambda card: card.update(unconfirmed=["licence"]), "unconfirmed.0"),
        (lambda card: card.update(fingerprint={}), "fingerprint"),
        (lambda card: card["weights"].update(locations=[]), "weights.locations"),
        (lambda card: card["weights"].update(locations=["ftp://a/b"]), "locations.0"),
        (lambda card: card["weights"].update(locations=["gs://bucket"]), "locations.0"),
        (lambda card: card["weights"].update(sha256="abc"), "weights.sha256"),
        (lambda card: card["weights"].update(bytes=0), "weights.bytes"),
        (lambda card: card["weights"].update(file="x.pkl"), "weights.file"),
        (lambda card: card["weights"].pop("locations"), "weights.file"),
        (lambda card: card.update(parameters=-5), "parameters"),
        (lambda card: card.update(parameters=10**400), "parameters"),
        (lambda card: card.update(grid="TL" + "9" * 5000), "grid"),
        (lambda card: card.update(name="a" * 101), "name"),
        (lambda card: card.update(name="../a"), "name"),
        (lambda card: card.update(summary="\x1b]0;title\x07"), "summary"),
    ],
)
def test_a_combination_that_makes_no_sense_is_named(edit, change, where):
    with pytest.raises(CheckpointError) as caught:
        read_card(edit(change))
    assert where in caught.value.message


@pytest.mark.parametrize(
    "value", ["2020-13-45", "0x_", "!!int x", "9" * 5000, "{", "!!python/object:a.b x"]
)
def test_a_value_that_yaml_cannot_read(tmp_path, value):
    card = tmp_path / "card.yaml"
    card.write_text(f"format: 1\npaper: {value}\n", "utf-8")
    with pytest.raises(CheckpointError, match="is not YAML"):
        read_card(card)


def test_text_over_several_lines_is_one(edit):
    card = read_card(edit(lambda card: card.update(summary="A model\nof weather\n")))
    assert card.summary == "A model of weather"


@pytest.mark.parametrize(
    "field",
    [
        {"std": 0.0, "values": [1.0] * 8},
        {"std": -1.0, "values": [1.0] * 8},
        {"std": float("nan"), "values": [1.0] * 8},
        {"std": 1.0, "values": [float("nan")] * 8},
        {"std": 1.0, "values": [1.0] * 3},
    ],
)
def test_a_fingerprint_that_says_nothing_is_refused(tmp_path, field):
    path = bundled_folder() / "tl63_stochastic_mini.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["fingerprint"]["variables"]["geopotential"] = field
    card = tmp_path / "card.yaml"
    card.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(CheckpointError, match=r"wrong at .*variables\.geopotential"):
        read_card(card)


def test_a_size_and_a_hash_may_be_stated(edit):
    known = {"bytes": 123, "sha256": "a" * 64}
    card = read_card(edit(lambda card: card["weights"].update(known)))
    assert isinstance(card, PublishedCard) and card.about_bytes == 123


def test_the_grid_of_a_native_card_is_that_of_its_specification():
    card = read_card(bundled_folder() / "tl63_stochastic_mini.yaml")
    assert isinstance(card, Card) and card.grid == "TL63"
