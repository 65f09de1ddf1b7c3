"""Files of tracks: CF conventions, and reading back what was written."""

import json
import pathlib
import subprocess
import sys

import cf_xarray  # noqa: F401
import netCDF4
import numpy as np
import pytest
import xarray as xr
from small_tracks import START, small_tracks
from synthetic_cyclones import cyclones, straight

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.tracks.best_track import Storm
from ngcm_cli.tracks.find import find_tracks
from ngcm_cli.tracks.strike_probability import strike_probability
from ngcm_cli.tracks.track_error import compare
from ngcm_cli.tracks.track_file import read_tracks, write_netcdf, write_tracks

CHECKER = pathlib.Path(__file__).parents[1] / "output" / "compliance.py"
FAILS_BY_ITSELF = {"check_domain_variables"}
"""Of compliance-checker 6.1, for every ragged array that CF 1.11 knows."""


@pytest.fixture(scope="module")
def found():
    """Tracks of an ensemble with every variable of the layout."""
    path = straight((12.0, 176.0), (0.2, 0.8), 11)
    members = [
        cyclones([path + m], 2.8125, lead_time=True).expand_dims(realization=[m])
        for m in range(2)
    ]
    data = xr.concat(members, "realization", data_vars="all")
    tracks = find_tracks(data, preset="neuralgcm-vorticity", max_gap="12h")
    line = path[:, 0], path[:, 1]
    none = np.full(11, np.nan)
    storm = Storm("2020001N", tracks.time.values[:11], *line, none, none)
    return compare(tracks, [storm])


def test_the_files_comply_with_cf(found, tmp_path):
    paths = tmp_path / "tracks.nc", tmp_path / "strike.nc", tmp_path / "none.nc"
    write_tracks(found, paths[0], "netcdf")
    write_netcdf(strike_probability(found, 120.0, 10.0), paths[1])
    empty = cyclones([straight((12.0, 176.0), (0.2, 0.8), 11)], 30.0)
    write_tracks(find_tracks(empty), paths[2], "netcdf")
    words = [sys.executable, str(CHECKER), *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True)
    results = json.loads(done.stdout.splitlines()[-1])
    assert len(results) == 3
    for path, result in results.items():
        assert result["complaints"] == [], path
        assert result["checks"] > 10, path
        assert set(result["not run"]) <= FAILS_BY_ITSELF, path


def test_what_is_read_is_what_was_written(found, tmp_path):
    path = tmp_path / "tracks.nc"
    write_tracks(found, path, "netcdf")
    read = read_tracks(path)
    xr.testing.assert_equal(read, found)
    assert read.attrs["criteria"] == found.attrs["criteria"]
    assert read.attrs["realizations"].tolist() == [0, 1]
    assert [p.name for p in tmp_path.iterdir()] == ["tracks.nc"]


def test_the_layout_is_that_of_trajectories(found, tmp_path):
    path = tmp_path / "tracks.nc"
    write_tracks(found, path, "netcdf")
    with netCDF4.Dataset(path) as file:
        assert file.featureType == "trajectory"
        assert file["row_size"].sample_dimension == "point"
        assert file["track_id"].cf_role == "trajectory_id"
        assert set(file["wind_speed"].coordinates.split()) == {
            *("time", "lead_time", "latitude", "longitude")
        }
    with xr.open_dataset(path, decode_timedelta=True) as data:
        assert data.cf.axes["T"] == ["time"]
        assert data.cf.standard_names["forecast_reference_time"] == ["init_time"]
        assert data.cf.cf_roles["trajectory_id"] == ["track_id"]
        assert data.cf["latitude"].dims == ("point",)


def test_no_track_is_written_and_read(tmp_path):
    empty = find_tracks(cyclones([straight((12.0, 176.0), (0.2, 0.8), 11)], 30.0))
    write_tracks(empty, tmp_path / "tracks.nc", "netcdf")
    assert read_tracks(tmp_path / "tracks.nc").sizes == {"track": 0, "point": 0}
    write_tracks(empty, tmp_path / "tracks.txt", "tempest")
    assert read_tracks(tmp_path / "tracks.txt").sizes == {"track": 0, "point": 0}


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputDataError, match="cannot be read: No such file"):
        read_tracks(tmp_path / "none.nc")
    xr.Dataset({"row_size": ("point", [1])}).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(InputDataError, match="holds no tracks"):
        read_tracks(tmp_path / "other.nc")
    (tmp_path / "broken.nc").write_bytes(b"\x89HDF\r\n\x1a\n broken")
    with pytest.raises(InputDataError, match="cannot be read"):
        read_tracks(tmp_path / "broken.nc")


