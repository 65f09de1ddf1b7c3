"""YAML as people write it: no aliases, no tags, no merge keys, bounded in size.

What is left out is what lets a small file ask for much memory, or for Python objects.
"""

import pathlib
from typing import Any

import yaml

from ngcm_cli.io.bounded_file import read_bounded

LARGEST = 2**22
"""Bytes of a file, at most."""

_DEEPEST = 20  # levels of nesting
_LONGEST = 20_000  # characters of one value: long numbers take long to convert


# The same as yaml.safe_load, in C where that is there: ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_plain_yaml(path: str | pathlib.Path, loader: type = _LOADER) -> Any:
    """Return the content of a YAML file.

    Args:
        path: of the file.
        loader: class of PyYAML that builds the content.

    Raises:
        OSError: it cannot be read, is no file, or too large.
        YAMLError: it is not YAML, or has what is left out here.
    """
    content = read_bounded(path, LARGEST)
    try:
        text = content.decode("utf-8")
        _check(text)
        return yaml.load(text, Loader=loader)
    except UnicodeDecodeError:
        raise yaml.YAMLError("it is not text") from None
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    # Of values that look like a number or a date, and are none.
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise yaml.YAMLError(f"it has a value that is none: {error}") from None


def _check(text: str) -> None:
    """Refuse what is left out, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse(event, "an anchor or alias (& or *)")
        if getattr(event, "tag", None):
            _refuse(event, "a tag (!)")
        if isinstance(event, yaml.ScalarEvent):
            if event.value == "<<" and not event.style:
                _refuse(event, "a merge key (<<)")
            if len(event.value) > _LONGEST:
                _refuse(event, f"a value of {len(event.value)} characters")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            _refuse(event, "values that are nested too deeply")


def _refuse(event: yaml.Event, what: str) -> None:
    raise yaml.YAMLError(f"line {event.start_mark.line + 1} has {what}")
