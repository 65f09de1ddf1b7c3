"""Run files: flat YAML whose keys are the flags of a command.

Every value is read as text, so that ``init: 2020-08-22`` and ``--init 2020-08-22`` mean
the same.
"""

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from ngcm_cli.config.checked_settings import is_given
from ngcm_cli.config.values import closest
from ngcm_cli.errors import ConfigError
from ngcm_cli.io.plain_yaml import read_plain_yaml


class _TextLoader(yaml.BaseLoader):
    """A YAML loader that reads every scalar as text and refuses repeated keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.YAMLError(f"the key {key} is not text")
            if key in mapping:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"'{key}' is given twice, again in line {line}")
            mapping[key] = self.construct_object(value_node, deep=True)
        return mapping


def read_run_file(
    path: str | pathlib.Path, known: Iterable[str], nested: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the settings in a YAML file as text, by the names of their flags.

    Args:
        path: of a mapping whose keys are flags, with dashes or underscores.
        known: names of the settings of the command.
        nested: those that may be mappings, or lists of them; they are returned as they
            are, with text for every value.

    Raises:
        ConfigError: the file cannot be read, or a key is unknown or repeated.
    """
    try:
        content = read_plain_yaml(path, _TextLoader)
    except OSError as error:
        raise ConfigError(
            f"The run file {path} cannot be read: {error.strerror}.", "Check its name."
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(
            f"The run file {path} is not valid YAML: {' '.join(str(error).split())}.",
            "Write one 'key: value' per line, such as 'lead: 10d'.",
        ) from None
    if content in (None, ""):
        return {}
    if not isinstance(content, dict):
        raise ConfigError(
            f"The run file {path} is not 'key: value' pairs.",
            "Write one 'key: value' per line, such as 'lead: 10d'.",
        )
    known = list(known)
    settings: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"Unknown key '{key}' in {path}.", closest(name, known))
        if name in settings:
            raise ConfigError(f"'{key}' is given twice in {path}.", "Keep one of them.")
        if name in nested:
            settings[name] = value
            continue
        if isinstance(value, dict):
            raise ConfigError(f"'{key}' in {path} is a mapping.", "Give one value.")
        if isinstance(value, list) and not all(isinstance(x, str) for x in value):
            raise ConfigError(
                f"'{key}' in {path} is a list of more than values.", "Give values."
            )
        if is_given(value):
            settings[name] = value
    return settings


def format_run_file(settings: Mapping[str, Any], comment: str) -> str:
    """Return the text of a run file, which `read_run_file` reads.

    Args:
        settings: values by name, as text; or nested as they are read.
        comment: first line of the file.
    """
    text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    return f"# {comment}\n{text}"
