"""Whole forecasts against stored results of the reference implementation.

The reference's own sensitivity to rounding is stored with its decoded results; ten
times that is the tolerance. Of its spectral states it is not stored. It is measured
here, as what noise of 1e-7 in the inputs does to our own results, but is not less than
the rounding of the state itself; both over the coefficients that are compared.
"""

import functools
import json
import os
import pathlib
import runpy
import subprocess
import sys
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from agreement import EPS, assert_agrees, perturbed, rms
from gcm import bundled
from gcm.bundled import by_name
from gcm.stages import moved, stages

from ngcm_cli.zoo import load_model

KEY = 42
UNITS = {
    "geopotential": "m2 s-2",
    "temperature": "K",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
}

PAPER = (
    "deterministic_2_8_deg",
    "stochastic_1_4_deg",
    "deterministic_1_4_deg",
    "deterministic_0_7_deg",  # five minutes and 5 GiB
)


@functools.cache
def inputs(folder: pathlib.Path, config: str):
    """Fields, forcing and time of the script that made the golden inputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of xarray's interpolation
        data = runpy.run_path(str(folder / "make_inputs.py"))["inputs"](config)
    data = data.isel(time=0) if "time" in data.dims else data
    arrays = {
        name: x.transpose(..., "longitude", "latitude").values
        for name, x in data.data_vars.items()
    }
    forcing = {n: arrays.pop(n)[None] for n in list(arrays) if arrays[n].ndim == 2}
    return arrays, forcing


def run(model, fields, forcing, steps):
    """The encoded state, the state after some steps, and both decoded."""
    time = np.datetime64("1959-01-02T00", "s")
    state = model.encode(fields, forcing, time, jax.random.key(KEY))
    later = model.advance(state, forcing, steps)
    return {
        "encoded": by_name(state),
        "advanced": by_name(later),
        "encode_decode": model.decode(state),
        "forecast": model.decode(later),
    }


def report(capsys, name, stage, variable, error, tolerance):
    with capsys.disabled():
        if "NGCM_TEST_REPORT" in os.environ:
            print(f"{name} {stage}/{variable}: {error / tolerance:.3f} of tolerance")


def part(stage, x, rows, step):
    """What is stored of a result: spectral states at their largest scales."""
    if stage in ("encoded", "advanced"):
        return np.asarray(x)[::6, rows][:, :48, :48]
    return np.asarray(x)[::5, ::step, ::step]


def compare(name, golden, found, tolerances, rows, capsys):
    """Assert agreement of every stored array; ``tolerances`` by stage and variable."""
    step = found["forecast"]["temperature"].shape[-2] // 32
    seen = set()
    for key in golden.files:
        stage, _, variable = key.partition("/")
        if stage not in found:
            continue
        ours = part(stage, found[stage][variable], rows, step)
        tolerance = tolerances(stage, variable)
        error = rms(ours.astype(np.float64) - golden[key])
        report(capsys, name, stage, variable, error, tolerance)
        unit = UNITS.get(variable, "1") if stage not in ("encoded", "advanced") else "1"
        assert_agrees(f"{name} {key}", unit, ours, golden[key], tolerance)
        seen.add((stage, variable))
    assert len(seen) == 4 * 7


def sensitivity(moved, x):
    """What noise in the inputs changes, but at least a rounding of the result."""
    return max(rms(np.asarray(moved) - np.asarray(x)), EPS * rms(x))


def check_against_golden(name, config, model, golden, rows, folder, capsys):
    """Ten times the sensitivity to 1e-7 of noise in the inputs, for every variable.

    That of decoded fields is stored beside them; that of states is measured here.
    """
    steps = json.loads(str(golden["meta"]))["steps"]
    fields, forcing = inputs(folder, config)
    found = run(model, fields, forcing, steps)
    noisy = {name: perturbed(x) for name, x in fields.items()}
    moved = run(model, noisy, forcing, steps)

    def tolerances(stage, variable):
        if stage in ("encode_decode", "forecast"):
            key = f"{stage}/{variable}"
            return 10 * float(golden[f"noise/{key}"]) * float(golden[f"std/{key}"])
        # Where the error is measured: a mean over all scales would be smaller.
        x = part(stage, found[stage][variable], rows, 1)
        noisy = part(stage, moved[stage][variable], rows, 1)
        # Noise in the inputs does not show what the three transforms of the encoder and
        # the sum of every substep round off.
        substeps = steps * model.step.substeps * model.step.dycore.substeps
        roundings = 3 + (substeps if stage == "advanced" else 0)
        rounding = EPS * rms(x) * roundings**0.5
        return 10 * max(sensitivity(noisy, x), rounding)

    compare(name, golden, found, tolerances, rows, capsys)


@pytest.mark.slow
def test_the_bundled_model_forecasts_what_the_reference_does(shared, capsys):
    folder = shared / "reference"
    golden = np.load(folder / "golden" / "demo.npz")
    config, rows = "deterministic_2_8_deg", slice(None)
    check_against_golden("demo", config, bundled.model(), golden, rows, folder, capsys)


@pytest.mark.large
@pytest.mark.parametrize("config", PAPER)
def test_the_published_configurations_forecast_what_the_reference_does(
    config, shared, tmp_path, capsys
):
    folder = shared / "reference"
    golden = np.load(folder / "golden" / f"{config}.npz")
    checkpoint = tmp_path / f"{config}.pkl"
    script = str(folder / "make_checkpoint.py")
    subprocess.run([sys.executable, script, config, str(checkpoint)], check=True)
    model = load_model(str(checkpoint))
    rows = np.arange(2 * model.grid.longitude_wavenumbers)
    if config == "deterministic_2_8_deg":  # the reference's other layout lacks row 1
        rows = np.delete(rows, 1)
    check_against_golden(config, config, model, golden, rows, folder, capsys)


# Numbers of chapter 14 of the specification: the bundled sample, jax.random.key(0).

PLACES = (31, 2, 3), (15, 5, 7), (0, 8, 20)
SURFACE = (0, 0, 0), (0, 0, 2), (0, 2, 3), (0, 5, 7)
MEAN = ((31, 0, 0),)
POINTS = {
    "encoded": {
        "vorticity": (PLACES, (-0.006453115, 0.02072342, -0.004226175)),
        "divergence": (PLACES, (0.00208754, -0.003342082, -0.001516037)),
        "temperature_variation": (PLACES, (-3.046815, 0.2585756, 0.0125642)),
        "log_surface_pressure": (
            SURFACE,
            (6.168147, -0.04877435, -0.003869924, 0.009324123),
        ),
        "specific_cloud_ice_water_content": (MEAN, (1.857339e-06,)),
        "specific_cloud_liquid_water_content": (MEAN, (9.278299e-06,)),
        "specific_humidity": (MEAN, (0.02956084,)),
    },
    "after 1 step": {
        "vorticity": (PLACES, (-0.00525237, 0.02161045, -0.003513416)),
        "temperature_variation": (PLACES, (-3.124964, 0.2379537, 0.02802868)),
        "log_surface_pressure": (SURFACE[:1], (6.16816,)),
    },
    "after 2 steps": {
        "vorticity": (PLACES, (-0.005336, 0.02226752, -0.002053994)),
        "temperature_variation": (PLACES, (-3.124343, 0.1846967, 0.06311056)),
        "log_surface_pressure": (SURFACE[:1], (6.168187,)),
    },
}
RMS = {
    "encoded": {
        "vorticity": 0.006768551,
        "divergence": 0.002931999,
        "temperature_variation": 0.4767756,
    },
    "after 1 step": {"vorticity": 0.005950597},
}
DECODED = {
    0: {
        "temperature": (248.2573, 290.7212, 243.291),
        "u_component_of_wind": (-1.868662, -3.917119, 24.95728),
        "v_component_of_wind": (0.1050612, 0.9636336, -2.042871),
        "geopotential": (443.5211, 14401.52, 52668.42),
        "specific_humidity": (0.0004601508, 0.01312029, 0.0003503219),
    },
    2: {
        "temperature": (276.3156, 290.5308, 245.03),
        "u_component_of_wind": (-0.2708324, -3.412044, 27.04107),
        "geopotential": (-83.65323, 14293.55, 52979.88),
    },
}
MEANS = {
    0: {
        "temperature": 241.1023,
        "u_component_of_wind": 5.425667,
        "v_component_of_wind": 0.0391352,
        "geopotential": 112230.3,
        "specific_humidity": 0.001620816,
    },
    2: {"temperature": 240.9896, "geopotential": 112225.9},
}


def worst(x, y):
    return float(np.abs(np.asarray(x, np.float64) - np.asarray(y)).max())


def printed(value):
    """How well a number is known: seven digits, and ten spacings of float32."""
    digits = 10.0 ** (np.floor(np.log10(abs(value))) - 6) if value else 0.0
    return digits + 10 * EPS * abs(value)


@pytest.mark.slow
@pytest.mark.parametrize("number, stage", list(enumerate(POINTS)))
def test_states_at_single_coefficients(number, stage):
    ours = by_name(bundled.steps()[number])
    other = by_name(moved()[number])
    for variable, (points, values) in POINTS[stage].items():
        tolerance = 10 * rms(other[variable] - ours[variable])
        for point, expected in zip(points, values, strict=True):
            error = abs(float(ours[variable][point]) - expected)
            assert error <= tolerance + printed(expected), (variable, point)
    for variable, expected in RMS.get(stage, {}).items():
        tolerance = 10 * rms(other[variable] - ours[variable])
        assert abs(rms(ours[variable]) - expected) <= tolerance + printed(expected)


@pytest.mark.slow
@pytest.mark.parametrize("number", DECODED)
def test_decoded_fields_at_single_points(number):
    model = bundled.model()
    ours = model.decode(bundled.steps()[number])
    other = model.decode(moved()[number])
    for name, values in DECODED[number].items():
        x = np.asarray(ours[name])
        # One point may differ by more than the mean over all does.
        tolerance = 10 * worst(other[name], x)
        for point, expected in zip(
            [(36, 0, 0), (30, 64, 32), (21, 10, 50)], values, strict=True
        ):
            error = abs(float(x[point]) - expected)
            assert error <= tolerance + printed(expected), (name, point)
    for name, expected in MEANS[number].items():
        x = np.asarray(ours[name], np.float64)
        tolerance = 10 * rms(np.asarray(other[name]) - x)
        assert abs(x.mean() - expected) <= tolerance + printed(expected), name


@pytest.mark.slow
def test_clock_and_random_fields_of_seed_zero():
    states = bundled.steps()
    times = [float(state.time) for state in states[:3]]
    np.testing.assert_allclose(times, [-92034.61, -92034.08, -92033.555], atol=0.005)
    assert jax.random.key_data(states[0].random.key).tolist() == [193336109, 25802624]
    core = np.asarray(states[0].random.fields)
    nodal = bundled.model().step.random_fields.nodal(states[0].random)["randomness"]
    found = [core[0, 0, 0], core[0, 2, 1], nodal[0, 0, 0], nodal[5, 64, 32]]
    found += [nodal[9, 127, 63], states[1].random.fields[0, 0, 0]]
    expected = [0.04725803, -0.02893207, 0.7380792, 1.609906, -0.07746486, 0.05747369]
    # Sums of up to two thousand coefficients of a field of variance one.
    np.testing.assert_allclose(found, expected, atol=20 * EPS)


@pytest.mark.slow
def test_memory_and_spread_of_the_random_fields():
    model = bundled.model()
    noise, state = model.step.random_fields, bundled.encoded().random
    ones, zeros = (
        eqx.tree_at(lambda s: s.fields, state, jnp.full_like(state.fields, x))
        for x in (1, 0)
    )
    decay = noise.advance(ones).fields - noise.advance(zeros).fields
    np.testing.assert_allclose(decay[0, 5, 60], 0.786965745, rtol=1e-5)
    np.testing.assert_allclose(decay[9, 5, 60], 0.987613009, rtol=1e-5)
    spread = noise._amplitude()
    np.testing.assert_allclose(spread[0, 0, 0], 0.033670864, rtol=1e-5)
    np.testing.assert_allclose(spread[0, 0, 10], 0.0336701488, rtol=1e-5)
    np.testing.assert_allclose(spread[9, 0, 0], 0.556152688, rtol=1e-5)
    phi, _ = model.encoder_noise._autocorrelation()
    np.testing.assert_allclose(phi[0], 0.367885497, rtol=1e-5)
    np.testing.assert_allclose(phi[9], 0.990049836, rtol=1e-5)


# Channel → value in the column of longitude 64, latitude 32.
COLUMN = {
    "encoder features": {
        0: 1.178206, 1: -0.4319941, 2: -0.04248321, 3: 0.08628177, 4: -0.09277781,
        5: -0.7585737, 6: -0.002184492, 7: 2.43348, 8: 0.03457375, 30: 0.5084526,
        45: -0.001297561, 82: 0.00409663, 342: -1.693395, 600: -0.04561576,
        1045: 0.3721376, 1054: 0.2741735,
    },
    "encoder network": {
        0: 20.34669, 31: -30.27028, 32: -1.574818, 64: -52.18626, 95: -3.713758,
        96: -0.6305772, 97: -8.64772, 128: 7.119612, 160: 7.205851, 192: -11.9352,
    },
    "physics features": {
        0: -0.1059553, 31: -0.5313385, 32: 0.344258, 255: 0.7865074, 256: 1.178206,
        257: 0.0539774, 288: -0.4469941, 385: -0.431994, 390: -0.03319839,
        391: 0.4080224, 395: -1.647665, 396: -1.537033, 427: 2.433479, 428: 1.24658,
        429: 0.4709443, 438: 0.03457374, 439: -0.08672468, 1342: -0.1562401,
    },
    "physics network": {
        0: 19.19345, 31: 3.067587, 32: -0.7827963, 64: -0.312553, 96: 3.395528,
        127: 4.379406, 128: 0.6586295, 159: -4.236114, 160: 0.2736394,
        191: -0.9951987,
    },
    "decoder features": {
        0: 1.178206, 1: 0.05397742, 33: 0.2446575, 129: -0.4319941,
        134: -0.01292167, 135: 2.43348, 137: -0.0867247, 138: -0.1098795,
        700: 0.403504, 1032: -0.1562401,
    },
    "decoder network": {
        0: -6.224299, 36: 2.591644, 37: 4.0541, 111: -3.138469, 148: -2.888984,
        185: 0.9540662, 222: -4.55844,
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("stage", COLUMN)
def test_networks_in_one_column(stage):
    ours, other = (np.asarray(stages(noisy)[stage]) for noisy in (False, True))
    # The soft clip of the physics subtracts rounded numbers of the size of its bound.
    clip = EPS * 16 if stage == "physics features" else 0
    for channel, expected in COLUMN[stage].items():
        tolerance = 10 * sensitivity(other[channel], ours[channel]) + clip
        error = abs(float(ours[channel, 64, 32]) - expected)
        assert error <= tolerance + printed(expected), channel


@pytest.mark.slow
def test_learned_tendencies():
    expected = {
        "vorticity": (0.00268868521, 0.000211038914),
        "divergence": (-0.00183381886, -0.000787365273),
        "temperature_variation": (-0.179771196, 0.111240759),
        "specific_cloud_ice_water_content": (3.51653128e-07, 4.0240644e-07),
        "specific_cloud_liquid_water_content": (2.28952513e-06, 3.84698621e-07),
        "specific_humidity": (-2.46906524e-05, -3.3798595e-06),
    }
    sizes = {"vorticity": 0.00230663597, "divergence": 0.00271084993}
    sizes["temperature_variation"] = 0.0610908646
    ours, other = (
        {k: v for k, v in vars(tendency).items() if k != "tracers"} | tendency.tracers
        for tendency in (stages()["tendency"], stages(True)["tendency"])
    )
    for name, values in expected.items():
        tolerance = 10 * rms(other[name] - ours[name])
        found = ours[name][31, 2, 3], ours[name][15, 5, 7]
        for x, value in zip(found, values, strict=True):
            assert abs(float(x) - value) <= tolerance + printed(value), name
        size = sizes.get(name, rms(ours[name]))
        assert abs(rms(ours[name]) - size) <= tolerance + printed(size)
    assert not ours["log_surface_pressure"].any()


@pytest.mark.slow
def test_radiation_at_single_points():
    model, first = bundled.model(), bundled.encoded()
    sun = model.decoder.location_time(first.time)["radiation"][0]
    found = [sun[0, 32], sun[64, 32], sun[30, 10], sun[100, 60]]
    # The clock is rounded; a fused product changes the phase of day by 1e-4.
    np.testing.assert_allclose(found, [0, 0.911678778, 0.281716987, 0], atol=1e-4)
