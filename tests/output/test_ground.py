"""Land and the height of the ground, for the export: those of the run's model."""

import numpy as np
import pytest
from climate_run import month_bounds, write_means
from gcm.synthesis import synthesis
from reduced_model import write_reduced_model

from ngcm_cli import units
from ngcm_cli.errors import InputDataError
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.simulation.ground import ground_of_run
from ngcm_cli.spectral.filters import change_truncation
from ngcm_cli.zoo import open_model


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """The path of the card of a reduced model."""
    return write_reduced_model(tmp_path_factory.mktemp("model"), stochastic=False)


@pytest.mark.parametrize("spacing", [None, 30])
def test_the_ground_of_a_run(tmp_path, card, spacing):
    described, model = open_model(str(card))
    grid = OutputGrid.native(model.grid)
    if spacing:
        grid = OutputGrid.regular(model.grid, spacing)
    write_means(
        tmp_path / "monthly.zarr",
        month_bounds("1982-01", 1),
        variables=("surface_pressure",),
        grid=grid,
        weights_sha256=described.weights.sha256,
    )
    (tmp_path / "run.yaml").write_text(f"model: {card}\nyears: 1\n")
    ground = ground_of_run(tmp_path)
    dycore = model.step.dycore
    height = change_truncation(
        dycore.orography.modal(dycore.harmonics.grid), model.grid.modal_shape
    )
    height = synthesis(height, model.grid) / units.METER
    for name, expected in (("orog", height), ("sftlf", 100 * model.land_fraction)):
        expected = grid.regrid(np.asarray(expected, np.float64)).T
        assert ground[name].shape == (len(grid.latitude), len(grid.longitude))
        np.testing.assert_allclose(ground[name], expected, rtol=0, atol=0.02)
    assert ground["orog"].max() > 200 and 20 < ground["sftlf"].mean() < 50


@pytest.mark.parametrize("text", ["model: {card}\n", "model: nowhere\n", ""])
def test_another_model_is_not_taken_for_that_of_the_run(tmp_path, card, caplog, text):
    one = {"variables": ("surface_pressure",)}
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1), **one)
    (tmp_path / "run.yaml").write_text(text.format(card=card))
    assert ground_of_run(tmp_path) is None
    assert "sftlf and orog are not exported, for lack of the run's model" in caplog.text


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(InputDataError, match="There are no means"):
        ground_of_run(tmp_path)
