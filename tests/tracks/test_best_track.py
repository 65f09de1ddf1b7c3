"""Best tracks from CSV files."""

import numpy as np
import pytest

from ngcm_cli.errors import InputDataError
from ngcm_cli.tracks.best_track import read_best_track

LAURA = """track_id,season,basin,time,lat,lon,status,wind,slp,sshs_cat
2020233N14313,2020,NA,2020-08-26 18:00:00,27.3,-92.5,HU,120.0,952.0,4
2020233N14313,2020,NA,2020-08-26 12:00:00,26.4,-91.4,HU,100.0,963.0,3
2020233N14313,2020,NA,2020-08-27 00:00:00,28.5,-93.0,HU,,,4
"""
IBTRACS = """SID,SEASON,ISO_TIME,LAT,LON,WMO_WIND,USA_WIND,USA_PRES
 ,Year, ,degrees_north,degrees_east,kts,kts,mb
A,2020,2020-08-26 12:00:00,26.4,-91.4,,100,963
B,2020,2020-08-26 12:00:00,-10,170, ,40,1000
"""


def read(tmp_path, text):
    path = tmp_path / "best.csv"
    path.write_text(text)
    return read_best_track(path)


def test_a_storm(tmp_path):
    (storm,) = read(tmp_path, LAURA)
    assert storm.name == "2020233N14313"
    assert storm.times[0] == np.datetime64("2020-08-26T12")
    assert storm.longitude.tolist() == [268.6, 267.5, 267.0]
    assert storm.pressure[:2].tolist() == [96_300, 95_200]
    np.testing.assert_allclose(storm.wind[:2], [51.444, 61.733], atol=1e-3)
    assert np.isnan([storm.wind[2], storm.pressure[2]]).all()


def test_columns_and_units_line_of_ibtracs(tmp_path):
    first, second = read(tmp_path, IBTRACS)
    assert (first.name, second.name) == ("A", "B")
    assert first.wind[0] == pytest.approx(100 * 1852 / 3600)


def test_the_whole_track_of_laura(shared):
    (storm,) = read_best_track(shared / "data" / "ibtracs_laura_2020.csv")
    assert len(storm.times) == 38
    assert storm.pressure.min() == 93_700


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column of storm"),
        ("sid,time,lat,lon\n", "has no points"),
        ("sid,time,lat\n", "no column of longitude"),
        (LAURA.replace("26.4", "126.4"), "line 3: latitude 126.4 is not from"),
        (LAURA.replace("952.0", "95200"), "pressure 95200 is not from 800 to 1100 hPa"),
        (LAURA.replace("952.0", "low"), "'low' is not a pressure"),
        (LAURA.replace("2020-08-26 18", "yesterday 18"), "line 2: 'yesterday"),
        (LAURA.replace("27.3", ""), "position is missing"),
        (LAURA.replace("26 18", "26 12"), "twice"),
    ],
)
def test_mistakes_are_named(tmp_path, text, said):
    with pytest.raises(InputDataError, match=said):
        read(tmp_path, text)


def test_no_file(tmp_path):
    with pytest.raises(InputDataError, match="No such file"):
        read_best_track(tmp_path / "none.csv")
