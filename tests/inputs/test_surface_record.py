"""A surface variable of any name, at its times, on a model's grid."""

import numpy as np
import pytest
import xarray as xr

from ngcm_cli.errors import InputDataError
from ngcm_cli.inputs.regrid import latitude_weights, longitude_weights
from ngcm_cli.inputs.surface_record import SurfaceRecord
from ngcm_cli.spectral.grid import Grid

GRID = Grid.linear(7)
TIMES = np.array(["2020-01-01T00", "2020-01-01T06"], "datetime64[s]")


def write(path, latitude, longitude, units="degF", name="T2M"):
    """Two fields, north first, of noise."""
    shape = 2, len(latitude), len(longitude)
    field = np.random.default_rng(0).normal(50, 9, shape)
    coords = {"time": TIMES.astype("datetime64[ns]"), "lat": latitude, "lon": longitude}
    array = xr.DataArray(field, coords, attrs={"units": units, "long_name": "warmth"})
    array.to_dataset(name=name).to_netcdf(path)
    return field


def test_fields_on_the_grid_keep_their_values(tmp_path):
    north_first = np.rad2deg(GRID.latitude)[::-1]
    path = tmp_path / "a.nc"
    field = write(path, north_first, np.rad2deg(GRID.longitude))
    record = SurfaceRecord(str(path), ["t2m"], GRID)
    assert (record.found, record.attributes["units"]) == ("T2M", "degF")
    assert record.attributes["long_name"] == "warmth"
    expected = field[1, ::-1].T[None].astype(np.float32)
    np.testing.assert_array_equal(record.read(TIMES[1]), expected)
    record.close()


def test_other_grids_are_averaged_and_units_converted(tmp_path):
    latitude, longitude = np.arange(-87.5, 90, 5), np.arange(0, 360, 5.0)
    path = tmp_path / "b.nc"
    field = write(path, latitude, longitude)
    record = SurfaceRecord(str(path), ["absent", "t2m"], GRID, "K")
    assert record.attributes["units"] == "K"
    kelvin = (field[0] + 459.67) * 5 / 9
    rows = latitude_weights(np.deg2rad(latitude), np.asarray(GRID.latitude))
    columns = longitude_weights(np.deg2rad(longitude), np.asarray(GRID.longitude))
    expected = (rows @ kelvin @ columns.T).T
    np.testing.assert_allclose(record.read(TIMES[0])[0], expected, rtol=1e-6)
    with pytest.raises(InputDataError, match=r"b.nc.*no 2020-01-01T03"):
        record.read(np.datetime64("2020-01-01T03", "s"))
    record.close()


@pytest.mark.parametrize(
    ("names", "units", "words"),
    [
        (["tm2"], None, "no variable 'tm2'.* Did you mean 't2m'"),
        (["rain", "tp"], None, "no variable 'rain', nor 'tp'.*Name one of them: T2M"),
        (["t2m"], "m", "has units 'degF', and 'm' are wanted"),
    ],
)
def test_what_is_refused(tmp_path, names, units, words):
    path = tmp_path / "c.nc"
    write(path, np.arange(-87.5, 90, 5), np.arange(0, 360, 5.0))
    with pytest.raises(InputDataError, match=f"(?s)c.nc.*{words}"):
        SurfaceRecord(str(path), names, GRID, units)
