"""``ngcm tracks``: files in, tracks out."""

import pathlib
import sys

import netCDF4
import pytest

import ngcm_cli
from ngcm_cli.tracks.track_file import read_tracks

sys.path.append(str(pathlib.Path(__file__).parents[1] / "tracks"))

UNITS = {
    "mean_sea_level_pressure": "Pa",
    "geopotential": "m2 s-2",
    "u_component_of_wind": "m s-1",
    "v_component_of_wind": "m s-1",
    "surface_altitude": "m",
}
BEST = "sid,time,lat,lon,wind,slp\n" + "".join(
    f"X,2020-08-{20 + k // 4} {6 * (k % 4):02}:00:00,{13 + 0.4 * k},{174.3 + 1.1 * k}"
    ",50,985\n"
    for k in range(13)
)


@pytest.fixture
def ensemble(tmp_path):
    """A file of an ensemble of two with a cyclone each, over the date line."""
    import xarray as xr
    from synthetic_cyclones import cyclones, straight

    members = [
        cyclones([straight((12.0 + m, 174.3), (0.4, 1.1), 13)], 2.8125, lead_time=True)
        .drop_vars("surface_altitude")
        .expand_dims(realization=[m])
        for m in range(2)
    ]
    data = xr.concat(members, "realization")
    for name in data.data_vars:
        data[name].attrs["units"] = UNITS[str(name)]
    data["level"].attrs["units"] = "hPa"
    data.isel(realization=0, drop=True).to_netcdf(tmp_path / "one.nc")
    data.to_netcdf(tmp_path / "both.nc")
    return tmp_path


def test_tracks_of_an_ensemble(ensemble, ngcm):
    (ensemble / "best.csv").write_text(BEST)
    code, out, err = ngcm(
        *("tracks", "both.nc", "--best-track", "best.csv", "--strike-radius", "120km")
    )
    assert (code, out.split()) == (0, ["both_tracks.nc", "both_tracks_strike.nc"])
    assert "The height of the ground is not known: its criterion is left out." in err
    assert "wind at 850 hPa takes its place" in err
    assert "Found 2 tracks." in err
    assert "14.1N 174.4E" in err
    assert err.count("2020-08-23T00") == 2
    (lead,) = [line for line in err.splitlines() if line.startswith("24h")]
    assert lead.split()[1] == "2"
    tracks = read_tracks(ensemble / "both_tracks.nc")
    assert tracks.storm_id.values.tolist() == ["X", "X"]
    assert tracks.attrs["history"].endswith(
        "ngcm tracks both.nc --best-track best.csv --strike-radius 120km"
    )
    assert tracks.attrs["source"] == "both.nc"
    with netCDF4.Dataset(ensemble / "both_tracks_strike.nc") as file:
        assert file["strike_probability"].shape == (1, 181, 360)
        assert file["strike_probability"][:].max() == 1


def test_text_of_a_forecast_and_a_run_file(ensemble, ngcm):
    (ensemble / "run.yaml").write_text(
        "preset: gencast\nmin-points: 3\noutput: a.txt\n"
    )
    code, out, err = ngcm("tracks", "one.nc", "--config", "run.yaml")
    assert (code, out) == (0, "a.txt\n")
    assert "--in_fmt of TempestExtremes: lon,lat,slp,wind" in err
    assert (ensemble / "a.txt").read_text().startswith("start\t13\t2020\t8\t20\t0\n")
    code, _, err = ngcm("tracks", "one.nc", "--config", "run.yaml")
    assert code == 2
    assert "a.txt exists" in err
    code, out, err = ngcm(
        *("tracks", "one.nc", "--config", "run.yaml", "--overwrite", "--min-wind", 90)
    )
    assert (code, out) == (0, "a.txt\n")
    assert "Found no tracks." in err
    assert (ensemble / "a.txt").read_text() == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.nc"], "no file or directory 'none.nc'"),
        (["one.nc", "--strike-radius", "120km"], "needs one ensemble"),
        (["both.nc", "one.nc", "--strike-radius", "120km"], "needs one ensemble"),
        (["both.nc", "-o", "a.txt"], "does not tell forecasts and members apart"),
        (["one.nc", "-o", "no/a.nc"], "no, does not exist"),
        (["one.nc", "--best-track", "none.csv"], "none.csv cannot be read"),
        (["one.nc", "--min-duration", "10d"], "spans 3d, and a track 10d at least"),
        (["one.nc", "--wind-level", "700"], "has no wind at 700 hPa"),
        (["one.nc", "--preset", "storms"], "'storms' is none of"),
        (["one.nc", "--max-surface-height", "150m"], "no height of the ground"),
    ],
)
def test_mistakes_are_found_before_anything_is_written(ensemble, ngcm, words, said):
    before = sorted(path.name for path in ensemble.iterdir())
    code, out, err = ngcm("tracks", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert sorted(path.name for path in ensemble.iterdir()) == before


def test_the_function_is_public():
    assert ngcm_cli.find_tracks.__name__ == "find_tracks"


def test_secrets_of_an_address_are_not_written(tmp_path, monkeypatch):
    from small_tracks import small_tracks

    from ngcm_cli.config.tracks import TracksConfig
    from ngcm_cli.tracks.save import save_tracks

    tracks = small_tracks([[(10, 20), (11, 21)]]).assign_attrs(history="now: ngcm")
    monkeypatch.setattr("ngcm_cli.tracks.save.find_tracks", lambda *_, **__: tracks)
    url = "https://me:hush@server/a.nc?signature=hush"
    config = TracksConfig(output=tmp_path / "tracks.nc")
    saved = save_tracks([url], config, lambda *counts: None)
    history = saved.tracks.attrs["history"]
    assert history.startswith("now: ngcm tracks https://server/a.nc")
    assert "hush" not in history
