"""Errors that a user can act on, one class for each kind of action.

An error has two sentences: what is wrong and where, and what to do next (the hint). The
command line prints them and exits with ``exit_code``; callers of the library can catch
the built-in exception that is the other base of each. Any other exception is a bug and
keeps its traceback.
"""

_LONGEST = 1000  # characters; with a hint, a message fits on a screen of 24 lines


def printable(text: str, longest: int = _LONGEST) -> str:
    """Return text that may quote a file, bounded and safe to print on a terminal.

    Line ends become spaces; other control characters, marks of text direction,
    invisible characters and broken encodings are escaped as in Python; of longer text
    the beginning and the end are kept.
    """
    text = "".join(map(_visible, _shortened(text, longest)))
    return _shortened(text, longest)


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace():
        return " "
    return character.encode("unicode_escape").decode()


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    end = longest // 4
    return f"{text[: longest - end - 3]} … {text[-end:]}"


class NgcmError(Exception):
    """Base class of errors that a user can act on.

    Both sentences are kept as `printable` returns them.

    Args:
        message: sentence that says what is wrong and where.
        hint: sentence that says what to do next, or empty.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = ""):
        message = printable(message)
        super().__init__(message)
        self.message = message
        self.hint = printable(hint, _LONGEST // 2)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(NgcmError, ValueError):
    """A flag or a key of a run file is wrong; correct it."""


def check_text(value: object) -> None:
    """Check that text given by a user can be stored and shown.

    Raises:
        ConfigError: it has bytes that are not UTF-8, or a null character.
    """
    if "\0" in str(value):
        raise ConfigError(
            f"{ascii(str(value))} has a null character.", "Write it without."
        )
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{ascii(str(value))} has bytes that are not UTF-8.",
            "Rename the file or folder, or write the value with other characters.",
        ) from None


class InputDataError(NgcmError, ValueError):
    """A dataset cannot be used: correct its names, units, levels, times or values."""


class RecordCoverageError(InputDataError):
    """The SST record does not cover the run; shorten the run or name another record.

    A command may append to ``hint`` how to run without a record.
    """


class CheckpointError(NgcmError, ValueError):
    """A file of a model cannot be used; get the right file or version."""


class OutputError(NgcmError, OSError):
    """The output cannot be written or resumed; choose another path, or free space."""


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM, with which schedulers end jobs."""

    exit_code = 143


class UnstableRunError(NgcmError, RuntimeError):
    """The run became numerically unstable; shorten it, rewind it or start again."""

    exit_code = 3
