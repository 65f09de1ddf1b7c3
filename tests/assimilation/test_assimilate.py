"""4D-Var of an identical twin: the gradient, the analysis, and forecasts from it."""

import types

import jax
import numpy as np
import pytest
import xarray
from command_line import ngcm
from twin_observations import observe, write_table

import ngcm_cli
from ngcm_cli.assimilation import assimilate as verb
from ngcm_cli.assimilation import variational
from ngcm_cli.assimilation.background_error import BackgroundError

STEPS, PLACES = 2, 72
VARIABLES = (
    *("temperature", "u_component_of_wind", "v_component_of_wind", "geopotential"),
    *("specific_humidity", "surface_pressure"),
)


@pytest.fixture(scope="module")
def twin(reduced_model, tmp_path_factory):
    """A background, a truth that differs from it by an error drawn from B, an analysis.

    The table has one gross error in it, the first row.
    """
    folder = tmp_path_factory.mktemp("twin")
    model = ngcm_cli.load_model(reduced_model)
    data = ngcm_cli.bundled_state(model)
    key = jax.random.key(0)
    background = model.encode(data.fields, data.forcing, data.time, key)
    errors = BackgroundError.default(model, background)
    truth = errors.add(background, errors.draw(jax.random.key(5)))
    states = [model.advance(truth, data.forcing, n) for n in range(STEPS + 1)]
    rows = observe(states, model, data.time, PLACES)
    rows[0] = (*rows[0][:5], rows[0][5] + 40, rows[0][6])
    table = write_table(folder / "observations.csv", rows)
    windows = []
    with pytest.MonkeyPatch.context() as patch:
        minimize = verb.minimize
        patch.setattr(
            verb, "minimize", lambda w, *a: windows.append(w) or minimize(w, *a)
        )
        found = ngcm_cli.assimilate(
            observations=table,
            window=f"{STEPS}h",
            model=reduced_model,
            output=folder / "analysis.nc",
        )
    return types.SimpleNamespace(
        model=model, data=data, truth=truth, background=background, found=found,
        window=windows[0], table=table, folder=folder,
    )  # fmt: skip


def rms_error(twin, state, truth):
    """By variable, over the globe and the levels from 100 hPa down."""
    grid, errors = twin.model.grid, {}
    ours, true = (twin.model.decode(x, VARIABLES) for x in (state, truth))
    for name in VARIABLES:
        apart = np.float64(ours[name]) - np.float64(true[name])
        if len(apart) > 1:
            apart = apart[np.array(twin.model.levels) >= 100]
        square = (apart**2 * grid.area_weights).sum((-2, -1)).mean()
        errors[name] = np.sqrt(square / (grid.area_weights.sum() * len(grid.longitude)))
    return errors


@pytest.mark.slow
def test_the_gradient_is_that_of_the_cost(twin):
    """Remainders of first order fall as the square of the step (Taylor)."""
    window, zero = twin.window, twin.window.zero()
    (cost, _), gradient = variational.value_and_gradient(window, zero)
    norm = np.sqrt(sum(float((g**2).sum()) for g in gradient.values()))

    def remainder(h):
        moved = {name: h / norm * g for name, g in gradient.items()}
        (value, _), _ = variational.value_and_gradient(window, moved)
        return abs(float(value) - float(cost) - h * norm)

    remainders = [remainder(h) for h in (1.0, 0.25, 0.0625)]
    orders = np.log(np.divide(remainders[:-1], remainders[1:])) / np.log(4)
    np.testing.assert_allclose(orders, 2, atol=0.1)


@pytest.mark.slow
def test_the_analysis_is_better_in_every_variable(twin):
    before = rms_error(twin, twin.background, twin.truth)
    after = rms_error(twin, twin.found.state, twin.truth)
    ratios = {name: after[name] / before[name] for name in VARIABLES}
    print(ratios)
    assert max(ratios.values()) < 0.95, ratios


