"""The pictures other than maps: what is drawn is what is in the data."""

import numpy as np
import plot_data
import pytest
import xarray as xr

from ngcm_cli.config.plot import PlotConfig
from ngcm_cli.errors import ConfigError, InputDataError
from ngcm_cli.plots.figure import PALETTE
from ngcm_cli.plots.hovmoller import hovmoller_figure
from ngcm_cli.plots.means import area_mean
from ngcm_cli.plots.meteogram import meteogram_figure
from ngcm_cli.plots.score_selection import Line, Score, select_scores
from ngcm_cli.plots.scorecard import compare, scorecard_figure
from ngcm_cli.plots.scores import scores_figure
from ngcm_cli.plots.section import draw_section, section_figure
from ngcm_cli.plots.series import draw_series, series_figure
from ngcm_cli.plots.spaghetti import draw_spaghetti, spaghetti_figure
from ngcm_cli.plots.spectra import spectra_figure
from ngcm_cli.plots.spread import spread_figure
from ngcm_cli.plots.tracks import draw_tracks, region_of_tracks
from ngcm_cli.spectral.legendre import gauss_legendre_nodes


def opened(dataset: xr.Dataset, content: str = "fields", name: str = "a.nc"):
    return dataset.assign_attrs(content=content, location=name)


def config(**settings) -> PlotConfig:
    return PlotConfig(files=["a.nc"], **settings)


def test_spread_of_members_and_of_statistics_agree():
    members = plot_data.forecast(5)
    mean, std = members.mean("realization"), members.std("realization", ddof=1)
    statistics = xr.merge(
        [
            mean.rename({n: f"{n}_mean" for n in members.data_vars}),
            std.rename({n: f"{n}_std" for n in members.data_vars}),
        ],
        compat="no_conflicts",
    )
    labels = []
    for dataset in (members, statistics):
        figure = spread_figure([opened(dataset)], config(variable="z500"))
        title = figure.axes[0].get_title(loc="left")
        assert "Geopotential height at 500 hPa: ensemble spread" in title
        labels.append([t.get_text() for t in figure.axes[1].get_xticklabels()])
    assert labels[0] == labels[1]
    with pytest.raises(InputDataError, match="one run"):
        spread_figure([opened(plot_data.forecast())], config())


def test_spaghetti_draws_every_member():
    members = plot_data.forecast(3).geopotential.isel(init_time=0, lead_time=-1)
    members = members.sel(level=500)
    axes = draw_spaghetti(members)
    contours = [x for x in axes.collections if type(x).__name__ == "QuadContourSet"]
    assert len(contours) == 3 + 1
    assert all(list(x.levels) == [552, 576] for x in contours)
    with pytest.raises(InputDataError, match="no members"):
        spaghetti_figure([opened(plot_data.forecast())], config())


def test_meteogram_is_interpolated_at_the_place():
    dataset = plot_data.forecast(11)
    settings = config(variable="t850", at="42.5,-65")
    figure = meteogram_figure([opened(dataset)], settings)
    (axes,) = figure.axes
    place = dataset.temperature.sel(level=850, latitude=42.5, longitude=295)
    exact = place.isel(init_time=0).median("realization") - 273.15
    np.testing.assert_allclose(axes.lines[0].get_ydata(), exact, atol=1e-9)
    assert "Temperature at 850 hPa (°C)" in axes.get_title(loc="left")
    assert len(axes.collections) == 2  # the two bands
    with pytest.raises(ConfigError, match="No place"):
        meteogram_figure([opened(dataset)], config())
    part = dataset.sel(longitude=slice(0, 90))
    with pytest.raises(ConfigError, match="outside of the grid"):
        meteogram_figure([opened(part)], settings)


def test_section_leaves_out_what_is_above_the_model():
    levels = [1.0, 10, 20, 100, 500, 1000]
    values = np.ones((6, 36)) * 250
    zonal = xr.DataArray(
        values,
        {"level": levels, "latitude": plot_data.LATITUDE},
        ("level", "latitude"),
        name="temperature",
    )
    axes = draw_section(zonal)
    assert axes.get_ylim() == (1000, 20)
    assert axes.get_yscale() == "log"
    with pytest.raises(InputDataError, match="fewer than two levels"):
        draw_section(zonal, top=900)


def test_section_of_wind_has_the_streamfunction():
    figure = section_figure([opened(plot_data.forecast())], config())
    title = figure.axes[0].get_title(loc="left")
    assert title.startswith("Zonal mean: eastward wind (colour), mass streamfunction")


def test_hovmoller_runs_along_the_forecast():
    settings = config(variable="t500", region="tropics")
    figure = hovmoller_figure([opened(plot_data.forecast())], settings)
    axes = figure.axes[0]
    assert axes.get_title(loc="left").startswith("Temperature at 500 hPa, mean of 20°S")
    assert axes.yaxis_inverted()
    with pytest.raises(ConfigError, match="shows all times"):
        hovmoller_figure([opened(plot_data.forecast())], config(lead="12h"))


