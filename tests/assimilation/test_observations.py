"""Tables of observations: what is read from them, and how faults are named."""

import numpy as np
import pytest
import xarray

from ngcm_cli.assimilation.observation_table import read_observations
from ngcm_cli.errors import InputDataError

HEADER = "station,time,lat,lon,pressure_hPa,variable,value,error"
GOOD = (
    "a,2020-01-01T00:10,45,-75.5,500,t,253.2,1",
    "b,2020-01-01T01,90,359,,msl,101300,100",
)


def read(tmp_path, *lines, header=HEADER):
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return read_observations(path)


def test_a_csv_table(tmp_path):
    found = read(tmp_path, *GOOD, "", "c,2020-01-01T02,0,0,500,gh,5600,10")
    assert found.variable.tolist() == [
        *("temperature", "mean_sea_level_pressure", "geopotential")
    ]
    assert found.time[0] == np.datetime64("2020-01-01T00:10")
    np.testing.assert_array_equal(found.pressure, [500, np.nan, 500])
    np.testing.assert_allclose(found.value, [253.2, 101300, 5600 * 9.80665])
    np.testing.assert_allclose(found.error, [1, 100, 98.0665])
    assert found.row.tolist() == [2, 3, 5]


def dataset(**changes):
    columns = {
        "time": np.array(["2020-01-01T00", "2020-01-01T01"], "datetime64[ns]"),
        "latitude": [1.0, 2.0],
        "longitude": [3.0, 4.0],
        "pressure": ("row", [50000.0, 85000.0], {"units": "Pa"}),
        "variable": np.array(["t", "u"], object),
        "value": [260.0, 5.0],
        "error": [1.0, 2.0],
    }
    columns |= changes
    return xarray.Dataset(
        {k: x if isinstance(x, tuple) else ("row", x) for k, x in columns.items()}
    )


def test_a_netcdf_table(tmp_path):
    dataset().to_netcdf(tmp_path / "table.nc")
    found = read_observations(tmp_path / "table.nc")
    assert found.variable.tolist() == ["temperature", "u_component_of_wind"]
    np.testing.assert_array_equal(found.pressure, [500, 850])
    assert found.time[1] == np.datetime64("2020-01-01T01")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"pressure": ("row", [5.0, 8.0])}, "unit of pressure is not said"),
        ({"pressure": ("row", [5.0, 8.0], {"units": "km"})}, "neither Pa nor hPa"),
        ({"value": ("other", [1.0, 2.0, 3.0])}, "has the shape"),
        ({"error": [1.0, -2.0]}, r"row 1: error -2 is not positive"),
        ({"value": [np.nan, 5.0]}, r"row 0: value is missing"),
    ],
)
def test_faults_of_netcdf(tmp_path, changes, message):
    dataset(**changes).to_netcdf(tmp_path / "table.nc")
    with pytest.raises(InputDataError, match=message):
        read_observations(tmp_path / "table.nc")


@pytest.mark.parametrize(
    "line, message",
    [
        ("c,soon,0,0,500,t,250,1", "line 4: time: 'soon' is not a time"),
        ("c,2020-01-01,91,0,500,t,250,1", "line 4: latitude 91 is not from -90"),
        ("c,2020-01-01,0,400,500,t,250,1", "line 4: longitude 400 is not from -180"),
        ("c,2020-01-01,0,0,500,t,,1", "line 4: value is missing"),
        ("c,2020-01-01,0,0,500,t,warm,1", "line 4: value 'warm' is not a number"),
        ("c,2020-01-01,0,0,500,t,250,nan", "line 4: error is missing"),
        ("c,2020-01-01,0,0,500,t,250,0", "line 4: error 0 is not positive"),
        ("c,2020-01-01,0,0,,t,250,1", "line 4: temperature has no pressure"),
        ("c,2020-01-01,0,0,-5,t,250,1", "line 4: temperature has no pressure"),
        ("c,2020-01-01,0,0,500,t,-20,1", "value -20 of temperature is not from 120"),
        ("c,2020-01-01,0,0,500,q,5,1", "of specific_humidity is not from"),
        ("c,2020-01-01,0,0,,msl,1013,1", "of mean_sea_level_pressure is not from"),
        ("c,2020-01-01,0,0,500,z,5600,10", "of geopotential is not from"),
        ("c,2020-01-01,0,0,500,q,0.005,0.5", "error 0.5 kg kg-1 of specific_humid"),
        ("c,2020-01-01,0,0,500,temprature,250,1", "variable 'temprature' cannot be"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, line, message):
    with pytest.raises(InputDataError, match=message):
        read(tmp_path, *GOOD, line)


def test_the_nearest_variable_is_suggested(tmp_path):
    with pytest.raises(InputDataError, match="Did you mean 'temperature'"):
        read(tmp_path, "c,2020-01-01,0,0,500,temprature,250,1")


def test_faults_of_the_file(tmp_path):
    with pytest.raises(InputDataError, match="has no column error; it has station"):
        read(tmp_path, *GOOD, header=HEADER.replace("error", "sigma"))
    with pytest.raises(InputDataError, match="latitude more than once: latitude, lat"):
        read(tmp_path, *GOOD, header=HEADER.replace("station", "latitude"))
    two = HEADER.replace("station", "pressure_Pa")
    with pytest.raises(InputDataError, match="more than once: pressure_Pa, pressure_h"):
        read(tmp_path, *GOOD, header=two)
    beside = HEADER.replace("station", "pressure_flag")
    assert read(tmp_path, *GOOD, header=beside).pressure[0] == 500
    header = HEADER.replace("_hPa", "")
    with pytest.raises(InputDataError, match="unit of pressure is not said"):
        read(tmp_path, *GOOD, header=header)
    with pytest.raises(InputDataError, match="has no observations"):
        read(tmp_path)
    with pytest.raises(InputDataError, match="cannot be read"):
        read_observations(tmp_path / "absent.csv")
    with pytest.raises(InputDataError, match="cannot be read"):
        read_observations(tmp_path / "absent.nc")


def test_real_geopotential_is_accepted(tmp_path):
    """Of the US Standard Atmosphere 1976, and of a polar winter at 10 hPa."""
    heights = {1000: 111, 850: 1457, 500: 5574, 300: 9164, 100: 16180, 10: 31055}
    lines = [
        f"c,2020-01-01,0,0,{p},geopotential,{9.80665 * z},50"
        for p, z in heights.items()
    ]
    cold = "c,2020-01-01,0,0,10,geopotential,275000,50"
    assert len(read(tmp_path, *lines, cold)) == 7


def test_the_window(tmp_path):
    table = read(tmp_path, *GOOD)
    start = np.datetime64("2020-01-01T00", "s")
    inside = table.within(start, start + np.timedelta64(30, "m"))
    assert inside.row.tolist() == [2]
    with pytest.raises(InputDataError, match="None of the 2 observations"):
        table.within(start - np.timedelta64(9, "h"), start)


def test_levels_of_the_model(tmp_path):
    table = read(tmp_path, *GOOD)
    table.check_levels((1.0, 500.0, 1000.0))
    with pytest.raises(InputDataError, match=r"line 2: the pressure 500 hPa is not"):
        table.check_levels((600.0, 1000.0))
