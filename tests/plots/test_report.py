"""`ngcm report` on outputs of every kind: what the page says, what it refuses."""

import html
import os
import pathlib
import re
import shutil

import command_line
import numpy as np
import pytest
import xarray as xr
from PIL import Image
from reported_outputs import (
    INIT,
    write_diagnosis,
    write_forecast,
    write_scores,
    write_tracks,
)
from tiny_run import use_tiny_model

import ngcm_cli
from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.plots.report import pictures
from ngcm_cli.simulation import run


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the pictures white, which is faster."""
    white = Image.new("RGB", (600, 400), "white")
    monkeypatch.setattr(pictures, "image_of", lambda canvas, resolution: white)


def page_of(*outputs, **settings) -> str:
    """Return the text of the page of a report."""
    path = ngcm_cli.report(*outputs, **settings)
    return path.read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """Return what is read on a page, in one line."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def alternatives(page: str) -> list[str]:
    return [html.unescape(x) for x in re.findall(r' alt="([^"]*)"', page)]


@pytest.fixture(scope="module")
def forecast(tmp_path_factory) -> str:
    """The page about a forecast."""
    folder = tmp_path_factory.mktemp("forecast")
    write_forecast(folder / "f.zarr")
    return page_of(folder / "f.zarr", output=folder / "f.html")


def test_stability_on_sigma_levels(undrawn):
    write_forecast(pathlib.Path("f.zarr"))
    with xr.open_zarr("f.zarr") as dataset:
        sigma = dataset.rename(level="sigma").load().drop_encoding()
    attributes = {"standard_name": "atmosphere_sigma_coordinate", "units": "1"}
    sigma["sigma"] = ("sigma", sigma["sigma"].values / 1000, attributes)
    sigma.to_zarr("s.zarr", zarr_format=2)
    rows = [
        re.findall(r"Highest temperature[^.]*\.", text_of(page_of(name, output=page)))
        for name, page in (("f.zarr", "f.html"), ("s.zarr", "s.html"))
    ]
    assert rows[0] == rows[1] != []


def test_the_summary_of_a_forecast(forecast):
    text = text_of(forecast)
    for words in (
        "Report on f.zarr",
        "Forecast by tiny from 2020-03-01T00",
        "State complete",
        f"Weights SHA-256 {'0123456789abcdef' * 4}",
        "Licence of the weights CC0-1.0",
        "Initial time 2020-03-01T00",
        "Lead times 0h to 2d, every 1d: 3 times",
        "Grid 16 × 8",
        "Levels 4, 5 to 850 hPa",
        "ngcm forecast --lead 2d --output f.zarr",
        "Sea surface era5.nc; persist",
        "highest level of the model, 15.6 hPa, here 5 hPa, are extrapolated",
        "ngcm report",
    ):
        assert words in text
    assert text.count("Regridded from afar.") == 3  # one note, of two in attributes
    assert "Warning" not in text


def test_pictures_of_a_forecast_are_described(forecast):
    height, temperature, wind, *series = alternatives(forecast)
    assert height.startswith("Map of geopotential height at 500 hPa. Lowest")
    assert "highest 46.9 °C near 53° N 90° E" in temperature  # 320 K
    assert wind == "Map of wind speed at 250 hPa. 40.0 m s⁻¹ everywhere."
    first, second = series
    assert "Largest wind speed: 40.00 m s⁻¹ at 0h" in first  # not the 500 at 5 hPa
    assert "Mean surface pressure: 985.0 hPa at 0h" in first
    assert "Highest temperature: 250.0 K at 0h, 320.0 K at 2d" in second
    assert "No value is beyond the limits." in text_of(forecast)


def test_instability_is_a_warning(undrawn):
    dataset = write_forecast(pathlib.Path("f.nc"))
    dataset["u_component_of_wind"][0, 1, 2, 0, 0] = 400.0
    dataset["surface_pressure"][0, 2, 3, 3] = np.nan
    dataset.to_netcdf("u.nc", encoding={"lead_time": {"units": "hours"}})
    text = text_of(page_of("u.nc"))
    assert "Warning. Largest wind speed is 400.0 m s⁻¹ at 1d, beyond 0 to 300" in text
    assert "Warning. Mean surface pressure: 33% of the values are missing" in text
    assert "Values are beyond the limits, or missing." in text


def test_an_ensemble_shows_mean_and_spread(undrawn):
    write_forecast(pathlib.Path("e.nc"), members=3)
    page = page_of("e.nc")
    seen = alternatives(page)
    assert "ensemble mean of temperature at 850 hPa" in seen[2]
    assert seen[3] == (
        "Map of ensemble spread of temperature at 850 hPa. 1.00 K everywhere."
    )
    text = text_of(page)
    assert "Members 3: 0 to 2" in text and "lines are means of 3 members" in text
    assert "251.00 K" in text and "322.00 K at 2d" in text