def test_series_is_the_mean_over_the_area():
    dataset = plot_data.forecast()
    figure = series_figure([opened(dataset)], config(variable="t850"))
    (axes,) = figure.axes
    edges = np.sin(np.radians([-90, *np.arange(-85, 90, 5), 90]))
    field = dataset.temperature.sel(level=850).isel(init_time=0)
    zonal = field.mean("longitude").values - 273.15
    exact = zonal @ np.diff(edges) / 2
    np.testing.assert_allclose(axes.lines[0].get_ydata(), exact, rtol=1e-12)
    box = area_mean(field.isel(lead_time=0), (-20, 20, -180, 180))
    inside = np.abs(plot_data.LATITUDE) <= 20
    weights = np.diff(edges)[inside]
    values = field.isel(lead_time=0).mean("longitude").values[inside]
    assert float(box) == pytest.approx(weights @ values / weights.sum(), rel=1e-12)


def test_every_panel_of_series_says_whose_they_are():
    """Of files that have the variable in other units, whose panels are apart."""
    data = plot_data.forecast()
    energy = data.temperature.isel(level=0, drop=True)
    files = [
        opened(data.assign(energy=energy.assign_attrs(units=units)), name=name)
        for name, units in (("a.nc", "J m-2"), ("b.nc", "m3 s-2"))
    ]
    figure = series_figure(files, config(variable="energy,t850"))
    found = []
    for axes in figure.axes:
        legend = axes.get_legend()
        shown = [] if legend is None else [x.get_text() for x in legend.get_texts()]
        found.append(shown)
    assert sorted(found) == [["a.nc"], ["a.nc", "b.nc"], ["b.nc"]]


def test_the_mean_over_gaussian_latitudes_is_exact():
    """Of a polynomial of the sine of latitude, which cells would miss by a per cent."""
    sine, _ = gauss_legendre_nodes(8)
    latitude = np.rad2deg(np.arcsin(sine)).astype(np.float32)
    field = xr.DataArray(sine**14, {"latitude": latitude}, ["latitude"])
    assert float(area_mean(field)) == pytest.approx(1 / 15, rel=1e-12)
    moved = field.assign_coords(latitude=latitude * np.float32(0.99))
    assert float(area_mean(moved)) != pytest.approx(1 / 15, rel=1e-4)


def test_colours_are_the_same_without_the_style():
    """Of axes that a caller has, whose picture is written with other settings."""
    values = plot_data.scores()["rmse.temperature"].isel(region=0, level=0)
    series = values.rename(lead_time="time")
    axes = draw_series({"first": series, "second": series + 1})
    assert [line.get_color() for line in axes.lines] == [*PALETTE[:2]]


def test_spectrum_has_its_peak_at_the_wave():
    figure = spectra_figure([opened(plot_data.forecast())], config(variable="t850"))
    line = figure.axes[0].lines[0]
    assert line.get_xdata()[np.argmax(line.get_ydata())] == 3


def test_spectra_of_scores_stand_beside_the_truth():
    scores = plot_data.scores()
    power = np.arange(1.0, 9)[None, None] ** -3 * np.ones((4, 2, 8))
    dims = ("lead_time", "level", "wavenumber")
    scores["spectrum.temperature"] = dims, power, {"units": "K2"}
    scores["spectrum.temperature_truth"] = dims, power * 2
    scores["wavenumber"] = np.arange(1, 9)
    figure = spectra_figure([opened(scores, "scores")], config(lead="2d"))
    lines = {x.get_label(): x for x in figure.axes[0].lines}
    np.testing.assert_array_equal(lines["a.nc"].get_xdata(), np.arange(1, 9))
    np.testing.assert_allclose(lines["truth"].get_ydata(), 2 * power[0, 0])
    assert figure.axes[0].get_xlabel() == "Total wavenumber"
    assert {x.metric for x in select_scores([opened(scores)], config())} == {"rmse"}


def test_scores_have_their_intervals():
    datasets = [
        opened(plot_data.scores(), "scores", "new.nc"),
        opened(plot_data.scores(2.0), "scores", "old.nc"),
    ]
    figure = scores_figure(datasets, config())
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Geopotential at 500 hPa (m² s⁻²)", "Temperature at 850 hPa (K)"]
    lines = {x.get_label(): x.get_ydata() for x in figure.axes[1].lines}
    np.testing.assert_allclose(lines["new.nc"], [1, 2, 3, 4])
    np.testing.assert_allclose(lines["old.nc"], [2, 4, 6, 8])
    assert len(figure.axes[1].collections) == 2
    for settings, message in (
        ({"metric": "rsme"}, "no metric 'rsme'"),
        ({"region": "europa"}, "no region 'europa'"),
        ({"variable": "t300"}, "not scored at 300 hPa"),
        ({"variable": "q700"}, "no variable 'q700'"),
    ):
        with pytest.raises(ConfigError, match=message):
            scores_figure(datasets, config(**settings))


