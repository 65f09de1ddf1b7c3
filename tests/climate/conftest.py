"""What tests of long runs share: the reduced model, and a run across New Year."""

import dataclasses
import pathlib

import pytest
from long_runs import go, snapshot
from reduced import write_reduced_model

DAYS = 4


@dataclasses.dataclass(frozen=True)
class NewYear:
    """A run from 2019-12-30 for four days.

    Attributes:
        settings: of the run, without its output.
        folder: of the whole run.
        killed: the folder as it was after three days, a restart after two.
    """

    settings: dict
    folder: pathlib.Path
    killed: pathlib.Path


@pytest.fixture(scope="session")
def reduced_model(tmp_path_factory) -> str:
    """Path of the card of the reduced model."""
    return str(write_reduced_model(tmp_path_factory.mktemp("reduced")))


@pytest.fixture(scope="session")
def new_year(reduced_model, tmp_path_factory) -> NewYear:
    """Fields every six hours, their daily and monthly means."""
    within = tmp_path_factory.mktemp("new_year")
    folder, killed = within / "whole", within / "killed"
    settings = {
        "model": reduced_model,
        "start": "2019-12-30",
        "days": DAYS,
        "means": "monthly,daily",
        "every": "6h",
        "restart_every": "2d",
    }

    def track(days, plan):
        for report in days:
            if report.day == 3:
                snapshot(folder, killed)
            yield report

    go(folder, track, **settings)
    return NewYear(settings, folder, killed)
