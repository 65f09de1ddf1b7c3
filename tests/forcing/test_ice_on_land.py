"""Sea ice where there can be none."""

import numpy as np
import pytest
import xarray as xr
from earth import COVER, LAND, SEA, TEMPERATURE, at_sea, given, read, sea_file

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.model_inputs import ModelInputs
from ngcm_cli.spectral.grid import Grid

COARSE = ModelInputs(Grid.linear(7), (), ())


@pytest.mark.parametrize("mark, units", [(1, "1"), (0.5, "1"), (100, "%"), (9, "%")])
def test_a_number_on_land_is_no_ice(tmp_path, mark, units):
    """On a coarser grid it would be ice at the coasts, and cold water."""
    factor = 100 if units == "%" else 1
    paths = [
        sea_file(
            tmp_path / f"{value}.nc",
            at_sea(TEMPERATURE),
            np.where(SEA, factor * COVER, value),
            units_of=("K", units),
        )
        for value in (np.nan, mark)
    ]
    one, other = (read(path, model=COARSE) for path in paths)
    np.testing.assert_allclose(given(other), given(one), atol=1e-6)
    assert "stands for land in the data" in " ".join(other.notes)


def test_ice_of_any_size_on_land_is_refused(tmp_path):
    ice = np.where(SEA, COVER, np.linspace(0.1, 1, LAND.size).reshape(LAND.shape))
    path = sea_file(tmp_path / "a.nc", at_sea(TEMPERATURE), ice)
    with pytest.raises(
        InputDataError, match=r"sea_ice_cover is 0\.\d+ to .* within 38"
    ):
        read(path)


def test_a_number_on_warm_water_is_refused(tmp_path):
    """Where temperature is defined on land, too."""
    path = sea_file(tmp_path / "a.nc", TEMPERATURE, np.where(SEA, COVER, 1))
    with pytest.raises(
        InputDataError, match="is 1 in .* cells .* above 283.15 K, most of them land"
    ):
        read(path)
    warmer = sea_file(tmp_path / "b.nc", TEMPERATURE + 4, COVER)
    assert given(read(warmer))[1].max() == 1  # as in experiments of warming


def test_tenths_without_units_are_not_percent(tmp_path):
    path = sea_file(
        tmp_path / "a.nc", at_sea(TEMPERATURE), at_sea(10 * COVER), units_of=("K", "")
    )
    with pytest.raises(InputDataError, match="no units attribute and values from 0 to"):
        read(path)
    with xr.open_dataset(path) as data:
        percent = (10 * data["siconc"]).assign_attrs(units="")
        data.assign(siconc=percent).to_netcdf(tmp_path / "b.nc")
    ice = given(read(tmp_path / "b.nc"))[1]
    np.testing.assert_allclose(ice[SEA], COVER[SEA], atol=1e-6)