def test_statistics_without_members(undrawn):
    dataset = write_forecast(pathlib.Path("f.nc"))[["temperature"]]
    spread = dataset["temperature"] * 0 + 2
    both = {"temperature_mean": dataset["temperature"], "temperature_std": spread}
    both = xr.Dataset(both, attrs=dataset.attrs)
    both.to_netcdf("m.nc", encoding={"lead_time": {"units": "hours"}})
    mean, deviation = alternatives(page_of("m.nc"))
    assert "ensemble mean of temperature at 850 hPa" in mean
    assert "ensemble spread" in deviation and "2.00 K everywhere" in deviation


def test_several_initial_times_and_others_files(undrawn):
    """WeatherBench 2 calls them time and prediction_timedelta."""
    one = write_forecast(pathlib.Path("f.nc"))
    two = one.assign_coords(init_time=one["init_time"] + np.timedelta64(24, "h"))
    both = xr.concat([one, two], "init_time", data_vars="all")
    both.attrs = {"source": "Somebody"}
    both = both.rename(init_time="time", lead_time="prediction_timedelta")
    both.to_zarr("wb.zarr", zarr_format=2)
    text = text_of(page_of("wb.zarr"))
    assert "Initial times 2, 2020-03-01T00 to 2020-03-02T00" in text
    assert "Of 2 initial times, the first is shown: 2020-03-01T00." in text
    assert "Source Somebody" in text and "Command" not in text


def test_a_record_is_averaged(undrawn):
    one = write_forecast(pathlib.Path("f.nc")).isel(init_time=0, drop=True)
    record = one.rename(lead_time="time")
    record["time"] = INIT + np.arange(3) * np.timedelta64(1, "D")
    record.attrs = {}
    record["time"].attrs = {}
    record.to_netcdf("r.nc")
    page = page_of("r.nc")
    assert "Mean of 3 records from 1 March 2020, 00:00 UTC to 3 March" in text_of(page)
    seen = alternatives(page)
    assert "highest 0.183 °C near 53° N 90° E" in seen[1]  # a third of 250 K to 320 K
    assert seen[-1].startswith("Section through latitude and pressure of temperature.")


def test_an_output_that_is_being_written(undrawn):
    write_forecast(pathlib.Path("f.zarr"), completed=2, status="running")
    page = page_of("f.zarr")
    text = text_of(page)
    assert "Warning. The run is not complete" in text
    assert "2 March 2020, 00:00 UTC, 1d after the start" in text
    assert not any("no value" in seen for seen in alternatives(page))


def test_a_climate_run_while_it_runs_and_later(monkeypatch, undrawn):
    use_tiny_model(monkeypatch)
    pages = []

    def track(progress, simulation):
        for number, step in enumerate(progress, start=1):
            if number == 12:  # the first ten days are in the output
                pages.append(page_of("run", output="running.html"))
            yield step

    run.amip(days=33, restart_every="10d", output="run", track=track)
    text = text_of(pages[0])
    assert "The run is not complete: it was running" in text
    assert "No month is complete yet, so there are no maps." in text
    page = page_of("run")
    text = text_of(page)
    assert "AMIP-style run of tiny from 1982-01-01T00" in text
    assert "ngcm amip" in text and "--days 33" in text
    assert "Warning" not in text and "run/monthly.zarr" in text
    assert "Mean surface pressure 985.00 hPa" in text
    seen = alternatives(page)
    assert any("Map of temperature at 850 hPa" in x for x in seen)
    assert any("Section through latitude and pressure" in x for x in seen)
    assert 'href="run/global.zarr"' in page


def test_an_unstable_climate_run(monkeypatch, undrawn):
    use_tiny_model(monkeypatch, unstable_above=330.0)
    with pytest.raises(ngcm_cli.errors.UnstableRunError):
        run.amip(days=3, output="run")
    text = text_of(page_of("run"))
    assert "Warning. Unstable member 0 from 1982-01-01T00" in text


def test_scores():
    write_scores(pathlib.Path("s.nc"))
    page = page_of("s.nc")
    text = text_of(page)
    assert "Truth era5.zarr" in text and "Initial times 40" in text
    assert "Forecasts tiny: f.zarr (tiny); other: o.nc Truth" in text
    assert (
        "RMSE of geopotential at 500 hPa, m² s⁻² 10 (9 to 11) 30 (27 to 33) "
        "50 (45 to 55) 70 (63 to 77) 100 (90 to 110)" in text
    )
    assert "One year is missing." in text and "grid: 1.5" in text
    curve, card = alternatives(page)
    assert "tiny: 0 m² s⁻² at 0h, 100.0 m² s⁻² at 10d" in curve
    assert "10 scores are better and 0 worse" in card and "−17 %" in card