@pytest.mark.parametrize(("metric", "change"), [("rmse", -50), ("acc", -100 / 8)])
def test_scorecard_is_blue_where_errors_are_smaller(metric, change):
    """A higher anomaly correlation is better, a higher error worse."""
    datasets = [
        opened(plot_data.scores(), "scores", "new.nc"),
        opened(plot_data.scores(2.0), "scores", "old.nc"),
    ]
    scores = select_scores(datasets, config(metric=metric, variable="t850"))
    comparison = compare(scores, "new.nc", "old.nc")
    assert comparison.change[0, 0] == pytest.approx(change)
    assert comparison.is_certain.all() == (metric == "rmse")
    figure = scorecard_figure(datasets, config(metric=metric))
    first = figure.axes[0].collections[0]
    red, _, blue, _ = first.get_cmap()(first.norm(change))
    assert blue > red
    with pytest.raises(ConfigError, match="compares two"):
        scorecard_figure(datasets[:1], config())


def test_scorecard_of_a_negative_correlation_and_of_a_ratio():
    """Better is better where the reference is below zero, or beyond the best value."""
    lead = np.array([1], "timedelta64[D]")

    def change(metric, mine, other):
        lines = {"a": Line(lead, np.array([mine])), "b": Line(lead, np.array([other]))}
        score = Score(metric, "temperature", 850.0, "global", "1", lines)
        return compare([score], "a", "b").change.item()

    assert change("acc", 0.1, -0.1) == pytest.approx(-200)
    assert change("bias", 1.0, -2.0) == pytest.approx(-50)
    assert change("spread_skill_ratio", 0.9, 1.2) == pytest.approx(-50)
    assert change("spread_skill_ratio", 0.7, 0.9) == pytest.approx(200)


def test_crps_is_drawn_if_all_forecasts_have_it():
    with_crps = plot_data.scores()
    with_crps["crps.temperature"] = with_crps["rmse.temperature"] / 2
    file = opened(with_crps, "scores")
    assert {x.metric for x in select_scores([file], config())} == {"crps"}
    both = [file, opened(plot_data.scores(), "scores", "single.nc")]
    assert {x.metric for x in select_scores(both, config())} == {"rmse"}
    several = xr.concat(
        [with_crps, with_crps],
        xr.DataArray(["a", "b"], dims="forecast", name="forecast"),
    )
    several["crps.temperature"][dict(forecast=1)] = np.nan
    assert {x.metric for x in select_scores([opened(several, "scores")], config())} == {
        "rmse"
    }


def test_scorecard_uses_baselines_and_paired_differences():
    both = xr.concat(
        [plot_data.scores(), plot_data.scores(0.5), plot_data.scores(3.0)],
        xr.DataArray(["a", "b", "persistence"], dims="forecast", name="forecast"),
    )
    both["baseline"] = "forecast", [0, 0, 1]
    values = both["rmse.temperature"]
    both["rmse.temperature_difference_lower"] = values * 0 - 1
    both["rmse.temperature_difference_upper"] = values * 0 + 1
    (score,) = select_scores([opened(both, "scores")], config(variable="t500"))
    assert [x.is_baseline for x in score.lines.values()] == [False, False, True]
    assert not compare([score], "a", "persistence").is_certain.any()
    figure = scorecard_figure([opened(both, "scores")], config())
    assert figure.texts[0].get_text().startswith("a against persistence: RMSE")
    assert figure.texts[1].get_text().endswith("not shown: b")


def test_wind_is_shown_with_the_errors_of_scalars():
    """Its RMSE has another name in files of scores."""
    both = xr.concat(
        [plot_data.scores(), plot_data.scores(2.0)],
        xr.DataArray(["a", "b"], dims="forecast", name="forecast"),
    )
    both["vector_rmse.wind"] = both["rmse.temperature"].assign_attrs(units="m s-1")
    datasets = [opened(both, "scores")]
    rows = scorecard_figure(datasets, config()).axes[0].get_yticklabels()
    assert "Wind 850 hPa" in [row.get_text() for row in rows]
    titles = [x.get_title(loc="left") for x in scores_figure(datasets, config()).axes]
    assert "Vector RMSE, wind at 850 hPa (m s⁻¹)" in titles
    named = scores_figure(datasets, config(metric="rmse"))
    assert len(named.axes) == len(titles) - 1


def test_tracks_are_drawn_across_meridians():
    tracks = plot_data.tracks()
    axes = draw_tracks(tracks)
    (lines,) = [x for x in axes.collections if x.get_label() == "tracks"]
    lengths = [np.ptp(segment[:, 0]) for segment in lines.get_segments()]
    assert max(lengths) < 0.15  # none goes around the globe
    region = region_of_tracks([tracks.isel(track=[1], point=slice(4, 8))])
    assert abs(region.centre) < 5
    nothing = tracks.isel(track=[], point=[])
    with pytest.raises(InputDataError, match="no track"):
        region_of_tracks([nothing])
