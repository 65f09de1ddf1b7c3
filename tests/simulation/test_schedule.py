"""When a run does what: windows, samples, months, records and restart files."""

import numpy as np
import pytest

from ngcm_cli.simulation.schedule import DAY, Schedule

HOUR = np.timedelta64(3600, "s")


def forecast(lead=24, every=6, restart=None) -> Schedule:
    return Schedule(
        init=np.datetime64("2020-02-28T12", "s"),
        length=lead * HOUR,
        window=every * HOUR,
        sample=every * HOUR,
        every=every * HOUR,
        has_final_output=True,
        restart_every=restart and restart * HOUR,
    )


def climate(start="2020-02-27", days=4, every=None, restart=2) -> Schedule:
    return Schedule(
        init=np.datetime64(start, "s"),
        length=days * DAY,
        window=DAY,
        sample=6 * HOUR,
        every=every and every * HOUR,
        means=("daily", "monthly"),
        restart_every=restart * DAY,
    )


def test_a_forecast_has_an_output_at_both_ends():
    schedule = forecast()
    windows = [schedule.at(number) for number in range(schedule.windows)]
    assert [window.samples for window in windows] == [1, 1, 1, 1, 0]
    assert all(window.outputs == (True,) for window in windows)
    assert windows[-1].start == schedule.end == np.datetime64("2020-02-29T12", "s")
    assert schedule.time(5) == schedule.time(4) == schedule.end
    records = [schedule.record("lead_time", window) for window in windows]
    assert records == [0, 1, 2, 3, 4]
    assert [schedule.completed_records("lead_time", n) for n in (0, 3, 5)] == [0, 3, 5]


def test_a_forecast_of_no_length_has_one_output():
    schedule = forecast(lead=0)
    assert schedule.windows == 1 and schedule.at(0).samples == 0


def test_a_long_run_has_whole_days():
    schedule = climate(every=12)
    windows = [schedule.at(number) for number in range(schedule.windows)]
    assert len(windows) == 4
    assert {window.outputs for window in windows} == {(True, False, True, False)}
    records = [schedule.record("instantaneous", w, s) for w in windows for s in (0, 2)]
    assert records == list(range(8))
    assert schedule.completed_records("instantaneous", 3) == 6
    assert not any(any(climate().at(number).outputs) for number in range(4))


def test_outputs_less_often_than_daily():
    schedule = climate(days=6, every=36)
    windows = [schedule.at(number) for number in range(6)]
    at = [(w.number, s) for w in windows for s in range(4) if w.outputs[s]]
    assert at == [(0, 0), (1, 2), (3, 0), (4, 2)]
    records = [schedule.record("instantaneous", windows[n], s) for n, s in at]
    assert records == [0, 1, 2, 3]
    completed = [schedule.completed_records("instantaneous", n) for n in range(7)]
    assert completed == [0, 1, 2, 2, 3, 4, 4]


@pytest.mark.parametrize(
    "start, starts, ends, months, completed",
    [
        # Across a leap day.
        ("2020-02-27", [0, 3], [2, 3], [0, 0, 0, 1], [0, 0, 0, 1, 2]),
        # From a month's last day.
        ("2019-12-31", [0, 1], [0, 3], [0, 1, 1, 1], [0, 1, 1, 1, 2]),
        # Within a month, and to its end.
        ("2020-01-05", [0], [3], [0, 0, 0, 0], [0, 0, 0, 0, 1]),
        ("2020-01-28", [0], [3], [0, 0, 0, 0], [0, 0, 0, 0, 1]),
    ],
)
def test_months(start, starts, ends, months, completed):
    schedule = climate(start)
    windows = [schedule.at(number) for number in range(4)]
    assert [window.number for window in windows if window.starts_month] == starts
    assert [window.number for window in windows if window.ends_month] == ends
    assert [schedule.record("monthly", window) for window in windows] == months
    counts = [schedule.completed_records("monthly", n) for n in range(5)]
    assert counts == completed


def test_restart_files_are_due():
    schedule = climate(days=5, restart=2)
    due = [n for n in range(1, 6) if schedule.is_restart_due(n)]
    assert due == [2, 4, 5]  # and at the end
    assert [schedule.last_restart_due(n) for n in range(5)] == [2, 2, 4, 4, 5]
    schedule = forecast()
    assert not any(schedule.is_restart_due(n) for n in range(1, 6))
    assert schedule.last_restart_due(1) == 5
    schedule = forecast(restart=12)
    assert [n for n in range(1, 6) if schedule.is_restart_due(n)] == [2, 4, 5]
