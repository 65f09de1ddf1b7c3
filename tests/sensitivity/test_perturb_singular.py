"""``--perturb singular:FILE``: members along the singular vectors of a file."""

import jax
import numpy as np
import pytest
import xarray as xr
from command_line import ngcm

import ngcm_cli
from ngcm_cli.config import EnsembleConfig
from ngcm_cli.config.noise import vectors_file
from ngcm_cli.diagnostics import evaluate
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.inputs.singular_vectors import read_singular_vectors
from ngcm_cli.sensitivity.file import (
    vector_dataset,
    with_coordinates,
    write_sensitivity,
)
from ngcm_cli.simulation.data_sources import with_absolute_paths
from ngcm_cli.simulation.setup import set_up

INIT = np.datetime64("1959-01-02T00", "s")


@pytest.fixture(scope="module")
def model(reduced_model):
    return ngcm_cli.load_model(reduced_model)


@pytest.fixture(scope="module")
def vectors(model):
    """Two smooth fields of each kind: of the lowest wavenumbers, not balanced."""
    longitude, latitude = np.meshgrid(
        model.grid.longitude, model.grid.latitude, indexing="ij"
    )
    sigma = np.asarray(model.sigma_levels.centers)[:, None, None]
    zonal = np.cos(latitude) ** 2 * np.cos(2 * longitude)
    warm = np.stack([2 * sigma * zonal, (1 - sigma) * np.sin(latitude)])
    wind = np.cos(latitude) * np.ones_like(warm)
    return {
        "temperature": warm,
        "u_component_of_wind": 0.1 * wind,
        "v_component_of_wind": 0 * wind,
        "specific_humidity": 1e-4 * warm,
        "log_surface_pressure": 1e-4 * np.stack([zonal, 2 * zonal])[:, None],
    }


@pytest.fixture(scope="module")
def file(model, vectors, tmp_path_factory):
    path = tmp_path_factory.mktemp("vectors") / "Vectors.nc"
    parts = [vector_dataset(np.array([3.0, 2.0]), vectors, vectors, "total-energy")]
    sigma = np.asarray(model.sigma_levels.centers)
    grid, levels = model.grid, model.levels
    dataset = with_coordinates(parts, grid, levels, sigma, INIT, None, {})
    write_sensitivity(dataset, path)
    return path


def test_the_file_is_read_as_it_was_written(model, vectors, file, caplog):
    of_model = model.grid, model.sigma_levels.centers
    found = read_singular_vectors(str(file), *of_model, [INIT])
    assert not caplog.messages
    read_singular_vectors(str(file), *of_model, [INIT, INIT + np.timedelta64(1, "D")])
    assert "those of 1959-01-02T00, and perturb the state of 1959-01-03T00" in (
        caplog.text
    )
    for name, x in vectors.items():
        np.testing.assert_array_equal(found[name], x.astype(np.float32))
    with xr.open_dataset(file) as dataset:
        assert dataset.singular_value.values.tolist() == [3, 2]
        assert dataset["singular_vector_temperature"].units == "K"
        assert dataset.attrs["Conventions"] == "CF-1.11"


@pytest.mark.slow
def test_members_move_along_the_vectors(model, vectors, file, reduced_model, tmp_path):
    settings = {"model": reduced_model, "lead": "1h", "every": "1h", "members": 2}
    output = {"output": tmp_path / "out.zarr"}
    plain = set_up(EnsembleConfig(**settings, **output))
    moved = set_up(
        EnsembleConfig(**settings, **output, perturb=f"singular:{file}", amplitude="2K")
    )
    names = ("temperature", "u_component_of_wind", "specific_humidity")
    coefficients = []
    for member in range(2):
        changes = {}
        states = [run.initial_state(0, member) for run in (moved, plain)]
        fields = [evaluate(model, x, None, names, "model") for x in states]
        changes = {n: np.asarray(fields[0][n] - fields[1][n], float) for n in names}
        basis = vectors["temperature"].reshape(2, -1).T
        own = np.linalg.lstsq(basis, changes["temperature"].ravel())[0]
        for name in names:
            expected = np.einsum("v,vkij->kij", own, vectors[name])
            rounding = 1e-6 * float(np.abs(fields[0][name]).max())  # of a difference
            tolerance = 1e-3 * np.abs(expected).max() + rounding
            np.testing.assert_allclose(changes[name], expected, atol=tolerance)
        squares = (
            vectors["temperature"] ** 2
            + 270 / 1004 * vectors["u_component_of_wind"] ** 2
            + (2.5104e6 / 1004 * vectors["specific_humidity"]) ** 2
        )
        largest = np.sqrt(squares.max((1, 2, 3)))
        coefficients.append(own * largest / 2)
        again = moved.initial_state(0, member)
        for x, y in zip(
            jax.tree.leaves(again.state), jax.tree.leaves(states[0].state), strict=True
        ):
            np.testing.assert_array_equal(x, y)
    # Standard normal numbers, another for each vector and member.
    assert len(np.unique(np.round(coefficients, 2))) == 4
    assert (np.abs(coefficients) < 4).all()


