"""A diagnosis of data whose numbers are known, alone and against a reference."""

import numpy as np
import pytest
import xarray as xr
from diagnosis import known_data as known

from ngcm_cli.diagnosis.columns import layer_masses
from ngcm_cli.diagnosis.diagnose import diagnose
from ngcm_cli.diagnosis.records import open_records
from ngcm_cli.errors import ConfigError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of a record, of the same on a finer grid and warmer, and of forecasts."""
    path = tmp_path_factory.mktemp("data")
    known.written(known.monthly_record(), path / "run.nc")
    finer = np.linspace(-90, 90, 37), np.arange(0, 360, 5.0)
    warmer = known.monthly_record(offset=1.5, grid=finer)
    known.written(warmer, path / "warmer.nc")
    known.written(known.forecast(), path / "forecast.nc")
    known.written(known.analyses(), path / "analyses.nc")
    return path


@pytest.fixture(scope="module")
def climate(folder):
    return diagnose(run=str(folder / "run.nc"))


@pytest.fixture(scope="module")
def compared(folder):
    return diagnose(run=str(folder / "run.nc"), against=str(folder / "warmer.nc"))


@pytest.fixture(scope="module")
def weather(folder):
    return diagnose(run=str(folder / "forecast.nc"))


def test_trends_are_those_of_the_data(climate):
    for region in "global", "tropical":
        for level in 850, 500, 200:
            trend = climate[f"{region}_temperature_trend_{level}hPa"]
            # Means over months of float32 temperatures.
            assert float(trend) == pytest.approx(known.TREND, rel=2e-3)
            assert trend.units == "K decade-1"
    assert climate["global_temperature"].dims == ("month", "level")
    assert climate["month"].values[13] == np.datetime64("1991-02-01")


def test_amplitude_and_phase_of_the_annual_cycle(climate):
    size, phase = (climate[f"temperature_850hPa_{x}"] for x in ("amplitude", "phase"))
    north, south = phase.sel(latitude=45, method="nearest"), phase.isel(latitude=2)
    np.testing.assert_allclose(size, known.AMPLITUDE, rtol=2e-3)
    np.testing.assert_allclose(north, known.PEAK, atol=5e-3)
    np.testing.assert_allclose(south, (known.PEAK + 6) % 12, atol=5e-3)
    mean = float(climate["temperature_850hPa_amplitude_north"])
    assert mean == pytest.approx(known.AMPLITUDE, rel=2e-3)


def test_jets_are_where_they_were_put(climate):
    for name, sign in ("north", 1), ("south", -1):
        latitude = float(climate[f"jet_latitude_{name}_850hPa"])
        assert latitude == pytest.approx(45 * sign, abs=0.5)
        assert float(climate[f"jet_speed_{name}_250hPa"]) == pytest.approx(30, rel=0.05)
    assert climate["zonal_wind"].dims == ("season", "level", "latitude")
    assert list(climate["season"].values) == ["mean", "djf", "jja"]
    assert climate["total_mass_series"].dims == ("month",)


def test_nothing_drifts_in_a_constant_state(climate):
    mass, masses = (
        98_000 / known.GRAVITY,
        layer_masses(known.LEVELS, np.array([[98_000.0]])),
    )
    expected = float((known.HUMIDITY * masses[:, 0, 0]).sum())
    for name, value in (
        ("total_mass", mass),
        ("dry_mass", mass - expected),
        ("total_water", expected),
    ):
        assert float(climate[name]) == pytest.approx(value, rel=1e-6)
        assert float(climate[f"{name}_drift"]) == pytest.approx(0, abs=1e-9)
    assert float(climate["moisture_residual"]) == pytest.approx(0, abs=1e-9)
    water = float(climate["precipitable_water"])
    assert water == pytest.approx(expected, rel=1e-6)
    assert float(climate["precipitable_water_excess"]) == pytest.approx(water - 20)
    assert float(climate["hadley_north"]) == pytest.approx(0, abs=1)


def test_rain_and_monsoon(climate):
    """Local summer minus winter of 4 + 3.9 cos, mm per day."""
    cycle = np.cos(2 * np.pi * (np.arange(12) + 0.5 - known.PEAK) / 12)
    span = 3.9 * (cycle[4:9].mean() - cycle[[10, 11, 0, 1, 2]].mean())
    np.testing.assert_allclose(climate["annual_range"], span, rtol=1e-4)
    sphere = 4 * np.pi * known.LENGTH**2
    assert float(climate["monsoon_area"]) == pytest.approx(sphere)


def test_modes_have_a_series_and_a_size(climate):
    assert climate["sam_index"].dims == ("month",)
    assert abs(float(climate["sam_index"].mean())) < 1e-6
    # 500 (cos 160 - cos 260) is the mean difference, interpolated over 11 degrees.
    expected = 500 * (np.cos(np.deg2rad(160)) - np.cos(np.deg2rad(260)))
    assert float(climate["sam_difference"]) == pytest.approx(expected, abs=60)


def test_what_the_data_do_not_give_is_said(climate):
    missing = climate.attrs["not_computed"].split("\n")
    for line in (
        "Geostrophic balance: needs geopotential and u_component_of_wind and "
        "v_component_of_wind",
        "Distribution of P - E: needs instantaneous fields or daily means",
        "Potential energy per area: needs geopotential",
        "Total energy per area: needs temperature, geopotential, wind and "
        "specific_humidity",
        "Eddies: needs instantaneous fields or daily means",
        "Sudden stratospheric warmings: needs daily means or instantaneous fields",
    ):
        assert line in missing, missing
    assert any(line.startswith("Transient eddies: needs means") for line in missing)
    notes = climate.attrs["notes"]
    assert "kinetic energy is that of the mean wind: the data are monthly" in notes
    assert climate.attrs["data"].endswith(
        "monthly means, 1990-01-16T12 to 1993-12-16T12"
    )


def test_a_warmer_reference_on_a_finer_grid(compared):
    """The difference is the offset everywhere, also of the map of bias."""
    for name, value, tolerance in (
        ("temperature_850hPa_rmsb", 1.5, 1e-3),
        ("temperature_850hPa_mean_bias", -1.5, 1e-3),
        # Means over cells of 11 degrees of 500 Pa cos 4 phi.
        ("mean_sea_level_pressure_rmsb", 0.0, 20.0),
    ):
        assert float(compared[name]) == pytest.approx(value, abs=tolerance)
    away = compared["temperature_850hPa_bias"].isel(latitude=[1, 2, 12, 13])
    np.testing.assert_allclose(away, -1.5, atol=1e-3)
    ours, theirs = (
        float(compared[f"temperature_850hPa_mean{x}"]) for x in ("", "_reference")
    )
    assert theirs - ours == pytest.approx(1.5, abs=1e-3)
    correlation = float(compared["global_temperature_correlation_850hPa"])
    assert correlation == pytest.approx(1, abs=1e-6)
    assert compared["zonal_wind_reference"].shape == compared["zonal_wind"].shape
    assert compared.sizes["month"] == 48


def test_part_of_the_reference_is_noted_and_no_overlap_refused(folder, tmp_path):
    part = known.monthly_record().isel(time=slice(6, 30))
    path = known.written(part, tmp_path / "part.nc")
    run = str(folder / "run.nc")
    found = diagnose(run=run, against=path)
    note = "the reference has 24 of the 48 months of the run, 1990-07 to 1992-06"
    assert note in found.attrs["notes"]
    missing = found.attrs["not_computed"]
    assert "reference: Trends of temperature: needs 36 months; there are 24" in missing
    with pytest.raises(ConfigError, match="has none of the times of") as error:
        diagnose(run=run, against=path, period="1993")
    assert "1990-07-16T12 to 1992-06" in error.value.message
    with pytest.raises(ConfigError, match="is in the period 2050; it has 1990-01"):
        diagnose(run=run, period="2050")
    with pytest.raises(ConfigError, match="are forecasts, and"):
        diagnose(run=run, against=str(folder / "forecast.nc"))


def test_a_balanced_forecast(weather):
    assert list(weather["lead_day"].values) == [1, 5]
    # Differences of sixth order on 32 longitudes and 16 latitudes.
    assert float(weather["ageostrophic_ratio"].max()) < 0.02
    assert (
        "Balance on day 10: needs a forecast of that length"
        in (weather.attrs["not_computed"])
    )


def test_an_ageostrophic_wind_of_a_fifth(tmp_path):
    path = known.written(known.forecast(1, excess=0.2), tmp_path / "forecast.nc")
    found = diagnose(run=path)
    assert float(found["ageostrophic_ratio_500hPa_day_1"]) == pytest.approx(
        0.2, abs=0.01
    )


def test_the_moisture_budget_of_forecasts(weather):
    found = {
        name: float(weather[f"moisture_{name}"])
        for name in ("storage", "source", "residual")
    }
    assert found["source"] == pytest.approx(-0.3, rel=1e-5)
    assert found["residual"] == pytest.approx(known.RESIDUAL, rel=1e-4)
    assert found["storage"] == pytest.approx(-0.3 + known.RESIDUAL, rel=1e-5)
    assert float(weather["net_precipitation_tropics"]) == pytest.approx(0.3, rel=1e-5)
    shares = weather["net_precipitation_distribution"] * 2
    assert shares.sel(rate=1).values == pytest.approx(1)  # from 0 to 2 mm per day


def test_eddies_of_a_stationary_wave(weather):
    """The kinetic energy of the wave itself, whose wind has no zonal mean."""
    one = known.forecast().isel(init_time=0, lead_time=0).sel(level=250)
    u, v = (one[f"{x}_component_of_wind"].values.astype(float) for x in "uv")
    expected = ((u - u.mean(-1, keepdims=True)) ** 2 + v**2).mean(-1) / 2
    found = weather["eddy_kinetic_energy"].sel(season="mean", level=250)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_forecasts_against_analyses_use_common_times(folder, tmp_path):
    run, truth = str(folder / "forecast.nc"), known.analyses()
    lacking = truth.drop_isel(time=[4])
    path = known.written(lacking, tmp_path / "analyses.nc")
    found = diagnose(run=run, against=path)
    # Of 26 times, one is lacking in each forecast, and the second ends a day later.
    assert "4 of 26 times are not in the reference" in found.attrs["notes"]
    for name in "ageostrophic_wind_speed", "eddy_kinetic_energy":
        a, b = found[name], found[f"{name}_reference"]
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_members_have_their_own_findings(tmp_path):
    members = [known.monthly_record(offset=x) for x in (0.0, 2.0)]
    joined = known.xr.concat(members, dim="realization").assign_coords(
        realization=[3, 4]
    )
    path = known.written(joined, tmp_path / "members.nc")
    found = diagnose(run=path)
    mean = found["temperature_850hPa_mean"]
    assert mean.dims == ("realization",)
    np.testing.assert_array_equal(found["realization"], [3, 4])
    assert float(mean[1] - mean[0]) == pytest.approx(2, abs=1e-3)
    assert found["zonal_wind"].dims[0] == "realization"
    assert mean.attrs["units"] == "K"


def test_a_time_without_values_is_left_out_and_noted(tmp_path):
    record = known.monthly_record()
    record["temperature"][5] = np.nan
    path = known.written(record, tmp_path / "gap.nc")
    found = diagnose(run=path)
    line = "Trends of temperature: 1 times of"
    assert line in found.attrs["notes"]
    trend = float(found["global_temperature_trend_850hPa"])
    assert trend == pytest.approx(known.TREND, rel=0.1)


def test_the_spectrum_of_the_balanced_wave_sums_to_its_energy(weather):
    """Parseval: on the Gaussian grid, up to what the truncation leaves out."""
    one = known.forecast().isel(init_time=0, lead_time=0).sel(level=500)
    u, v = (one[f"{x}_component_of_wind"].values.astype(float) for x in "uv")
    nodes, weights = np.polynomial.legendre.leggauss(len(known.LATITUDE))
    np.testing.assert_allclose(nodes, np.sin(np.deg2rad(known.LATITUDE)), atol=1e-7)
    expected = weights @ ((u**2 + v**2) / 2).mean(-1) / 2
    found = sum(
        weather[f"{part}_kinetic_energy_spectrum"].sel(spectrum_level=500)
        for part in ("rotational", "divergent")
    )
    assert found.dims == ("lead_day", "wavenumber")
    np.testing.assert_allclose(found.sum("wavenumber"), expected, rtol=2e-3)
    assert float(weather["kinetic_energy_500hPa_day_5"]) == pytest.approx(
        expected, rel=2e-3
    )


def test_a_wave_of_one_zonal_wavenumber_exchanges_no_energy(weather):
    """Its products have others; and the geostrophic wind blows along isobars."""
    for part in "rotational", "divergent", "two_dimensional":
        transfer = weather[f"{part}_energy_transfer"].sel(spectrum_level=500)
        assert transfer.dims == ("lead_day", "wavenumber")
        np.testing.assert_allclose(transfer, 0, atol=1e-9)
    assert float(weather["pressure_work_500hPa_day_5"]) == pytest.approx(0, abs=1e-7)
    assert (
        "Exchange of kinetic energy among wavenumbers: of the horizontal wind"
        in (weather.attrs["notes"])
    )


def test_zonal_means_have_the_numbers_of_fields_that_are_zonal(climate, tmp_path):
    means = known.monthly_record().mean("longitude", keep_attrs=True)
    found = diagnose(run=known.written(means, tmp_path / "zonal.nc"))
    numbers = [name for name, x in climate.data_vars.items() if not x.dims]
    shared = [name for name in numbers if name in found]
    for part in ("hadley", "jet", "tropical_wind", "polar", "sam", "trend", "phase",
                 "precipitation_mean", "moisture_residual"):  # fmt: skip
        assert any(part in name for name in shared), part
    constant = "mean_sea_level", "column_water", "component_of_wind", "net_prec"
    for name in shared:  # float32 means of 32 longitudes
        if "phase" in name and any(part in name for part in constant):
            continue  # of an annual cycle of rounding errors
        size = 1e-5 if "psi" not in climate[name].long_name else 1.0
        np.testing.assert_allclose(
            found[name], climate[name], rtol=1e-5, atol=size, err_msg=name
        )
    assert not any("longitude" in x.dims for x in found.data_vars.values())
    assert found["temperature_850hPa_climatology"].dims == (
        "calendar_month",
        "latitude",
    )
    missing = found.attrs["not_computed"].split("\n")
    for what in (
        *("Spectra of kinetic energy", "Stationary eddies", "Monsoon"),
        *("North Atlantic Oscillation", "Mass, water, energy, angular momentum"),
    ):
        assert f"{what}: needs fields on longitudes, no zonal means" in missing
    assert "the ground is at the zonal mean of surface_pressure" in found.attrs["notes"]


@pytest.mark.parametrize("zonal", ["run", "against"])
def test_fields_and_zonal_means_are_compared_as_zonal_means(folder, tmp_path, zonal):
    """A warmer reference on a finer grid; either may be the zonal means."""
    paths = {"run": folder / "run.nc", "against": folder / "warmer.nc"}
    with xr.open_dataset(paths[zonal]) as fields:
        means = fields.mean("longitude", keep_attrs=True)
        paths[zonal] = known.written(means, tmp_path / "zonal.nc")
    found = diagnose(**{name: str(path) for name, path in paths.items()})
    np.testing.assert_allclose(
        found["temperature_850hPa_bias"].isel(latitude=[1, 2, -3, -2]), -1.5, atol=1e-3
    )
    assert found["temperature_850hPa_bias"].dims == ("latitude",)
    assert float(found["temperature_850hPa_rmsb"]) == pytest.approx(1.5, abs=1e-3)
    bias = found["zonal_temperature_bias"].sel(season="mean", level=500)
    np.testing.assert_allclose(bias.isel(latitude=[1, 2, -3, -2]), -1.5, atol=1e-3)
    assert "are averaged along longitude first" in found.attrs["notes"]
    assert found.sizes["latitude"] == len(known.LATITUDE)


def test_secrets_of_an_address_are_not_written(folder, monkeypatch):
    url = "https://me:secret@server/forecast.nc?signature=secret"
    monkeypatch.setattr(
        "ngcm_cli.diagnosis.diagnose.open_records",
        lambda location, **_: open_records(str(folder / "forecast.nc")),
    )
    written = str(diagnose(run=url, against=url).attrs)
    assert "ngcm diagnose https://server/forecast.nc" in written
    assert "secret" not in written
