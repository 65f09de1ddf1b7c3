"""What can go wrong in a user's hands, one class per thing the user can do about it.

Every error is two sentences: what is wrong and where, then what to do next (the hint).
The command line prints them and exits with ``exit_code``; library callers catch them as
the built-in exception each one also is. Anything that is not an ``NgcmError`` is a bug
and keeps its traceback.
"""


class NgcmError(Exception):
    """Base of every error a user can mend.

    Args:
        message: one sentence that names the thing and the place.
        hint: one sentence that says what to do next, or empty.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(NgcmError, ValueError):
    """A flag or a key of a run file is wrong: fix it."""


class InputDataError(NgcmError, ValueError):
    """The dataset is not usable: names, units, levels, times, NaN."""


class RecordCoverageError(InputDataError):
    """The SST record does not cover the run: shorten the run, or name another record.

    A command may append to ``hint`` how it does without a record.
    """


class CheckpointError(NgcmError, ValueError):
    """The model's file is not usable: get the right file or version."""


class OutputError(NgcmError, OSError):
    """The output cannot be written: choose another path, or free space."""


class Terminated(KeyboardInterrupt):
    """The process was told to end, by SIGTERM: what a scheduler does for Ctrl-C."""

    exit_code = 143


class UnstableRunError(NgcmError, RuntimeError):
    """The run blew up: see the last good time, shorten it or start again."""

    exit_code = 3
