"""``ngcm models verify --published``, with stores as Google publishes them."""

import pathlib
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from published_store import published, write
from small_analysis import build_analysis
from tiny_run import CARD, use_tiny_model

sys.path.append(str(pathlib.Path(__file__).parents[1] / "inputs" / "sources"))
import servers  # noqa: E402

import ngcm_cli  # noqa: E402
from ngcm_cli.cli import main  # noqa: E402
from ngcm_cli.errors import UnstableRunError  # noqa: E402
from ngcm_cli.simulation import run, setup  # noqa: E402
from ngcm_cli.spectral.grid import Grid  # noqa: E402
from ngcm_cli.testing import TinyModel  # noqa: E402

NAME = "deterministic_0_7_deg"
STORE = "datasets/neuralgcm_deterministic/2020-512x256.zarr"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Analyses of four days, and forecasts of the tiny model as they are published."""
    folder = tmp_path_factory.mktemp("published")
    grid = Grid.linear(3)
    longitude, latitude = np.rad2deg(grid.longitude), np.rad2deg(grid.latitude)
    times = np.datetime64("2020-01-01T00") + np.arange(16) * np.timedelta64(6, "h")
    analyses = build_analysis(longitude, latitude, times, (200.0, 500.0, 850.0))
    analyses.to_netcdf(folder / "era5.nc")
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_model(patch, stochastic=False)
        ours = ngcm_cli.forecast(
            data=folder / "era5.nc",
            init="2020-01-01/2020-01-02T12/12h",
            lead="1d",
            output=folder / "ours.zarr",
        )
    write(published(ours), folder / "published.zarr")
    return folder


@pytest.fixture
def verify(folder, monkeypatch, capsys):
    """Run the command with the tiny model: exit code, stdout, stderr in one line."""
    use_tiny_model(monkeypatch, stochastic=False)

    def run(*words, name=NAME):
        data = [] if "--offline" in words else ["--data", folder / "era5.nc"]
        words = "ngcm", "models", "verify", name, *data, *words
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, " ".join(captured.err.split())

    return run


def cells(row: str) -> list[str]:
    """Return the cells of a row of a table, which are two spaces apart."""
    return re.split(r"\s{2,}", row)


def test_the_store_that_the_card_names(folder, verify, monkeypatch):
    with servers.google(folder, "weatherbench2") as address:
        servers.upload_to_google(
            address, folder / "published.zarr", STORE, "weatherbench2"
        )
        with servers.network_to(address) as network:
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", network.address)
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            code, out, err = verify("--published", "--levels", "500,850")
            chunks = sum(
                f"{STORE}/temperature/" in path for path, _ in network.requests
            )
    assert code == 0, err
    head, *rows = out.splitlines()
    assert head.split()[:4] == ["variable", "hPa", "lead", "difference"]
    assert len(rows) == 3 * 4 * 2  # variables, lead times, levels
    assert all(cells(row)[3] == "0" for row in rows)
    assert [row.split()[-1] for row in rows[:8]] == 6 * ["ok"] + 2 * ["-"]
    assert "18 of 18 fields agree with the published forecasts" in err
    assert "All scores are equal" in err
    assert chunks < 40  # no more than what is compared


def test_a_defect_fails(folder, verify, tmp_path):
    store = published(folder / "ours.zarr").roll(longitude=4)
    store = store.assign_coords(longitude=np.arange(0, 360, 45.0))
    bad = write(store, tmp_path / "bad.zarr")
    code, out, err = verify("--against", bad, "--lead", "6h", "--starts", 1)
    assert code == 2
    assert all(row.endswith("FAILED") for row in out.splitlines()[1:])
    assert "does not reproduce the published forecasts" in err
    assert "turned by 180 degrees of longitude" in err


class CalmModel(TinyModel):
    """A tiny model whose members differ by less than 20 K."""

    def encode(self, fields, forcing, time, key):
        """Return the state of fields with a smaller offset."""
        last = jax.random.key_data(key)[-1] % 20
        small = jax.random.wrap_key_data(jnp.stack([jnp.zeros_like(last), last]))
        return super().encode(fields, forcing, time, small)


def test_a_stochastic_model(folder, verify, monkeypatch, tmp_path):
    monkeypatch.setattr(setup, "open_model", lambda name, **how: (CARD, CalmModel()))
    members = ngcm_cli.ensemble(
        members=4,
        data=folder / "era5.nc",
        init="2020-01-01",
        lead="12h",
        every="12h",
        output=tmp_path / "members.zarr",
    )
    store = write(published(members), tmp_path / "published.zarr")
    flags = "--against", store, "--levels", "500", "--members", "3"
    code, out, err = verify(*flags, name="stochastic_1_4_deg")
    # With the same seed the members are the same, so that nothing is left to chance.
    assert code == 0, err
    head, *rows = out.splitlines()
    assert "by chance" in head and "CRPS ours" in head
    assert all(cells(row)[3] == "0" and row.endswith("ok") for row in rows)
    assert "means of 3 members each" in err
    code, out, err = verify(*flags[:2])
    assert "The model is deterministic; of the members the first is used." in err


def test_an_interrupted_run_leaves_no_advice_to_resume(verify, folder, monkeypatch):
    def stop(*_, **__):
        error = KeyboardInterrupt()
        error.add_note("Resume with `ngcm forecast --resume ours.zarr`.")
        raise error

    monkeypatch.setattr(run, "forecast", stop)
    code, out, err = verify("--against", folder / "published.zarr")
    assert code == 130 and err.endswith("Interrupted. Nothing was written.")

    def blow_up(*_, **__):
        raise UnstableRunError("The run became unstable.", "It is in ours.zarr.")

    monkeypatch.setattr(run, "forecast", blow_up)
    code, out, err = verify("--against", folder / "published.zarr")
    assert code == 3 and "ours.zarr" not in err


def test_a_dry_run_fetches_nothing(folder, verify):
    store = folder / "published.zarr"
    code, out, err = verify("--against", store, "--dry-run", "--starts", "3")
    assert code == 0
    assert f"Published   {store}" in out and "at most" in out
    assert "Starts      2020-01-01T00/2020-01-02T00/12h" in out
    assert f"{NAME}, 3 x 1d" in out
    assert "temperature 500, 850 hPa" in out


def test_without_a_network(verify):
    code, out, err = verify("--published", "--offline")
    assert code == 2 and out == ""
    assert STORE in err and "no network may be used (offline)" in err


def test_options_of_comparisons_alone(verify):
    code, out, err = verify("--lead", "1d")
    assert code == 2 and "Give --published, too." in err
