"""Options and settings are the same; help texts are whole and say the defaults."""

import re

import numpy as np
import pytest
import typer.main

from ngcm_cli.cli.app import app
from ngcm_cli.config import AmipConfig, EnsembleConfig, ForecastConfig

CONFIGS = {c.command: c for c in (ForecastConfig, EnsembleConfig, AmipConfig)}
COMMANDS = typer.main.get_command(app).commands
PATHS = [
    (name,) if not hasattr(command, "commands") else (name, other)
    for name, command in COMMANDS.items()
    for other in getattr(command, "commands", [""])
]


@pytest.mark.parametrize("verb", CONFIGS)
def test_every_setting_has_an_option_and_every_option_a_setting(verb):
    names = [p.name for p in COMMANDS[verb].params if p.name != "help"]
    assert len(set(names)) == len(names)
    expected = {*CONFIGS[verb].model_fields, "resume", "config", "dry_run"}
    assert set(names) == expected
    for parameter in COMMANDS[verb].params:
        flag = f"--{parameter.name.replace('_', '-')}"
        assert flag in parameter.opts and parameter.help, flag


@pytest.mark.parametrize("verb", CONFIGS)
def test_help_says_the_defaults(verb):
    length = {"days": 1} if verb == "amip" else {}
    config, said = CONFIGS[verb](**length), 0
    for parameter in COMMANDS[verb].params:
        default = getattr(config, parameter.name, None)
        if default is None or default is False or parameter.name in length:
            continue
        text = re.search(r"\[default: ([^],]*)", parameter.help)
        assert text, parameter.name
        read = CONFIGS[verb](**length | {parameter.name: text[1]})
        assert np.all(getattr(read, parameter.name) == default), parameter.name
        said += 1
    assert said >= 8


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_no_word_of_the_help_is_broken(ngcm, monkeypatch, path, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = ngcm(*path, "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns
    text, command = " ".join(out.split()), COMMANDS[path[0]]
    if len(path) > 1:
        command = command.commands[path[1]]
    for parameter in command.params:
        assert " ".join(parameter.help.split()) in text


@pytest.mark.parametrize("path", [(), ("data",), ("models",)])
def test_no_command_is_cut_short_in_the_list(ngcm, monkeypatch, path):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = ngcm(*path, "--help")
    assert (code, err) == (0, "")
    commands = out[out.index("Commands:") :].splitlines()[1:]
    assert len(commands) >= 4
    for line in commands:
        assert line.startswith("  ") and line.endswith(".") and "..." not in line