@pytest.mark.slow
def test_resumed_runs_have_the_same_bits(file, reduced_model, tmp_path):
    """An ensemble along the vectors that stops between two restart files."""

    def stopping(progress, simulation):
        for number, step in enumerate(progress):
            if number == 2:
                raise RuntimeError("stopped")
            yield step

    settings = {"model": reduced_model, "lead": "3h", "every": "1h", "members": 2}
    settings |= {"restart_every": "1h", "variables": "temperature", "levels": 500}
    settings |= {"perturb": f"singular:{file}", "amplitude": "2K"}
    whole = ngcm_cli.ensemble(**settings, output=tmp_path / "whole.zarr")
    stopped = tmp_path / "stopped.zarr"
    with pytest.raises(RuntimeError, match="stopped"):
        ngcm_cli.ensemble(**settings, output=stopped, track=stopping)
    ngcm_cli.ensemble(resume=stopped)
    with xr.open_zarr(whole) as theirs, xr.open_zarr(stopped) as ours:
        assert ours.temperature.sizes["lead_time"] == 4
        xr.testing.assert_equal(ours.drop_encoding(), theirs.drop_encoding())
        assert (ours.temperature[0] != ours.temperature[1]).any()


def test_the_setting(file, tmp_path):
    config = EnsembleConfig(perturb=f"singular:{file.name}", amplitude="1K")
    assert vectors_file(config.perturb) == "Vectors.nc"
    assert "--perturb singular:Vectors.nc" in config.command_line()
    stored = with_absolute_paths(config)["perturb"]
    assert EnsembleConfig(perturb=stored).perturb == stored
    assert stored.startswith("singular:/")
    for settings, said in (
        ({"perturb": "singular"}, "names no file of singular vectors"),
        ({"perturb": "singular:"}, "names no file of singular vectors"),
        (
            {"perturb": "singular:x.nc", "pressure_amplitude": "80Pa"},
            "is not for singular vectors",
        ),
        (
            {"perturb": "singular:x.nc", "amplitude": "1000:1K,500:2K"},
            "is not for singular vectors",
        ),
        ({"perturb": "singula:x.nc"}, "is none of none, gaussian"),
    ):
        with pytest.raises(ConfigError, match=said):
            EnsembleConfig(**settings)


def test_files_that_are_of_no_use(model, vectors, file, tmp_path, reduced_model):
    sigma = model.sigma_levels.centers
    whole = xr.load_dataset(file)
    broken = {
        "nothing.nc": None,
        "gradients.nc": whole.drop_vars("singular_vector_temperature"),
        "grid.nc": whole.isel(latitude=slice(1, None)),
        "levels.nc": whole.isel(sigma=slice(1, None)),
        "missing.nc": whole.where(whole.latitude > 0),
        "one.nc": whole.isel(singular_vector=0),
    }
    said = {
        "nothing.nc": "There is no file",
        "gradients.nc": "holds no singular vectors",
        "grid.nc": "are of another latitude",
        "levels.nc": "are of another sigma",
        "missing.nc": "values that are not finite",
        "one.nc": "is on sigma, latitude, longitude, not on singular_vector, ",
    }
    for name, dataset in broken.items():
        if dataset is not None:
            dataset.to_netcdf(tmp_path / name)
        with pytest.raises(InputDataError, match=said[name]):
            read_singular_vectors(str(tmp_path / name), model.grid, sigma)
    turned = tmp_path / "turned.nc"
    whole.transpose("longitude", "latitude", ...).to_netcdf(turned)
    for name, x in read_singular_vectors(str(turned), model.grid, sigma).items():
        np.testing.assert_array_equal(x, vectors[name].astype(np.float32))
    (tmp_path / "text.nc").write_text("no NetCDF")
    words = "ensemble", "--model", reduced_model, "--perturb", "singular:text.nc"
    done = ngcm(*words, "--lead", "6h", folder=tmp_path)
    assert done.returncode == 2
    assert "text.nc cannot be read" in done.stderr
    itself = EnsembleConfig(output=file, overwrite=True, perturb=f"singular:{file}")
    with pytest.raises(ConfigError, match="would overwrite the data"):
        set_up(itself)
    assert file.stat().st_size
