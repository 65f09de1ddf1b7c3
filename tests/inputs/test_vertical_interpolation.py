import importlib.resources

import numpy as np
import pytest
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.unit_conversion import GAS_CONSTANT, GRAVITY
from ngcm_cli.inputs.vertical_interpolation import (
    MOIST,
    check_sufficient,
    describe,
    to_levels,
)

# fmt: off
MODEL = (1, 2, 3, 5, 7, 10, 20, 30, 50, 70, 100, 125, 150, 175, 200, 225, 250, 300, 350,
         400, 450, 500, 550, 600, 650, 700, 750, 775, 800, 825, 850, 875, 900, 925, 950,
         975, 1000)
ECMWF = (1000, 925, 850, 700, 600, 500, 400, 300, 250, 200, 150, 100, 50)
GFS = (10, 20, 30, 50, 70, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650,
       700, 750, 800, 850, 900, 925, 950, 975, 1000)
NCEP = (10, 20, 30, 50, 70, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)
CMIP6 = (1, 5, 10, 20, 30, 50, 70, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850,
         925, 1000)
# fmt: on
T, Q, PHI = "temperature", "specific_humidity", "geopotential"
HALF_ULP = float(np.finfo(np.float32).eps) / 2


def column(levels, values):
    """Values given by pressure as a field of one cell."""
    return np.array(levels, float), np.asarray(values, float)[:, None, None]


def interpolated(levels, target=MODEL, **profiles):
    """Profiles, as functions of pressure, on some levels brought to others."""
    pressure = np.array(levels, float)
    columns = {n: column(levels, f(pressure)) for n, f in profiles.items()}
    return {n: x[:, 0, 0].astype(float) for n, x in to_levels(columns, target).items()}


def linear_temperature(pressure):
    """Linear in ln p, as warm as the troposphere."""
    return 288 + 48 * np.log(np.asarray(pressure) / 1013.25)


def its_geopotential(pressure):
    """∫ −R T d ln p of ``linear_temperature`` from 1013.25 hPa, where it is 100."""
    x = np.log(np.asarray(pressure) / 1013.25)
    return 100 - GAS_CONSTANT * (288 * x + 48 * x**2 / 2)


BASE_HEIGHT = (0, 11e3, 20e3, 32e3, 47e3, 51e3, 71e3)
LAPSE = (-6.5e-3, 0.0, 1e-3, 2.8e-3, 0.0, -2.8e-3)


def _layers():
    temperature, pressure = [288.15], [1013.25]
    for rate, low, high in zip(LAPSE, BASE_HEIGHT, BASE_HEIGHT[1:], strict=False):
        base, top = temperature[-1], temperature[-1] + rate * (high - low)
        if rate:
            ratio = (base / top) ** (GRAVITY / GAS_CONSTANT / rate)
        else:
            ratio = np.exp(-GRAVITY * (high - low) / GAS_CONSTANT / base)
        temperature.append(top)
        pressure.append(pressure[-1] * ratio)
    return np.array(temperature), np.array(pressure)


def standard_atmosphere(pressure):
    """Temperature [K] and geopotential [m2 s-2] of the US Standard Analysis 1976.

    Linear in geopotential height by layers, with our gas constant.
    """
    base_temperature, base_pressure = _layers()
    pressure = np.asarray(pressure, float)
    layer = np.searchsorted(-base_pressure[1:], -pressure, side="left")
    rate, base = np.array(LAPSE)[layer], base_temperature[layer]
    depth = np.log(base_pressure[layer] / pressure)
    temperature = base * np.exp(rate * GAS_CONSTANT / GRAVITY * depth)
    isothermal = rate == 0
    above = (temperature - base) / np.where(isothermal, 1, rate)
    above = np.where(isothermal, GAS_CONSTANT * base / GRAVITY * depth, above)
    return temperature, GRAVITY * (np.array(BASE_HEIGHT)[layer] + above)