@pytest.mark.slow
def test_little_of_it_is_lost_in_its_file(twin):
    data = ngcm_cli.read_state(twin.model, str(twin.found.path))
    assert data.time == twin.data.time
    sea = twin.model.land_fraction <= 0.5
    for name, x in twin.data.forcing.items():
        np.testing.assert_array_equal(data.forcing[name][0][sea], x[0][sea])
    key = jax.random.key(0)
    again = twin.model.encode(data.fields, data.forcing, data.time, key)
    before = rms_error(twin, twin.background, twin.truth)
    after = rms_error(twin, twin.found.state, twin.truth)
    lost = rms_error(twin, again, twin.found.state)
    survived = {
        name: (before[name] - x) / (before[name] - after[name])
        for name, x in rms_error(twin, again, twin.truth).items()
    }
    print(survived, {name: x / before[name] for name, x in lost.items()})
    assert min(survived.values()) > 0.5, survived


@pytest.mark.slow
def test_forecasts_from_it_are_better_to_two_days(twin):
    states = twin.truth, twin.background, twin.found.state
    for lead in (6, 6, 12, 24):
        states = [twin.model.advance(x, twin.data.forcing, lead) for x in states]
        truth, background, analysis = states
        before = rms_error(twin, background, truth)
        after = rms_error(twin, analysis, truth)
        ratios = {name: after[name] / before[name] for name in VARIABLES}
        print(ratios)
        assert max(ratios.values()) < 1, ratios


@pytest.mark.slow
def test_the_command(twin, reduced_model):
    """Some observations of the twin, and one outside the window."""
    lines = twin.table.read_text().splitlines()
    late = lines[-1].replace("1959-01-02", "1959-01-09")
    (twin.folder / "some.csv").write_text("\n".join([*lines[:201], late]))
    words = "assimilate", "--observations", "some.csv", "--window", f"{STEPS}h"
    words = *words, "--model", reduced_model, "--iterations", "2", "-o", "some.nc"
    done = ngcm(*words, folder=twin.folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["some.nc", "some_diagnostics.nc"]
    said = " ".join(done.stderr.split())
    assert "1 of 201 observations are outside the window" in said
    assert "1 of 200 observations are rejected: too far from the background" in said
    assert "Iteration 2: cost" in said and "2 iterations were made." in said
    assert "variable layer (hPa) used rejected O-B mean O-B rms O-A mean" in said
    assert "surface_pressure surface" in said
    with xarray.open_dataset(twin.folder / "some.nc") as analysis:
        assert analysis.attrs["observations_used"] == 199
        assert analysis.attrs["window_end"] == "1959-01-02T02"
        assert "ngcm assimilate --observations some.csv" in analysis.attrs["history"]
    again = ngcm(*words, folder=twin.folder)
    assert again.returncode == 2
    assert "The output some.nc exists" in again.stderr


@pytest.mark.slow
def test_the_minimisation_and_its_diagnostics(twin):
    found = twin.found
    first, *_, last = found.minimum.iterations
    assert last.gradient <= 0.011 * first.gradient
    costs = [x.cost for x in found.minimum.iterations]
    assert costs == sorted(costs, reverse=True)
    assert last.background + last.observations == pytest.approx(last.cost, rel=1e-6)
    with xarray.open_dataset(found.diagnostics_path) as stored:
        assert stored.sizes["observation"] == len(found.departures.observations)
        assert stored.sizes["iteration"] == len(costs)
        np.testing.assert_array_equal(stored.cost, costs)
        assert stored.status.values[0] == 1  # the gross error
        assert stored.status.attrs["flag_meanings"].split()[1] == "far_from_background"
        used = (stored.status == 0).values
        assert used.sum() == stored.attrs["observations_used"] >= used.size - 3
        before, after = (
            (((stored.value - stored[name]) / stored.error) ** 2).values[used].sum() / 2
            for name in ("background", "analysis")
        )
    assert before == pytest.approx(first.cost, rel=1e-4)
    assert after == pytest.approx(last.observations, rel=1e-4)
