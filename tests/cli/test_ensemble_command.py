"""``ngcm ensemble`` as people type it, and what it answers to what cannot be."""

import sys

import pytest

from ngcm_cli.cli import main
from ngcm_cli.config import EnsembleConfig
from ngcm_cli.errors import ConfigError


def ask(monkeypatch, capsys, *words) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["ngcm", "ensemble", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    said = capsys.readouterr()
    return caught.value.code or 0, said.out, said.err


def test_dry_run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = "-n", "50", "--batch", "4", "--statistics", "mean,p10", "--dry-run"
    code, out, _ = ask(monkeypatch, capsys, *words)
    assert code == 0
    assert "Members    0 to 49, 4 at once" in out
    assert "mean, p10 over all members" in out
    assert "tl63_stochastic_mini_1959-01-02T00_ensemble.zarr" in out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words, said",
    [
        (("-n", "0"), "'0' is not a number of them"),
        (("-n", "many"), "'many' is not a number of them"),
        (("--members", "5:5"), "'5:5' holds no members"),
        (("--members", "5:x"), "'x' is not the number of a member"),
        (("--statistics", "median"), "There is no statistic 'median'"),
        (("--statistics", "p0"), "There is no statistic 'p0'"),
        (("--no-keep-members",), "Nothing would be written"),
        (("--batch", "0"), "'0' is not a number of them"),
        (("--perturb", "white"), "'white' is none of none, gaussian, spherical"),
        (("--amplitude", "0K"), "perturbs nothing"),
        (("--amplitude", "much"), "'much' is not a change of temperature"),
        (("--init", "1959-13-01"), "'1959-13-01' is not a time"),
        (("--init", "1959-01-02/1959-01-01/6h"), "holds no times"),
        (("--output", "a.grib"), "has no known format"),
        (("--process", "0/2"), "need both --coordinator and --process"),
        (("--resume", "nothing.zarr"), "nothing.zarr cannot be opened"),
        (("--resume", ""), "No output is called '.'"),
        (("--seed", "1", "--resume", "x.zarr"), "x.zarr cannot be opened"),
        (("--resume", "x.zarr", "--dry-run"), "--dry-run does not go with --resume"),
    ],
)
def test_wrong_words(monkeypatch, capsys, tmp_path, words, said):
    monkeypatch.chdir(tmp_path)
    code, _, error = ask(monkeypatch, capsys, *words)
    assert code == 2
    assert said in error
    assert "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_settings_come_back_as_they_went():
    config = EnsembleConfig(
        init="2020-01-01/2020-01-03/12h",
        members="50:100",
        statistics="mean,p10",
        perturb="gaussian",
        amplitude="1K",
        batch=4,
    )
    assert EnsembleConfig(**config.words()) == config
    line = config.command_line()
    assert "--init 2020-01-01T00/2020-01-03T00/12h" in line
    assert "--members 50:100" in line


def test_what_a_member_is_as_a_forecast():
    config = EnsembleConfig(seed=3, lead="5d", perturb="gaussian", members=4)
    one = config.forecast(None, member=2)
    assert one.command_line() == (
        "ngcm forecast --seed 3 --lead 5d --perturb gaussian --member 2"
    )


def test_nothing_to_write():
    with pytest.raises(ConfigError, match="neither members nor statistics"):
        EnsembleConfig(keep_members=False)