def test_a_file_that_cannot_be_written_is_not_left_half(tmp_path):
    with pytest.raises(OutputError, match="could not be written"):
        write_tracks(small_tracks([[(10, 20)]]), tmp_path / "no" / "t.nc", "netcdf")
    with pytest.raises(OutputError, match="could not be written"):
        write_tracks(small_tracks([[(10, 20)]]), tmp_path / "no" / "t.txt", "tempest")


def test_text_round_trip(tmp_path):
    tracks = small_tracks([[(10, 20), (10.5, -0.25)], [(-33.125, 359.5)]])
    tracks["latitude_index"] = ("point", np.array([1, 2, 3], np.int32))
    tracks["longitude_index"] = ("point", np.array([7, 8, 9], np.int32))
    path = tmp_path / "tracks.txt"
    write_tracks(tracks, path, "tempest")
    lines = path.read_text().splitlines()
    assert lines[0] == "start\t2\t2020\t8\t24\t0"
    assert lines[1].split("\t") == [
        *("", "7", "1", "20.000000", "10.000000", "9.900000e+04", "2.000000e+01"),
        *("2020", "8", "24", "0"),
    ]
    read = read_tracks(path)
    expected = tracks.drop_vars([n for n in tracks if n not in read])
    xr.testing.assert_equal(read, expected)
    assert set(read.variables) == set(tracks.variables)
    write_tracks(read, tmp_path / "again.txt", "tempest")
    assert (tmp_path / "again.txt").read_text() == path.read_text()


STITCHED = """start\t2\t2021\t9\t30\t18
\t1123\t441\t280.750000\t20.250000\t9.992e+04\t1.2e+01\t0.0\t2021\t9\t30\t18
\t1122\t442\t280.500000\t20.500000\t9.972e+04\t1.4e+01\t3.0\t2021\t10\t1\t0
"""


def test_text_of_tempestextremes_is_read(tmp_path):
    path = tmp_path / "tracks.txt"
    path.write_text(STITCHED)
    tracks = read_tracks(path)
    assert tracks.row_size.values.tolist() == [2]
    assert tracks.time.values[1] == np.datetime64("2021-10-01T00")
    assert tracks.longitude.values.tolist() == [280.75, 280.5]
    assert tracks.mean_sea_level_pressure.values.tolist() == [99920, 99720]
    assert tracks.surface_altitude.values.tolist() == [0, 3]
    named = read_tracks(path, ("other", "wind", "zs"))
    assert "mean_sea_level_pressure" not in named
    assert named.wind_speed.values.tolist() == [12, 14]
    with pytest.raises(InputDataError, match="3 columns"):
        read_tracks(path, ("slp",))


@pytest.mark.parametrize(
    "text",
    [
        "not a track\n",
        STITCHED.replace("start\t2", "start\t3"),
        STITCHED.replace("start\t2", "start\t1"),
        STITCHED.replace("\t0.0\t", "\t"),
        STITCHED.replace("\t10\t1\t0", "\t13\t1\t0"),
        STITCHED.partition("\n")[2],
    ],
)
def test_other_text_is_refused(tmp_path, text):
    path = tmp_path / "tracks.txt"
    path.write_text(text)
    with pytest.raises(InputDataError, match="no text of tracks"):
        read_tracks(path)


@pytest.mark.parametrize(
    ("tracks", "said"),
    [
        (small_tracks([[(1, 2)]] * 2, realizations=[0, 1]), "members apart"),
        (
            small_tracks([[(1, 2)]]).assign_coords(time=("point", [START + 60])),
            "whole hours",
        ),
    ],
)
def test_text_refuses_what_it_cannot_hold(tmp_path, tracks, said):
    with pytest.raises(OutputError, match=said):
        write_tracks(tracks, tmp_path / "tracks.txt", "tempest")