def test_the_standard_atmosphere_here_is_that_of_the_tables():
    temperature, phi = standard_atmosphere([1013.25, 226.3206, 54.7489, 8.6802, 1.1091])
    np.testing.assert_allclose(
        temperature, [288.15, 216.65, 216.65, 228.65, 270.65], rtol=1e-4
    )
    np.testing.assert_allclose(
        phi / GRAVITY, [0, 11e3, 20e3, 32e3, 47e3], rtol=1e-4, atol=1e-9
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_levels_that_are_there_stay_bit_for_bit(dtype):
    rng = np.random.default_rng(0)
    levels = rng.permutation(np.array(MODEL, np.float32))[:20]
    values = rng.normal(3e4, 1e4, (20, 4, 3)).astype(dtype)
    columns = {
        T: (levels, values / 100),
        PHI: (levels, values),
        "u_component_of_wind": (levels, values),
    }
    result = to_levels(columns, MODEL)
    for name, (_, source) in columns.items():
        assert result[name].dtype == np.float32
        for level, field in zip(levels, source, strict=True):
            on_level = result[name][MODEL.index(level)]
            np.testing.assert_array_equal(on_level, field.astype(np.float32))


def test_nothing_changes_where_all_levels_are_there():
    values = np.random.default_rng(0).normal(size=(37, 4, 3)).astype(np.float32)
    result = to_levels({T: (np.array(MODEL[::-1]), values)}, MODEL)
    np.testing.assert_array_equal(result[T], values[::-1])


def test_the_order_of_the_levels_does_not_matter():
    rng = np.random.default_rng(0)
    values = rng.normal(250, 20, (13, 4, 3))
    shuffle = rng.permutation(13)
    levels = np.array(ECMWF)
    straight = {T: (levels, values), PHI: (levels, 100 * values)}
    mixed = {n: (p[shuffle], x[shuffle]) for n, (p, x) in straight.items()}
    expected = to_levels(straight, MODEL[::-1])
    for name, fields in to_levels(mixed, MODEL[::-1]).items():
        np.testing.assert_array_equal(fields, expected[name])


@pytest.mark.parametrize("levels", [ECMWF, GFS], ids=["ecmwf", "gfs"])
def test_linear_in_the_logarithm_of_pressure_and_constant_outside(levels):
    result = interpolated(levels, temperature=linear_temperature)
    expected = linear_temperature(np.clip(MODEL, min(levels), max(levels)))
    np.testing.assert_allclose(result[T], expected, rtol=2 * HALF_ULP)


def test_below_the_lowest_level_too():
    levels = [level for level in ECMWF if level < 1000]
    result = interpolated(levels, temperature=linear_temperature)
    np.testing.assert_allclose(
        result[T][-3:], linear_temperature(925), rtol=2 * HALF_ULP
    )


@pytest.mark.parametrize("humidity", [0.0, 0.01])
@pytest.mark.parametrize("levels", [ECMWF, ECMWF[1:]], ids=["to 1000", "to 925"])
def test_an_isothermal_atmosphere_is_exact_everywhere(levels, humidity):
    virtual = 250 * (1 + MOIST * humidity)

    def geopotential(pressure):
        return GAS_CONSTANT * virtual * np.log(1013.25 / np.asarray(pressure, float))

    result = interpolated(
        levels,
        temperature=lambda p: 250 + 0 * p,
        specific_humidity=lambda p: humidity + 0 * p,
        geopotential=geopotential,
    )
    np.testing.assert_allclose(result[PHI], geopotential(MODEL), rtol=2 * HALF_ULP)


def test_temperature_linear_in_the_logarithm_of_pressure_is_exact_inside():
    result = interpolated(
        ECMWF, temperature=linear_temperature, geopotential=its_geopotential
    )
    inside = np.array(MODEL) >= 50
    np.testing.assert_allclose(
        result[PHI][inside], its_geopotential(MODEL)[inside], rtol=2 * HALF_ULP
    )
    beyond = np.log(np.array(MODEL)[~inside] / 50)
    expected = its_geopotential(50) - GAS_CONSTANT * linear_temperature(50) * beyond
    np.testing.assert_allclose(result[PHI][~inside], expected, rtol=2 * HALF_ULP)


def test_every_variable_has_its_own_levels():
    coarse = [1000, 850, 500, 300, 100]
    columns = {
        PHI: column(ECMWF, its_geopotential(ECMWF)),
        T: column(coarse, linear_temperature(coarse)),
        Q: column([1000, 100], [0.0, 0.0]),
    }
    result = {n: x[:, 0, 0] for n, x in to_levels(columns, MODEL).items()}
    temperature = linear_temperature(np.clip(MODEL, 100, 1000))
    np.testing.assert_allclose(result[T], temperature, rtol=2 * HALF_ULP)
    inside = np.array(MODEL) >= 100
    np.testing.assert_allclose(
        result[PHI][inside], its_geopotential(MODEL)[inside], rtol=2 * HALF_ULP
    )


def cubic_kernel() -> float:
    """max over t of ∫|K(t, s)| ds for e(t) = ∫ K(t, s) f''(s) ds on (0, 1).

    K is the error of the cubic Hermite polynomial of (x − s)₊, after Peano.
    """
    nodes = (np.arange(2000) + 0.5) / 2000
    t, s = nodes[::20, None], nodes
    value, slope = 1 - s, np.ones_like(s)  # of (x − s)₊ at x = 1; both 0 at x = 0
    cubic = t**2 * (3 - 2 * t) * value + t**2 * (t - 1) * slope
    return np.abs(np.maximum(t - s, 0) - cubic).mean(axis=1).max()


def test_the_standard_atmosphere_is_as_near_as_a_cubic_can_be():
    """|e| ≤ C h² R (max − min of dT/d ln p)/2, as a constant dT/d ln p is exact."""
    fine = np.exp(np.linspace(np.log(50), np.log(1000), 2001))
    result = interpolated(
        ECMWF,
        tuple(fine),
        temperature=lambda p: standard_atmosphere(p)[0],
        geopotential=lambda p: standard_atmosphere(p)[1],
    )
    temperature, phi = standard_atmosphere(fine)
    error = np.abs(result[PHI] - phi)
    lapse = np.gradient(temperature, np.log(fine))
    levels = np.sort(ECMWF)
    for low, high in zip(levels, levels[1:], strict=False):
        between = (fine >= low) & (fine <= high)
        bound = np.log(high / low) ** 2 * GAS_CONSTANT * np.ptp(lapse[between]) / 2
        rounding = 2 * HALF_ULP * phi[between].max()
        # The finite differences of dT/d ln p are a step of the tropopause's kink wide.
        assert error[between].max() <= 1.01 * cubic_kernel() * bound + rounding
    straight = np.interp(np.log(fine), np.log(levels), standard_atmosphere(levels)[1])
    assert error.max() / GRAVITY < 1.2  # m, as the docstring says
    assert np.abs(straight - phi).max() / GRAVITY > 13


@pytest.fixture(scope="module")
def era5():
    """The state that the package ships: levels and fields by name, float64."""
    path = importlib.resources.files("ngcm_cli.models") / "era5_tl31_1959-01-02T00.nc"
    with xr.open_dataset(str(path)) as dataset:
        fields = dataset.transpose("level", "longitude", "latitude", ...)
        assert tuple(fields["level"].values) == MODEL
        return {
            str(name): array.values.astype(float)
            for name, array in fields.data_vars.items()
            if "level" in array.dims
        }


def from_few(era5, levels=ECMWF):
    kept = [MODEL.index(level) for level in levels]
    few = {name: (np.array(levels), x[kept]) for name, x in era5.items()}
    return to_levels(few, MODEL)


def test_a_real_state_is_as_near_as_its_curvature_allows(era5):
    """The error at x between a and b is (x − a)(b − x) |f[a, x, b]|.

    f[a, x, b] is a weighted mean of the second divided differences in between.
    """
    result = from_few(era5)
    x = np.log(MODEL)
    for name, fields in era5.items():
        if name == PHI:
            continue
        slopes = np.diff(fields, axis=0) / np.diff(x)[:, None, None]
        second = np.abs(np.diff(slopes, axis=0) / (x[2:] - x[:-2])[:, None, None])
        for low, high in zip(ECMWF[::-1], ECMWF[-2::-1], strict=False):
            a, b = MODEL.index(low), MODEL.index(high)
            if b == a + 1:
                continue
            curvature = second[a : b - 1].max(axis=0)
            for i in range(a + 1, b):
                bound = (x[i] - x[a]) * (x[b] - x[i]) * curvature
                rounding = 2 * HALF_ULP * np.abs(result[name][i]) + 1e-12 * bound
                assert (np.abs(result[name][i] - fields[i]) <= bound + rounding).all()


# Rms errors from 13 levels, 100 hPa and below, and at 70 hPa: measured, rounded up.
@pytest.mark.parametrize(
    "name, unit, below, at_70",
    [
        (PHI, GRAVITY, 0.9, 6.1),
        (T, 1, 0.94, 2.4),
        (Q, 1e-3, 0.62, 0.001),
        ("u_component_of_wind", 1, 2.2, 3.4),
        ("v_component_of_wind", 1, 2.0, 2.5),
    ],
)
def test_a_real_state_from_13_levels(era5, name, unit, below, at_70):
    error = (from_few(era5)[name] - era5[name]) / unit
    rms = np.sqrt((error**2).mean(axis=(1, 2)))
    assert 0 < rms[np.array(MODEL) >= 100].max() < below
    assert 0 < rms[MODEL.index(70)] < at_70


def test_another_model_thinned_to_13_levels(shared):
    """GFS on 26 levels, with humidity on 25; rms errors measured, rounded up."""
    path = shared / "data" / "gfs_f072_valid_20111011T00_2p5deg_26lev.nc"
    with xr.open_dataset(path) as dataset:
        fields = dataset[[PHI, T, Q]].transpose("level", "longitude", "latitude")
        truth = {str(n): x.values.astype(float) for n, x in fields.data_vars.items()}
    columns = {}
    for name, values in truth.items():
        there = [GFS.index(p) for p in ECMWF if np.isfinite(values[GFS.index(p)]).all()]
        columns[name] = (np.array(GFS)[there], values[there])
    result = to_levels(columns, GFS)
    assert len(columns[Q][0]) == 13
    measured = {PHI: (GRAVITY, 1.0, 4.7), T: (1, 1.1, 1.5), Q: (1e-3, 0.84, 0.0008)}
    for name, (unit, below, at_70) in measured.items():
        rms = np.sqrt((((result[name] - truth[name]) / unit) ** 2).mean(axis=(1, 2)))
        assert 0 < rms[np.array(GFS) >= 100].max() < below
        assert 0 < rms[GFS.index(70)] < at_70


def test_geopotential_stays_in_order_where_it_is_extrapolated(era5):
    mean = from_few(era5, ECMWF[1:])[PHI].mean(axis=(1, 2), dtype=float)
    assert (np.diff(mean) < 0).all()


def test_geopotential_needs_temperature():
    with pytest.raises(ValueError, match="temperature"):
        to_levels({PHI: column(ECMWF, its_geopotential(ECMWF))}, MODEL)


@pytest.mark.parametrize("levels", [ECMWF, GFS, NCEP, CMIP6, MODEL])
def test_levels_of_known_archives_suffice(levels):
    check_sufficient(levels)
    check_sufficient(np.array(levels[::-1], np.float32))


@pytest.mark.parametrize(
    "levels, reason",
    [
        ((1000, 850, 700, 500, 300, 200, 100), "Too few pressure levels"),
        (ECMWF[:10], "No pressure level is at 100 hPa or above"),
        (ECMWF[2:], "No pressure level is at 900 hPa or below"),
        (
            (1000, 850, 700, 500, 250, 100, 50, 10),
            "There is no pressure level between 100 and 250 hPa",
        ),
        ((*ECMWF, 500), "The level 500 hPa occurs more than once"),
    ],
)
def test_levels_that_cannot_start_a_forecast_are_refused(levels, reason):
    with pytest.raises(InputDataError, match=reason) as caught:
        check_sufficient(levels)
    assert f"the data have {len(levels)}: " in caught.value.message
    assert caught.value.hint


def test_what_was_done_is_one_sentence():
    assert describe(ECMWF, MODEL) == (
        "Interpolated from 13 pressure levels (50 to 1000 hPa) to the model's 37, "
        "linearly in ln p, geopotential hydrostatically; above 50 hPa temperature, "
        "wind, humidity and cloud are constant."
    )
    assert "; above 50 hPa and below 925 hPa temperature," in describe(ECMWF[1:], MODEL)
    assert describe((1, *ECMWF), MODEL).endswith("geopotential hydrostatically.")
