"""GRIB 2 files made of a store: codes, levels, steps, values as cfgrib reads them."""

import eccodes
import numpy as np
import pytest
import xarray as xr
import zarr
from small_output import GRID, forecast_schema, selection
from test_netcdf_export import filled

from ngcm_cli.diagnostics import DIAGNOSTICS
from ngcm_cli.output.grib import CODES, export_grib, why_left_out
from ngcm_cli.output.grid import OutputGrid

NAMES = ("temperature", "surface_pressure", "precipitation_cumulative_mean")


def exported(tmp_path, **changes):
    """Return a store and the path of the GRIB file that is made of it."""
    settings = {"fields": selection(NAMES)} | changes
    source = filled(tmp_path / "s.zarr", forecast_schema(**settings))
    export_grib(source, tmp_path / "out.grib2")
    with xr.open_zarr(source, chunks=None, decode_timedelta=True) as ds:
        return ds.load(), tmp_path / "out.grib2"


def opened(path, name, **keys):
    """Return a variable as cfgrib reads it, from south to north."""
    keys = {"shortName": name, **keys}
    with xr.open_dataset(
        path,
        engine="cfgrib",
        backend_kwargs={"filter_by_keys": keys, "indexpath": "", "errors": "raise"},
        decode_timedelta=True,
    ) as ds:
        (array,) = ds.load().data_vars.values()
        return array.sortby("latitude")


def assert_close(found, expected):
    """Compare within 24 bits of the range."""
    tolerance = np.ptp(expected) / 2**24
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=tolerance)


@pytest.mark.parametrize("spacing", [None, 30])
def test_a_forecast(tmp_path, spacing):
    grid = OutputGrid.regular(GRID, spacing) if spacing else OutputGrid.native(GRID)
    ours, path = exported(tmp_path, fields=selection(NAMES, grid=grid))
    ours = ours.isel(init_time=0)
    for name, short, units, level_type, factor in (
        ("temperature", "t", "K", "isobaricInhPa", 1),
        ("surface_pressure", "sp", "Pa", "surface", 1),
        ("precipitation_cumulative_mean", "tp", "kg m**-2", "surface", 1000),
    ):
        array = opened(path, short)
        assert array.attrs["GRIB_units"] == units
        assert array.attrs["GRIB_typeOfLevel"] == level_type
        assert array.attrs["GRIB_gridType"] == (
            "regular_ll" if spacing else "regular_gg"
        )
        assert array.time.values == ours.init_time.values
        np.testing.assert_array_equal(array.step, ours.lead_time)
        np.testing.assert_array_equal(array.valid_time, ours.valid_time)
        np.testing.assert_allclose(array.latitude, ours.latitude, atol=1e-6)
        np.testing.assert_allclose(array.longitude, ours.longitude, atol=1e-6)
        expected = ours[name].values.astype(float) * factor
        if name == "temperature":
            array = array.sortby("isobaricInhPa")
            np.testing.assert_array_equal(array.isobaricInhPa, ours.level)
        assert array.attrs["GRIB_stepType"] == ("accum" if short == "tp" else "instant")
        assert_close(array, expected)


def test_members_and_statistics_from_several_times(tmp_path):
    init_times = np.array(["1959-01-02", "1959-01-03"], "datetime64[s]")
    ours, path = exported(
        tmp_path,
        leads=2,
        init_times=init_times,
        realizations=(3, 4),
        statistics=("std", "p10"),
    )
    by_product = {}
    for template, name in ((1, "t"), (1, "sp"), (11, "tp")):
        array = opened(path, name, productDefinitionTemplateNumber=template)
        assert array.number.values.tolist() == [3, 4]
        assert array.time.values.tolist() == ours.init_time.values.tolist()
        by_product[name] = array
    expected = ours["temperature"].values[..., ::-1, :, :]
    assert_close(by_product["t"].transpose("number", ...), expected)
    array = opened(path, "t", derivedForecast=4)
    assert_close(array, ours["temperature_std"].values[:, :, ::-1])
    array = opened(path, "sp", percentileValue=10)
    assert_close(array, ours["surface_pressure_p10"].values)


def test_what_is_missing_is_missing(tmp_path):
    ours, path = exported(tmp_path, lead_times=np.arange(2) * np.timedelta64(1800, "s"))
    store = tmp_path / "s.zarr"
    zarr.open_group(store)["surface_pressure"][0, 1] = np.nan
    export_grib(store, path)
    array = opened(path, "sp")
    assert array.step.values.astype("timedelta64[m]").astype(int).tolist() == [0, 30]
    assert np.isfinite(array[0]).all() and np.isnan(array[1]).all()


@pytest.mark.parametrize("name", CODES)
def test_every_code_is_known(tmp_path, name):
    """To ecCodes, with the units that ours are converted to."""
    _, path = exported(tmp_path, leads=1, fields=selection((name,), levels=(500,)))
    with path.open("rb") as file:
        handle = eccodes.codes_grib_new_from_file(file)
        units = eccodes.codes_get(handle, "units").replace("**", "")
        units = units.replace("(0 - 1)", "1")  # a proportion, as in table 4.2-10-2
        level = eccodes.codes_get(handle, "typeOfLevel")
        known = eccodes.codes_get(handle, "shortName")
        eccodes.codes_release(handle)
    ours = DIAGNOSTICS[name].units
    factor = {"m": ("kg m-2", 1000), "m s-1": ("kg m-2 s-1", 1000), "1": ("%", 100)}
    if units != ours and ours in factor:
        ours, expected = factor[ours]
        assert CODES[name].factor == expected
    assert known != "unknown" and units == ours
    assert (level == "isobaricInhPa") == DIAGNOSTICS[name].on_levels


def test_why_variables_are_left_out():
    """ecCodes takes the code for evaporation as a flux that is positive downwards."""
    handle = eccodes.codes_new_from_samples("GRIB2", eccodes.CODES_PRODUCT_GRIB)
    for key, value in ("parameterCategory", 1), ("parameterNumber", 79):
        eccodes.codes_set(handle, key, value)
    assert eccodes.codes_get(handle, "name") == "Instantaneous moisture flux"
    eccodes.codes_release(handle)
    assert why_left_out(["P_minus_E_rate"]) == "GRIB 2 has no code for P_minus_E_rate"
    signs = "rograms read the GRIB 2 code for evaporation with opposite signs"
    assert why_left_out(["evaporation"]) == f"P{signs}"
    assert (
        why_left_out(["evaporation", "x"]) == f"GRIB 2 has no code for x, and p{signs}"
    )
