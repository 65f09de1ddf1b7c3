"""The atmosphere and the sea of a run, each read alone."""

import numpy as np
import pytest
from small_analysis import CLIMATOLOGY, FIELDS, GRID, LEVELS, build_analysis

from ngcm_cli.errors import InputDataError
from ngcm_cli.forcing.run_inputs import (
    InputRequest,
    read_atmosphere,
    read_inputs,
    read_sea,
)
from ngcm_cli.inputs.input_cache import InputCache
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.inputs.variables import SST

NODES = np.rad2deg(GRID.longitude), np.rad2deg(GRID.latitude)
NEEDS = ModelInputs(GRID, LEVELS, FIELDS)
DAYS = tuple(f"2020-08-{day:02}T12" for day in range(18, 27))
INIT, DAY = np.datetime64("2020-08-20T12", "s"), np.timedelta64(86400, "s")
FAR = "gs://bucket/of/ours.zarr"


@pytest.fixture
def request_of(tmp_path, monkeypatch):
    monkeypatch.setenv("NGCM_HOME", str(tmp_path / "home"))

    def build(dataset=None, **more):
        if dataset is not None:
            dataset.to_netcdf(tmp_path / "air.nc")
        settings = {
            "data": str(tmp_path / "air.nc"),
            "init": INIT,
            "lead": 3 * DAY,
            "sea": "prescribed",
            "sea_data": None,
            "sea_offset": 0.5,
            "climatology": str(CLIMATOLOGY),
        }
        return InputRequest(**(settings | more))

    return build


@pytest.mark.parametrize("sea", ["prescribed", "persist", "climatology"])
def test_both_are_as_they_are_read_together(request_of, sea):
    request = request_of(build_analysis(*NODES, DAYS), sea=sea)
    together = read_inputs(request, NEEDS)
    time, atmosphere = read_atmosphere(request, NEEDS)
    assert time == together.time == INIT == atmosphere.time
    assert atmosphere.notes == together.notes
    for name, field in together.fields.items():
        np.testing.assert_array_equal(atmosphere.fields[name], field)
    alone = read_sea(request, INIT, NEEDS)
    assert alone.notes == together.surface_forcing.notes
    np.testing.assert_array_equal(alone.times, together.surface_forcing.times)
    for name, field in together.surface_forcing.fields.items():
        np.testing.assert_array_equal(alone.fields[name], field)
    assert alone.sst_offset == 0.5


def test_the_sea_is_of_the_run_and_not_of_the_atmosphere(request_of):
    """Which is of another year, and the only one in its file."""
    air = build_analysis(*NODES, ("1959-01-02T00",))
    request = request_of(air.drop_vars([SST, "sea_ice_cover"]), init=None)
    path = request.data.replace("air", "sea")
    build_analysis(*NODES, DAYS)[[SST, "sea_ice_cover"]].to_netcdf(path)
    request = request_of(init=None, sst_data=path)
    time, _ = read_atmosphere(request, NEEDS)
    assert time == np.datetime64("1959-01-02")
    sea = read_sea(request, INIT, NEEDS)
    np.testing.assert_array_equal(sea.times, INIT + np.arange(4) * DAY)
    with pytest.raises(InputDataError, match="The run goes from 1959-01-02T00"):
        read_inputs(request, NEEDS)


def test_the_state_alone_is_checked_as_ever(request_of):
    air = build_analysis(*NODES, DAYS)
    with pytest.raises(InputDataError, match="missing: temperature"):
        read_atmosphere(request_of(air.drop_vars("temperature")), NEEDS)
    with pytest.raises(InputDataError, match="missing: sea_surface_temperature"):
        read_atmosphere(request_of(air.drop_vars(SST)), NEEDS)
    with pytest.raises(InputDataError, match="no 1999-01-01T00"):
        read_atmosphere(request_of(air, init=np.datetime64("1999-01-01")), NEEDS)


def test_a_state_from_far_away_is_kept(request_of):
    """Both take the state that one of them kept."""
    request = request_of(build_analysis(*NODES, DAYS))
    _, atmosphere = read_atmosphere(request, NEEDS)
    InputCache.of(FAR, NEEDS).save_analysis(atmosphere)
    far = request_of(data=FAR, offline=True, sst_data=request.data)
    time, again = read_atmosphere(far, NEEDS)
    assert time == INIT
    for name, field in atmosphere.fields.items():
        np.testing.assert_array_equal(again.fields[name], field)
    assert read_inputs(far, NEEDS).time == INIT


def test_what_is_far_away_and_not_to_be_fetched(request_of):
    """The hint names what prepares it: of the state that, of the sea nothing does."""
    far = request_of(data=FAR, offline=True, sst_data=FAR)
    command = f"ngcm data prepare --init 2020-08-20T12 --data {FAR}"
    with pytest.raises(InputDataError) as caught:
        read_atmosphere(far, NEEDS)
    assert f"`{command}`" in caught.value.hint
    with pytest.raises(InputDataError) as caught:
        read_inputs(far, NEEDS)
    assert f"`{command} --sst prescribed --sst-data {FAR}`" in caught.value.hint
    with pytest.raises(InputDataError) as caught:
        read_sea(far, INIT, NEEDS)
    assert caught.value.hint == "Go without --offline and --dry-run."


@pytest.mark.parametrize("spoil", ["beyond", "no time", "a hole"])
def test_what_to_do_instead_is_said_as_the_command_has_it(request_of, spoil):
    days = ("1990-01-01", "1990-01-02", "2050-01-01") if spoil == "a hole" else DAYS
    data = build_analysis(*NODES, days)
    if spoil == "no time":
        data = data.isel(time=0, drop=True)
    lead = 300 * DAY if spoil == "beyond" else DAY
    with pytest.raises(InputDataError) as caught:
        read_sea(request_of(data, lead=lead), INIT, NEEDS)
    assert caught.value.hint.endswith("or use --sst persist or climatology.")
    amip = request_of(lead=lead, instead="--sst-climatology")
    with pytest.raises(InputDataError) as caught:
        read_sea(amip, INIT, NEEDS)
    assert caught.value.hint.endswith("or use --sst-climatology.")
    assert "persist" not in str(caught.value)
