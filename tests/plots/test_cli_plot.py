"""``ngcm plot``: files, names, formats and what it refuses."""

import re
import sys

import numpy as np
import plot_data
import pytest
import reported_outputs
import xarray as xr
from PIL import Image

import ngcm_cli
from ngcm_cli.cli import main
from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.plots.diagnosis import drawn_of
from ngcm_cli.plots.map_figure import map_figure
from ngcm_cli.plots.picture import suggest
from ngcm_cli.plots.series import series_figure
from ngcm_cli.plots.sources import stem_of


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with a forecast, an ensemble, scores and tracks."""
    folder = tmp_path_factory.mktemp("files")
    plot_data.forecast().to_netcdf(folder / "forecast.nc")
    plot_data.forecast(3).to_netcdf(folder / "ensemble.nc")
    plot_data.scores().to_netcdf(folder / "scores.nc")
    plot_data.tracks().to_netcdf(folder / "tracks.nc")
    reported_outputs.write_diagnosis(folder / "diagnosis.nc")
    return folder


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(monkeypatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["ngcm", "plot", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0


def test_first_picture(files, tmp_path, monkeypatch, capsys):
    """Without WHAT, of a forecast the last map; it is not written over."""
    assert run(monkeypatch, files / "forecast.nc") == 0
    assert capsys.readouterr().out == "forecast_map.png\n"
    assert (tmp_path / "forecast_map.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    before = (tmp_path / "forecast_map.png").stat().st_mtime_ns
    assert run(monkeypatch, files / "forecast.nc") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "forecast_map.png").stat().st_mtime_ns == before
    assert run(monkeypatch, "map", files / "forecast.nc", "--overwrite") == 0
    assert len(list(tmp_path.iterdir())) == 1  # nothing is left behind


@pytest.mark.parametrize(
    ("name", "what"),
    [
        *(("ensemble", "spread"), ("scores", "scores"), ("tracks", "tracks")),
        ("diagnosis", "section"),
    ],
)
def test_files_suggest_a_picture(files, name, what):
    assert ngcm_cli.plot(files / f"{name}.nc").name == f"{name}_{what}.png"


@pytest.mark.parametrize(
    ("name", "what"), [("temperature_bias", "map"), ("global_temperature", "series")]
)
def test_findings_of_a_diagnosis(files, name, what):
    path = ngcm_cli.plot(files / "diagnosis.nc", variable=name)
    assert path.name == f"diagnosis_{what}.png"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variable": "jet_latitude"}, "neither a section, a map nor a series"),
        ({"variable": "global_temprature"}, "Did you mean 'global_temperature'"),
        ({"variable": "temperature_bias", "what": "section"}, "not for the picture"),
        ({"what": "spectra"}, "nothing that this picture shows"),
        ({"variable": "temperature_bias,global_temperature"}, "not drawn in one"),
    ],
)
def test_what_a_diagnosis_does_not_show(files, settings, message):
    with pytest.raises((ConfigError, InputDataError), match=message):
        ngcm_cli.plot(files / "diagnosis.nc", **settings)


def test_series_of_a_diagnosis_stand_beside_those_of_the_reference():
    """Lead times are an axis, too; the mean of seasons is that of the year."""
    lead = np.array([0, 24], "timedelta64[h]").astype("timedelta64[ns]")
    known = {"units": "K", "long_name": "Mean", "topic": "Trends"}
    values = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], dims=("lead_time", "level"))
    dataset = xr.Dataset(
        {"mean": values.assign_attrs(known), "mean_reference": values + 10},
        {"lead_time": lead, "level": [500.0, 850.0]},
        {"run": "run.nc", "reference": "era5", "title": "Diagnosis", "location": "d"},
    )
    config = PlotConfig(files=("d.nc",), level="500")
    (own, other), named = drawn_of(dataset, config)
    assert (named.what, named.variable) == ("series", ("mean",))
    np.testing.assert_array_equal(own["mean"], [1, 3])
    np.testing.assert_array_equal(other["mean"], [11, 13])
    figure = series_figure([own, other], named)
    run, reference = figure.axes[0].get_lines()
    np.testing.assert_array_equal(run.get_xdata(), [0, 1])
    assert (run.get_label(), reference.get_label()) == ("run.nc", "era5")
    assert figure.axes[0].get_title(loc="left") == "Mean at 500 hPa (K)"


def test_the_name_of_a_picture_has_no_signature():
    assert stem_of("https://example.org/data/f.nc?signature=secret") == "f"


@pytest.mark.parametrize("inits", [1, 2])
def test_strike_probability_is_a_map_in_per_cent(inits, tmp_path):
    share = plot_data.field(np.linspace(0, 1, 36)[:, None] * np.ones(72))
    share = share.rename("strike_probability").assign_attrs(units="1")
    if inits > 1:
        starts = np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")
        share = share.expand_dims(init_time=starts)
        share["init_time"].attrs["standard_name"] = "forecast_reference_time"
    share.to_netcdf(tmp_path / "strike.nc")
    settings = {"init": "2020-01-02"} if inits > 1 else {}
    config = PlotConfig(files=("strike.nc",), **settings)
    with ngcm_cli.open_gridded("strike.nc") as dataset:
        figure = map_figure(dataset, config)
        assert suggest([dataset.assign_attrs(content="fields")]) == "map"
    label = figure.axes[1].get_xlabel()
    assert label == "Strike probability of tropical cyclones (per cent)"
    assert list(figure.axes[1].get_xticks()) == list(range(0, 101, 10))


@pytest.mark.parametrize(
    ("ending", "magic"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("gif", b"GIF8")]
)
def test_formats(files, ending, magic):
    path = ngcm_cli.plot(
        files / "forecast.nc", output=f"map.{ending}", region="europe", wind="arrows"
    )
    assert path.read_bytes().startswith(magic)


def test_animation_has_a_frame_for_each_lead(files):
    path = ngcm_cli.plot(
        files / "forecast.nc", what="animation", size="4x3", dpi=50, region="arctic"
    )
    with Image.open(path) as picture:
        assert (picture.format, picture.n_frames, picture.size) == (
            "GIF",
            3,
            (200, 150),
        )
        frames = []
        for at in range(3):
            picture.seek(at)
            frames.append(np.asarray(picture.convert("RGB")))
    assert any((frames[0] != frame).any() for frame in frames[1:])


def test_films_need_ffmpeg(files, tmp_path, monkeypatch):
    """Its frames are streamed to the program, which may fail."""
    monkeypatch.setenv("PATH", str(tmp_path))
    how = {"what": "animation", "size": "3x2", "dpi": 40, "output": "film.mp4"}
    with pytest.raises(ConfigError, match="not installed"):
        ngcm_cli.plot(files / "forecast.nc", **how)
    program = tmp_path / "ffmpeg"
    program.write_text('#!/bin/sh\nfor last; do :; done\n/bin/cat > "$last"\n')
    program.chmod(0o755)
    path = ngcm_cli.plot(files / "forecast.nc", **how)
    assert path.stat().st_size == 3 * 120 * 80 * 3  # frames, RGB
    program.write_text("#!/bin/sh\necho no such codec >&2\nexit 1\n")
    with pytest.raises(OutputError, match="no such codec"):
        ngcm_cli.plot(files / "forecast.nc", overwrite=True, **how)
    assert path.stat().st_size == 3 * 120 * 80 * 3


def test_difference_of_a_forecast_from_itself_is_nothing(files, monkeypatch):
    import ngcm_cli.plots.map_figure as drawing

    drawn = []
    original = drawing.draw_map

    def draw(field, **how):
        drawn.append((field, how))
        return original(field, **how)

    monkeypatch.setattr(drawing, "draw_map", draw)
    ensemble, forecast = files / "ensemble.nc", files / "forecast.nc"
    ngcm_cli.plot(ensemble, what="map", member=0, lead="12h", minus=forecast)
    ((field, how),) = drawn
    np.testing.assert_allclose(field, 0, atol=1e-9)
    levels = how["style"].levels
    np.testing.assert_allclose(levels, -levels[::-1])


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"what": "mapp"}, ConfigError, "no picture 'mapp'.*Did you mean 'map'"),
        ({"variable": "temprature"}, ConfigError, "Did you mean 'temperature'"),
        ({"variable": "t300"}, ConfigError, "no level of 300 hPa.*250 and 500"),
        ({"variable": "t850,z500"}, ConfigError, "one variable in colour"),
        ({"lead": "13h"}, ConfigError, "no lead time 13h.*12h and 1d"),
        ({"lead": "12h", "time": "2020-08-23"}, ConfigError, "both given"),
        ({"time": "2021-01-01"}, ConfigError, "no valid time 2021"),
        ({"init": "2020-08-21"}, ConfigError, "only one is 2020-08-22T12"),
        ({"member": 3}, ConfigError, "no members"),
        ({"region": "afrika"}, ConfigError, "Did you mean 'africa'"),
        ({"region": "50:20,0:10"}, ConfigError, "southern one first"),
        ({"projection": "mercator"}, ConfigError, "no projection 'mercator'"),
        ({"projection": "robinson", "region": "asia"}, ConfigError, "whole globe"),
        ({"at": "91,0"}, ConfigError, "not a place"),
        ({"wind": "flags"}, ConfigError, "no way to draw wind"),
        ({"size": "0x3"}, ConfigError, "not the size"),
        ({"dpi": "5"}, ConfigError, "from 20 to 1200"),
        ({"size": "60x60", "dpi": "1200"}, ConfigError, "72000 x 72000 pixels"),
        ({"output": "map.jpeg"}, ConfigError, "ends in one of these"),
        ({"output": "map.mp4"}, ConfigError, "MP4 is for animations"),
        ({"output": "absent/map.png"}, OutputError, "does not exist"),
        ({"what": "scores"}, InputDataError, "holds fields"),
        ({"what": "spaghetti"}, InputDataError, "no members"),
        ({"what": "section", "minus": "x.nc"}, ConfigError, "It is for maps"),
    ],
    ids=lambda x: str(x) if isinstance(x, dict) else "",
)
def test_what_is_refused(files, tmp_path, settings, error, message):
    with pytest.raises(error) as raised:
        ngcm_cli.plot(files / "forecast.nc", **settings)
    assert re.search(message, str(raised.value)), str(raised.value)
    assert not list(tmp_path.iterdir())


def test_words_of_the_command(files, monkeypatch, capsys):
    forecast = files / "forecast.nc"
    assert run(monkeypatch, "mop", forecast) == 2
    assert "Did you mean 'map'?" in capsys.readouterr().err
    assert run(monkeypatch, "map") == 2
    assert "No file is given" in capsys.readouterr().err
    assert run(monkeypatch, "map", forecast, forecast) == 2
    assert "--minus" in capsys.readouterr().err
    assert run(monkeypatch, files / "absent.nc") == 2
    assert "absent.nc" in capsys.readouterr().err


def test_run_file(files, tmp_path, monkeypatch):
    run_file = tmp_path / "plot.yaml"
    run_file.write_text(
        f"what: section\nfiles: {files / 'forecast.nc'}\nvariable: t\noutput: own.svg\n"
    )
    assert run(monkeypatch, "--config", run_file) == 0
    text = (tmp_path / "own.svg").read_text()
    assert "Zonal mean: temperature" in text


def test_wind_speed_follows_from_components(files):
    with xr.open_dataset(files / "forecast.nc", decode_timedelta=True) as dataset:
        from ngcm_cli.plots.selection import find_field

        speed = find_field(dataset, "ws250")
        u, v = dataset.u_component_of_wind, dataset.v_component_of_wind
        exact = np.hypot(u.sel(level=250), v.sel(level=250))
        np.testing.assert_allclose(speed, exact)
        assert find_field(dataset, "z").level == 500


UNFINISHED = {"completed_lead_times": 2, "status": "interrupted"}


@pytest.mark.parametrize(
    "what",
    ["map", "spread", "spaghetti", "meteogram", "section", "hovmoller", "series"],
)
def test_of_an_unfinished_run_what_is_complete(what):
    """The last lead time is the last that is written, and the picture says so."""
    ensemble = plot_data.forecast(3).isel(latitude=slice(None, None, 2))
    ensemble = ensemble.isel(longitude=slice(None, None, 2))
    ensemble = ensemble.where(ensemble["lead_time"] < ensemble["lead_time"][2])
    ensemble.assign_attrs(UNFINISHED).to_netcdf("unfinished.nc")
    from ngcm_cli.plots import provenance
    from ngcm_cli.plots.sources import open_source

    with open_source("unfinished.nc") as opened:
        assert opened.sizes["lead_time"] == 2
        assert "unfinished run, 2 of 3 lead times" in provenance.footer_of(opened)
    place = {"at": "50,10"} if what == "meteogram" else {}
    ngcm_cli.plot("unfinished.nc", what=what, output="picture.png", **place)
    with pytest.raises((ConfigError, InputDataError), match="no lead time|is given"):
        ngcm_cli.plot("unfinished.nc", what=what, lead="1d", output="x.png", **place)


@pytest.mark.parametrize(
    "what",
    ["map", "spread", "spaghetti", "meteogram", "section", "hovmoller", "series",
     "spectra", "animation"],
)  # fmt: skip
def test_a_picture_of_nothing_is_refused(tmp_path, what):
    nothing = plot_data.forecast(3).isel(longitude=slice(None, None, 4)) * np.nan
    nothing.to_netcdf("nothing.nc")
    place = {"at": "50,10"} if what == "meteogram" else {}
    with pytest.raises((ConfigError, InputDataError), match="has no value"):
        ngcm_cli.plot("nothing.nc", what=what, **place)
    assert [path.name for path in tmp_path.iterdir()] == ["nothing.nc"]


def test_members_without_values_at_a_time_leave_a_gap():
    """Of some members their percentiles; of none, nothing, and no warning."""
    from ngcm_cli.plots.meteogram import _percentiles

    members = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
    np.testing.assert_array_equal(_percentiles(members, 50), [[2, 5, np.nan]])


def test_the_scale_of_no_difference_is_readable():
    from ngcm_cli.plots.styles import style_of

    same = np.zeros((4, 8))
    levels = style_of("temperature", same, is_difference=True).levels
    assert 0.1 <= levels[-1] <= 10
    assert 0.1 <= style_of("temperature_std", same).levels[-1] <= 10