def test_a_diagnosis():
    write_diagnosis(pathlib.Path("d.nc"))
    page = page_of("d.nc")
    text = text_of(page)
    assert "Diagnosis of run" in text and "Reference era5.zarr" in text
    assert "Latitude of the jet, ° N 42.5 45 −2.5" in text.replace(
        "degrees_north", "° N"
    )
    assert "Not computed: Monsoon: needs a year" in text
    bias, section, series = alternatives(page)
    assert "Lowest −2.00 K" in bias and "30° to 60° N 2.00 K" in bias
    assert section.startswith("Section through latitude and pressure of eastward wind")
    assert "288.0 K at 2020-01, 289.0 K at 2020-03" in series


def test_tracks():
    write_tracks(pathlib.Path("t.nc"))
    page = page_of("t.nc")
    text = text_of(page)
    assert (
        "0 2020-08-22T00 2020-08-22T12 15° N 80° W 17° N 84° W 960.0 hPa 45.00 m s⁻¹"
        in text
    )
    assert "Distance to the best track 30.00 km 20.00 km 60.00 km 3" in text
    assert "2 tracks of cyclones, between 15 and 41 degrees" in alternatives(page)[0]


def test_no_track():
    write_tracks(pathlib.Path("t.nc"), sizes=())
    assert "No cyclone was found." in text_of(page_of("t.nc"))


def test_sizes_are_bounded():
    """A picture of noise, the largest there is, is drawn with fewer dots."""
    noise = np.random.default_rng(0).normal(270, 30, (1, 1, 1, 64, 128))
    field = xr.DataArray(
        noise[0, 0, 0].astype("f4"),
        {"latitude": np.linspace(-88, 88, 64), "longitude": np.arange(128) * 2.8125},
        ("latitude", "longitude"),
        "temperature",
        {"units": "K"},
    )
    figure = pictures.map_figure(field, "now")
    assert len(figure.png) < 200_000


@pytest.mark.parametrize(
    "words, sentence",
    [
        ((), "Missing argument"),
        (("nowhere.zarr",), "There is no nowhere.zarr."),
        (("note.txt",), "note.txt"),
        (("note.nc",), "note.nc"),
        (("folder",), "folder"),
        (("empty.zarr",), "empty.zarr"),
        (("points.nc",), "points.nc"),
        (("s.nc", "--output", "s.pdf"), "End its name in .html."),
        (("s.nc", "--output", "no/page.html"), "no, does not exist."),
        (("s.nc", "--output", "old.html"), "--overwrite"),
        (("s.nc", "--output", "folder.html", "--overwrite"), "is a directory"),
        (["s.nc"] * 21, "more than the 20"),
    ],
)
def test_wrong_inputs_are_a_sentence(tmp_path, words, sentence):
    (tmp_path / "note.txt").write_text("text")
    (tmp_path / "note.nc").write_text("text")
    (tmp_path / "old.html").write_text("old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.html").mkdir()
    xr.Dataset().to_zarr("empty.zarr", zarr_format=2)
    xr.Dataset({"x": ("n", [1.0])}).to_netcdf("points.nc")
    write_scores(tmp_path / "s.nc")
    before = sorted(os.listdir())
    done = command_line.ngcm("report", *words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in " ".join(done.stderr.split()) and "Traceback" not in done.stderr
    assert sorted(os.listdir()) == before
    assert (tmp_path / "old.html").read_text() == "old"


def test_a_forecast_without_values_is_refused():
    write_forecast(pathlib.Path("f.zarr"), completed=0, status="running")
    with pytest.raises(InputDataError, match="f.zarr holds no values yet"):
        ngcm_cli.report("f.zarr")


def test_the_command(tmp_path, undrawn):
    write_scores(tmp_path / "s.nc")
    done = command_line.ngcm("report", "s.nc", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "s.html\n")
    assert done.stderr.startswith("Wrote ")
    first = (tmp_path / "s.html").read_bytes()
    write_tracks(tmp_path / "t.nc")
    words = "--overwrite", "--output", "s.html", "--title", "Both"
    done = command_line.ngcm("report", "s.nc", "t.nc", *words, folder=tmp_path)
    assert done.returncode == 0
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert page.encode() != first and "<h1>Both</h1>" in page
    assert 'href="t.nc"' in page
    assert not [name for name in os.listdir() if "partial" in name]


def test_what_it_is_about_is_not_overwritten(tmp_path):
    write_scores(tmp_path / "s.nc")
    shutil.move("s.nc", "s.html")
    with pytest.raises((InputDataError, OutputError)):
        ngcm_cli.report("s.html", output="s.html", overwrite=True)
    assert (tmp_path / "s.html").stat().st_size > 1000
