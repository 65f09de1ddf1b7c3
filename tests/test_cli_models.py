"""``ngcm models``, and a forecast that has to fetch its model first."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from published_checkpoint import published_checkpoint

sys.path.append(str(pathlib.Path(__file__).parent / "zoo"))
import object_server  # noqa: E402

from ngcm_cli.cli import main  # noqa: E402
from ngcm_cli.zoo import bundled_folder, model_names  # noqa: E402

MINI = "tl63_stochastic_mini"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    return tmp_path / "home"


@pytest.fixture
def ngcm(monkeypatch, capsys):
    """Run the command in this process: exit code, stdout, stderr."""

    def ngcm(*words):
        monkeypatch.setattr(sys, "argv", ["ngcm", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return ngcm


@pytest.fixture
def store(monkeypatch):
    """An object store whose every object is the small published model."""
    with object_server.serving(published_checkpoint().read_bytes()) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
        yield server


@pytest.fixture
def small(tmp_path):
    """A card of the small model as one that is published."""
    card = yaml.safe_load((bundled_folder() / "stochastic_1_4_deg.yaml").read_text())
    card |= {"name": "small", "grid": "TL63", "parameters": 191_174}
    card["weights"] = {"locations": ["gs://neuralgcm/models/v1/small.pkl"]}
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(card))
    return path


def test_list(ngcm, home):
    code, out, err = ngcm("models", "list")
    assert (code, err) == (0, "")
    head, *rows = out.splitlines()
    assert head.split("  ")[0] == "name"
    assert [row.split()[0] for row in rows] == model_names()
    assert max(map(len, out.splitlines())) <= 80
    by_name = {row.split()[0]: row for row in rows}
    assert "bundled" in by_name[MINI]
    assert re.search(
        r"256x128 +no +73\.4 MB +CC-BY-SA-4\.0 +not fetched$",
        by_name["deterministic_1_4_deg"],
    )
    (home / "models").mkdir(parents=True)
    (home / "models" / "deterministic_1_4_deg.pkl").touch()
    row = ngcm("models", "list")[1].splitlines()[2]
    assert row.endswith("  here")


def test_models_alone_shows_its_commands(ngcm):
    code, out, err = ngcm("models")
    for command in "list", "show", "fetch", "convert", "verify":
        assert f"  {command} " in out + err


def test_show_prints_the_whole_card_and_architecture(ngcm):
    code, out, err = ngcm("models", "show", MINI)
    assert (code, err) == (0, "")
    assert "Architecture" not in out and len(out.splitlines()) <= 24
    code, out, err = ngcm("models", "show", MINI, "--full")
    assert (code, err) == (0, "")
    card, architecture = out.split("\nArchitecture\n\n")
    assert "Parameters  191 174" in card and "Licence     Apache-2.0" in card
    spec = yaml.safe_load((bundled_folder() / f"{MINI}.yaml").read_text())["spec"]
    assert yaml.safe_load(architecture) == spec


def test_show_what_is_not_fetched(ngcm):
    code, out, err = ngcm("models", "show", "stochastic_evap_2_8_deg")
    assert code == 0
    assert "11 080 210 (reported, not confirmed)" in out
    assert "gs://neuralgcm/models/v1_precip/stochastic_evap_2_8_deg.pkl" in out
    assert "Architecture" not in out and err == ""
    code, out, err = ngcm("models", "show", "stochastic_evap_2_8_deg", "--full")
    assert "Run: ngcm models fetch stochastic_evap_2_8_deg" in err


def test_show_two_models_side_by_side(ngcm, small, store):
    code, out, err = ngcm("models", "show", MINI, small)
    assert code == 0 and "architecture of small is in its weights" in err
    assert re.search(rf"^name +{MINI} +small$", out, re.MULTILINE)
    assert "truncation" not in out
    ngcm("models", "fetch", small)
    code, out, err = ngcm("models", "show", MINI, small)
    assert code == 0 and "architecture" not in err
    assert "truncation" not in out  # it is the same
    other = yaml.safe_load((bundled_folder() / f"{MINI}.yaml").read_text())
    other["spec"]["tower"]["latent"] = 64
    pathlib.Path("other.yaml").write_text(yaml.safe_dump(other))
    code, out, err = ngcm("models", "show", MINI, "other.yaml")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["name", MINI, MINI],
        ["tower.latent", "32", "64"],
    ]


def test_fetch_prints_the_path(ngcm, store, home, small):
    code, out, err = ngcm("models", "fetch", small, MINI)
    assert code == 0
    fetched, bundled = out.splitlines()
    assert fetched == str(home / "models" / "small.pkl")
    assert bundled == str(bundled_folder() / f"{MINI}.safetensors")
    lines = err.splitlines()
    assert lines[0].startswith("Fetching the weights of small, about 765 kB, licence")
    # By quarters, at the first bytes that come beyond each.
    shown = [line for line in lines if line.endswith(" of 1.05 MB")]
    assert 1 <= len(shown) <= 4
    assert lines[-1].startswith("Fetched 1.05 MB (crc32c and md5): pinned to SHA-256")
    assert ngcm("models", "fetch", small) == (0, f"{fetched}\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ["fetch", MINI, "deterministic_1_5_deg"],
        ["show", "deterministic_1_5_deg"],
        ["convert", "deterministic_1_5_deg", "out"],
        ["verify", "deterministic_1_5_deg"],
    ],
)
def test_an_unknown_name_is_exit_2(ngcm, words):
    code, out, err = ngcm("models", *words)
    assert (code, out) == (2, "")
    assert "There is no model 'deterministic_1_5_deg'" in err
    assert "Did you mean deterministic_1_4_deg?" in err


def test_fetch_that_finds_nothing_is_exit_2(ngcm, store):
    store.missing = True
    code, out, err = ngcm("models", "fetch", "deterministic_1_4_deg")
    assert (code, out) == (2, "")
    assert "deterministic_1_4_deg.pkl answers 404 Not Found." in err
    assert "copy the file to " in err and "--model" in err


def test_convert_prints_the_card(ngcm, store, small):
    code, out, err = ngcm("models", "convert", small, "mine", "--name", "own")
    assert (code, out) == (0, "mine/own.yaml\n")
    assert "Fetching the weights of small" in err
    assert {path.name for path in pathlib.Path("mine").iterdir()} == {
        "own.yaml",
        "own.safetensors",
    }
    code, out, err = ngcm("models", "convert", small, "mine", "--name", "own")
    assert (code, out) == (2, "") and "--overwrite" in err
    again = ngcm("models", "convert", small, "mine", "--name", "own", "--overwrite")
    assert again == (0, "mine/own.yaml\n", "")


@pytest.mark.slow
def test_verify_the_bundled_model(ngcm):
    code, out, err = ngcm("models", "verify", MINI)
    assert (code, err) == (0, "")
    lines = [re.split("  +", line) for line in out.splitlines()]
    assert [name for name, *_ in lines] == [
        "file",
        "size",
        "SHA-256",
        "parameters",
        "finite weights",
        "every weight is used",
        "finite outputs",
        "one-step fingerprint",
    ]
    assert {mark for _, mark, _ in lines} == {"ok"}
    assert "1.6e-03 allowed" in lines[-1][2]


def verify_fails(ngcm, model, check, sentence):
    code, out, err = ngcm("models", "verify", model)
    assert code == 2
    name, mark, detail = re.split("  +", out.splitlines()[-1])
    assert (name, mark) == (check, "FAILED") and sentence in detail
    assert f"failed: {check}." in err


def test_verify_finds_what_is_wrong(ngcm, small, store, home, tmp_path):
    code, out, err = ngcm("models", "verify", "deterministic_1_4_deg")
    assert (code, out) == (2, "") and "deterministic_1_4_deg is not fetched:" in err
    assert "`ngcm models fetch deterministic_1_4_deg`" in err
    verify_fails(ngcm, "no.pkl", "file", "no.pkl")
    for suffix in "yaml", "safetensors":
        shutil.copy(bundled_folder() / f"{MINI}.{suffix}", tmp_path)
    weights = tmp_path / f"{MINI}.safetensors"
    data = bytearray(weights.read_bytes())
    weights.write_bytes(data + b"x")
    verify_fails(ngcm, f"{MINI}.yaml", "size", "908521 bytes, the card says 908520")
    data[-1] ^= 1
    weights.write_bytes(data)
    verify_fails(ngcm, f"{MINI}.yaml", "SHA-256", "the card says da6c5d75f0d0…")
    # A model of the zoo whose file is another one's: here the card's number is wrong.
    (home / "models").mkdir(parents=True)
    shutil.copy(published_checkpoint(), home / "models" / "deterministic_2_8_deg.pkl")
    said = "has parameters: 191174; the card of deterministic_2_8_deg says 14518180"
    verify_fails(ngcm, "deterministic_2_8_deg", "contents", said)
    (home / "models" / "deterministic_2_8_deg.pkl").write_bytes(b"changed")
    verify_fails(ngcm, "deterministic_2_8_deg", "size and SHA-256", "have changed")


@pytest.mark.slow
def test_a_forecast_fetches_its_model_first(ngcm, small, store, home):
    flags = "--lead", "1h", "--every", "1h", "--output", "out.zarr"
    code, out, err = ngcm("forecast", "--model", small, *flags)
    assert (code, out) == (0, "out.zarr\n"), err
    lines = err.splitlines()
    assert lines[0].startswith("Fetching the weights of small, about 765 kB")
    assert any(line.startswith("Model      small, weights ") for line in lines)
    # What is here is used without a network.
    store.missing = True
    again = "--offline", "--dry-run", "--overwrite"
    assert ngcm("forecast", "--model", small, *flags, *again)[0] == 0
    assert len(store.requests) == 1


@pytest.mark.parametrize("word", ["--offline", "--dry-run"])
def test_nothing_is_downloaded_when_it_may_not_be(ngcm, store, home, word):
    code, out, err = ngcm("forecast", "--model", "deterministic_1_4_deg", word)
    assert (code, out) == (2, "")
    error, hint = err.splitlines()
    assert error == (
        "Error: The weights of deterministic_1_4_deg (about 73.4 MB) are not on this "
        "computer and no network may be used."
    )
    assert "ngcm models fetch deterministic_1_4_deg" in hint and "--model" in hint
    assert store.requests == [] and not (home / "models").exists()


def test_a_run_file_may_say_offline(ngcm, store):
    pathlib.Path("run.yaml").write_text("model: deterministic_1_4_deg\noffline: yes\n")
    code, out, err = ngcm("forecast", "--config", "run.yaml")
    assert code == 2 and "no network may be used" in err
    assert store.requests == []


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--output", "out.grib"], "no known format"),
        (["--output", "no/out.zarr"], "does not exist"),
        (["--data", "no.nc"], "There is no file or directory 'no.nc'"),
        (["--lead", "7h"], "is not a multiple"),
    ],
)
def test_flags_are_checked_before_anything_is_downloaded(ngcm, store, words, sentence):
    code, out, err = ngcm("forecast", "--model", "deterministic_1_4_deg", *words)
    assert (code, out) == (2, "") and sentence in err
    assert store.requests == []


def test_no_network_is_exit_2_with_two_ways_out(tmp_path):
    """The installed program, with the patience that users have."""
    words = [sys.executable, "-m", "ngcm_cli", "forecast"]
    done = subprocess.run(
        [*words, "--model", "deterministic_1_4_deg"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be reached through the proxy." in done.stderr
    assert "ngcm models fetch deterministic_1_4_deg" in done.stderr
    assert "--model the path of a checkpoint" in done.stderr
