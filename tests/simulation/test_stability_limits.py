"""What is said of numbers that no atmosphere has, and what is remembered."""

import numpy as np
import pytest

from ngcm_cli.simulation.stability import StabilityRecord, find_instability

SIGMA = np.array([0.1, 0.5, 0.95])


def monitor(**changes):
    """Of a healthy state; a change is (level, value) or a value."""
    numbers = {
        "finite": np.bool_(True),
        "max_wind": np.array([90.0, 50.0, 30.0], np.float32),
        "min_temperature": np.array([190.0, 210.0, 230.0], np.float32),
        "max_temperature": np.array([230.0, 270.0, 310.0], np.float32),
        "surface_pressure": np.float32(98500.0),
        "min_surface_pressure": np.float32(51000.0),
        "max_surface_pressure": np.float32(105000.0),
    }
    for name, change in changes.items():
        if isinstance(change, tuple):
            level, value = change
            numbers[name][level] = value
        else:
            numbers[name] = change
    return numbers


def test_nothing_is_wrong_with_an_atmosphere():
    assert find_instability(monitor(), SIGMA) == ""


@pytest.mark.parametrize(
    "change, words",
    [
        ({"max_wind": (0, 301.0)}, "wind is 301 m/s at sigma 0.1"),
        ({"min_temperature": (1, 119.0)}, "temperature is 119 K at sigma 0.5"),
        ({"max_temperature": (2, 401.0)}, "temperature is 401 K at sigma 0.95"),
        (
            {"surface_pressure": 94900.0},
            "the global mean of surface pressure is 949 hPa",
        ),
        (
            {"surface_pressure": 102100.0},
            "the global mean of surface pressure is 1021 hPa",
        ),
        ({"min_surface_pressure": 24900.0}, "surface pressure is 249 hPa"),
        ({"max_surface_pressure": 115100.0}, "surface pressure is 1151 hPa"),
        ({"max_wind": (1, np.nan)}, "wind is not finite at sigma 0.5"),
        ({"min_temperature": (2, np.nan)}, "temperature is not finite at sigma 0.95"),
        ({"max_temperature": (0, np.inf)}, "temperature is not finite at sigma 0.1"),
        (
            {"surface_pressure": np.nan},
            "the global mean of surface pressure is not finite",
        ),
        ({"max_surface_pressure": np.nan}, "surface pressure is not finite"),
        ({"finite": np.bool_(False)}, "a variable is not finite"),
    ],
)
def test_each_bound(change, words):
    assert find_instability(monitor(**change), SIGMA) == words


def test_a_single_level_is_not_named():
    only = {"finite": np.bool_(True), "max_wind": np.array([301.0])}
    assert find_instability(only, SIGMA[:1]) == "wind is 301 m/s"
    only |= {"max_wind": np.array([30.0]), "min_depth": np.array([-1.0])}
    assert find_instability(only, SIGMA[:1]) == "the depth of the layer is -1 m"
    only["max_wind"] = np.array([np.nan])
    assert find_instability(only, SIGMA[:1]) == "wind is not finite"


def test_the_bounds_themselves_are_well():
    at_bounds = monitor(
        max_wind=(0, 300.0),
        min_temperature=(0, 120.0),
        max_temperature=(2, 400.0),
        surface_pressure=95000.0,
        min_surface_pressure=25000.0,
        max_surface_pressure=115000.0,
    )
    assert find_instability(at_bounds, SIGMA) == ""


def test_what_a_model_does_not_monitor_is_not_checked():
    assert find_instability({"finite": np.bool_(True)}, SIGMA) == ""
    only = {"finite": np.bool_(False)}
    assert find_instability(only, SIGMA) == "a variable is not finite"


def test_attempts_are_counted_by_member_and_time():
    rewinds = [
        {"realization": member, "to": to}
        for member, to in [(0, "a"), (1, "a"), (0, "a"), (0, "b")]
    ]
    record = StabilityRecord({}, rewinds)
    assert [record.attempts(m, to) for m, to in ((0, "a"), (1, "a"), (0, "b"))] == [
        *(2, 1, 1)
    ]
    other = record.copy()
    other.rewinds.append({"realization": 0, "to": "a"})
    other.failed[1] = {}
    assert record.attempts(0, "a") == 2 and record.failed == {}
