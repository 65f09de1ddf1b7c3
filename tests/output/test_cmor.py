"""Export under CMIP's names: values, files, and what is not exported and said."""

import errno
import re
import tracemalloc
import warnings

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from climate_run import GRID, LEVELS, SIZES, day_bounds, month_bounds, write_means

from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.output.cmor import export_cmor
from ngcm_cli.output.cmor.source import Means
from ngcm_cli.output.grid import OutputGrid
from ngcm_cli.spectral.grid import Grid

MODEL = "tl63-stochastic-mini"
AIMIP_LEVELS = [1000, 850, 700, 500, 250, 100, 50]
POSITIONS = [LEVELS.index(level) for level in AIMIP_LEVELS]
NAMES = {
    "ta": "temperature",
    "hus": "specific_humidity",
    "ua": "u_component_of_wind",
    "va": "v_component_of_wind",
    "zg": "geopotential",
    "ps": "surface_pressure",
    "psl": "mean_sea_level_pressure",
    "prw": "total_column_water_vapour",
    "pr": "precipitation_rate",
    "evspsbl": "evaporation",
}
GRIDS = {
    "gn": OutputGrid.native(GRID),
    "gr": OutputGrid.regular(GRID, 45),
}


DAILY = {
    **dict.fromkeys(NAMES, "day"),
    **{"zg500": "AERday", "ps": "CFday", "prw": "Eday", "evspsbl": "Eday"},
}


def named(variable, period, table="Amon", r=1, grid="gn"):
    return f"{variable}_{table}_{MODEL}_amip-style_r{r}i1p1f1_{grid}_{period}.nc"


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def expected(name, fields):
    """What a file should hold of (time, [level,] latitude, longitude)."""
    fields = fields.astype(np.float64)
    if name == "zg500":
        fields = fields[:, LEVELS.index(500)] / 9.80665
    elif fields.ndim == 4:
        fields = fields[:, POSITIONS] / (9.80665 if name == "zg" else 1)
    elif name == "pr":
        fields = fields * 997
    elif name == "evspsbl":
        fields = -fields
    return fields.astype(np.float32)


@pytest.mark.parametrize("grid", GRIDS)
def test_values_come_through_exactly(tmp_path, grid):
    bounds = month_bounds("1983-12", 4)  # over a year's end and a leap day
    written = write_means(
        tmp_path / "monthly.zarr", bounds, members=2, grid=GRIDS[grid]
    )
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    assert len(paths) == 2 * len(NAMES) + 1
    for r in (1, 2):
        for name, source in NAMES.items():
            path = tmp_path / "cmor" / named(name, "198312-198403", r=r, grid=grid)
            assert path in paths
            with xr.open_dataset(path) as ds:
                field = ds[name]
                layers = () if written[source].ndim == 4 else ("plev",)
                assert field.dims == ("time", *layers, "lat", "lon")
                assert field.dtype == np.float32
                np.testing.assert_array_equal(
                    field, expected(name, written[source][r - 1])
                )
                if layers:
                    np.testing.assert_array_equal(
                        ds["plev"], 100.0 * np.array(AIMIP_LEVELS)
                    )
                np.testing.assert_array_equal(ds["lat"], GRIDS[grid].latitude)
                np.testing.assert_array_equal(ds["lon"], GRIDS[grid].longitude)
                np.testing.assert_array_equal(ds["time_bnds"], bounds)
                middle = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) / 2
                np.testing.assert_array_equal(ds["time"], middle)


def test_files_of_months_and_days(tmp_path):
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 12))
    write_means(tmp_path / "daily.zarr", day_bounds("1982-02-27", 4))
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    area = f"areacella_fx_{MODEL}_amip-style_r1i1p1f1_gn.nc"
    days = {name: named(name, "19820227-19820302", t) for name, t in DAILY.items()}
    zg500 = days.pop("zg500")
    wanted = [
        *(named(name, "198201-198212") for name in NAMES),
        *(days[name] for name in NAMES if name in ("ta", "hus", "ua", "va", "zg")),
        zg500,
        *(
            days[name]
            for name in NAMES
            if name in ("ps", "psl", "prw", "pr", "evspsbl")
        ),
        area,
    ]
    assert [path.name for path in paths] == wanted
    assert files(tmp_path / "cmor") == sorted(wanted)  # and nothing beside
    with xr.open_dataset(tmp_path / "cmor" / days["ps"]) as ds:
        assert ds.sizes["time"] == 4
        assert ds.attrs["frequency"] == "day" and ds.attrs["table_id"] == "CFday"
    with xr.open_dataset(tmp_path / "cmor" / area) as ds:
        globe = 4 * np.pi * 6371220.0**2
        assert float(ds["areacella"].astype(float).sum()) == pytest.approx(globe)
        # Cells meet halfway between nodes, as in regridding.
        north = globe / 2 * (1 - np.sin(np.deg2rad(ds["lat"][2:4].mean()))) / 8
        np.testing.assert_allclose(ds["areacella"][-1], north, rtol=1e-6)
        assert ds["areacella"].attrs["standard_name"] == "cell_area"
        assert ds.attrs["table_id"] == "fx" and ds.attrs["frequency"] == "fx"
        assert "external_variables" not in ds.attrs and "time" not in ds.variables


def test_how_a_file_is_encoded(tmp_path):
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 3))
    export_cmor(tmp_path, tmp_path / "cmor")
    path = tmp_path / "cmor" / named("ta", "198201-198203")
    with netCDF4.Dataset(path) as file:
        assert file.data_model == "NETCDF4_CLASSIC"
        assert file.dimensions["time"].isunlimited()
        field = file["ta"]
        filters = field.filters()
        assert (filters["zlib"], filters["complevel"], filters["shuffle"]) == (
            True,
            1,
            True,
        )
        assert field.chunking() == [1, 7, 4, 8]
        assert field.dtype == np.float32
        assert field._FillValue == field.missing_value == np.float32(1e20)
        assert field._FillValue.dtype == field.missing_value.dtype == np.float32
        attributes = {name: field.getncattr(name) for name in field.ncattrs()}
        assert {k: v for k, v in attributes.items() if "issing" not in k} == {
            "_FillValue": np.float32(1e20),
            "standard_name": "air_temperature",
            "long_name": "Air Temperature",
            "units": "K",
            "units_metadata": "temperature: on_scale",
            "comment": "mean of values every 6 hours",
            "original_name": "temperature",
            "cell_methods": "time: mean",
            "cell_measures": "area: areacella",
        }
        for name in ("time", "time_bnds", "lat", "lat_bnds", "lon", "lon_bnds", "plev"):
            assert file[name].dtype == np.float64, name
        assert file["time"].units == "days since 1850-01-01"
        assert file["time"].calendar == "proleptic_gregorian"
        days = (np.datetime64("1982-01-01") - np.datetime64("1850-01-01")).astype(int)
        np.testing.assert_array_equal(file["time_bnds"][0], [days, days + 31])
        assert file["time"][0] == days + 15.5
        assert file["plev"].positive == "down" and file["plev"].units == "Pa"
        assert "_FillValue" not in file["time"].ncattrs()


def test_daily_height_at_500_hpa_has_a_scalar_level(tmp_path):
    written = write_means(tmp_path / "daily.zarr", day_bounds("1982-01-01", 1))
    export_cmor(tmp_path, tmp_path / "cmor")
    name = named("zg500", "19820101-19820101", "AERday")
    with netCDF4.Dataset(tmp_path / "cmor" / name) as file:
        field = file["zg500"]
        assert field.dimensions == ("time", "lat", "lon")
        heights = expected("zg500", written["geopotential"][0])
        np.testing.assert_array_equal(field[...], heights)
        assert field.coordinates == "plev" and file["plev"].dimensions == ()
        assert file["plev"][...] == 50000
        assert field.standard_name == "geopotential_height" and field.units == "m"
        assert field.cell_methods == "area: time: mean"
        assert "standard gravity, 9.80665 m s-2" in field.comment


def test_no_evaporation_is_plain_zero(tmp_path):
    def dry(name, fields):
        if name == "evaporation":
            fields[...] = 0

    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1), changes=dry)
    export_cmor(tmp_path, tmp_path / "cmor")
    with xr.open_dataset(tmp_path / "cmor" / named("evspsbl", "198201-198201")) as ds:
        assert not np.signbit(ds["evspsbl"]).any() and (ds["evspsbl"] == 0).all()


def test_global_attributes(tmp_path):
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1), members=2)
    export_cmor(tmp_path, tmp_path / "cmor", institution="University of  Nowhere")
    path = tmp_path / "cmor" / named("psl", "198201-198201", r=2)
    with netCDF4.Dataset(path) as file:
        attributes = {name: file.getncattr(name) for name in file.ncattrs()}
    created = attributes.pop("creation_date")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    tracking = attributes.pop("tracking_id")
    assert re.fullmatch(
        "hdl:21.14100/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", tracking
    )
    assert attributes == {
        # As the run says of itself.
        "title": "AMIP run by tl63_stochastic_mini from 1981-12-16T00",
        "source": "NeuralGCM v1, tl63_stochastic_mini, weights SHA-256 da6c",
        "references": "https://doi.org/10.1038/s41586-024-07744-y",
        "license": "CC-BY-SA-4.0",
        "model": "tl63_stochastic_mini",
        "weights_sha256": "da6c",
        "data_source": "era5_tl31_1959-01-02T00.nc, the bundled ERA5 state",
        "sst_source": "NOAA OISST",
        "sst": "prescribed",
        "seed": "4294967295",  # which the classic model's integers do not hold
        "device": "cpu",
        "jax_version": "0.10.0",
        "longitude_wavenumbers": 4,
        "total_wavenumbers": 5,
        "longitude_nodes": 8,
        "latitude_nodes": 4,
        "latitude_spacing": "gauss",
        "comment": "Sea ice is AMIP's monthly climatology, 2 °C or no.",
        "history": "2026-01-02T03:04:05Z: ngcm amip --years 1\n"
        f"{created}: ngcm export --cmor",
        # As CMIP asks for.
        "Conventions": "CF-1.11 CMIP-6.2",
        "activity_id": "unspecified",
        "contact": "unspecified",
        "data_specs_version": "01.00.33",
        "experiment": "atmosphere only, with prescribed sea-surface temperature and "
        "sea ice",
        "experiment_id": "amip-style",
        "external_variables": "areacella",
        "forcing_index": 1,
        "frequency": "mon",
        "further_info_url": "https://furtherinfo.es-doc.org/CMIP6.University-of-Nowhere."
        f"{MODEL}.amip-style.none.r2i1p1f1",
        "grid": "native Gaussian grid; 8 x 4 longitude/latitude",
        "grid_label": "gn",
        "initialization_index": 1,
        "institution": "University of Nowhere",
        "institution_id": "University-of-Nowhere",
        "mip_era": "CMIP6",
        "nominal_resolution": "5000 km",
        "physics_index": 1,
        "product": "model-output",
        "realization_index": 2,
        "realm": "atmos",
        "source_id": MODEL,
        "source_type": "AGCM",
        "sub_experiment": "none",
        "sub_experiment_id": "none",
        "table_id": "Amon",
        "variable_id": "psl",
        "variant_info": "r2: realization 1 of its store, random seed 4294967295; "
        "i1: era5_tl31_1959-01-02T00.nc, the bundled ERA5 state; "
        "p1: tl63_stochastic_mini; f1: sea of NOAA OISST",
        "variant_label": "r2i1p1f1",
    }
    assert attributes["realization_index"].dtype == np.int32


def test_each_file_has_an_identifier_of_its_own(tmp_path):
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1))
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    identifiers = set()
    for path in paths:
        with netCDF4.Dataset(path) as file:
            identifiers.add(file.tracking_id)
    assert len(identifiers) == len(paths)


def test_a_regridded_run_says_so(tmp_path):
    bounds = month_bounds("1982-01", 1)
    write_means(tmp_path / "monthly.zarr", bounds, grid=GRIDS["gr"])
    export_cmor(tmp_path, tmp_path / "cmor")
    path = tmp_path / "cmor" / named("ps", "198201-198201", grid="gr")
    with netCDF4.Dataset(path) as file:
        assert file.grid_label == "gr"
        assert file.grid == (
            "regular grid with poles; 8 x 5 longitude/latitude; conservatively "
            "regridded from the native Gaussian grid; 8 x 4 longitude/latitude"
        )


def test_partial_months_at_both_ends_are_left_out(tmp_path, caplog):
    bounds = month_bounds("1981-12", 4)
    bounds[0, 0] = np.datetime64("1981-12-16T00")
    bounds[-1, 1] = np.datetime64("1982-03-10T06")
    written = write_means(tmp_path / "monthly.zarr", bounds)
    export_cmor(tmp_path, tmp_path / "cmor")
    with xr.open_dataset(tmp_path / "cmor" / named("ps", "198201-198202")) as ds:
        np.testing.assert_array_equal(ds["ps"], written["surface_pressure"][0, 1:3])
        np.testing.assert_array_equal(ds["time_bnds"], bounds[1:3])
    assert "from 1981-12-16T00 to 1982-01-01T00 is not exported" in caplog.text
    assert "from 1982-03-01T00 to 1982-03-10T06 is not exported" in caplog.text


def test_a_partial_day_is_left_out(tmp_path, caplog):
    bounds = day_bounds("1982-01-01", 3)
    bounds[0, 0] = np.datetime64("1982-01-01T12")
    write_means(tmp_path / "daily.zarr", bounds)
    export_cmor(tmp_path, tmp_path / "cmor")
    assert named("ps", "19820102-19820103", "CFday") in files(tmp_path / "cmor")
    assert "is not of a complete day" in caplog.text


def test_a_run_that_goes_on_is_exported_as_far_as_it_is(tmp_path, caplog):
    store = tmp_path / "monthly.zarr"
    written = write_means(store, month_bounds("1982-01", 12), completed=5)
    export_cmor(tmp_path, tmp_path / "cmor")
    with xr.open_dataset(tmp_path / "cmor" / named("ps", "198201-198205")) as ds:
        np.testing.assert_array_equal(ds["ps"], written["surface_pressure"][0, :5])
    assert "holds 5 of 12 records: the run is running or was stopped." in caplog.text


def test_a_realization_that_blew_up_ends_there(tmp_path, caplog):
    def blow_up(name, fields):
        fields[1, 2:, ..., 0, 0] = np.inf if name == "surface_pressure" else np.nan

    bounds = month_bounds("1982-01", 4)
    store = tmp_path / "monthly.zarr"
    written = write_means(store, bounds, members=2, changes=blow_up)
    export_cmor(tmp_path, tmp_path / "cmor")
    assert named("ta", "198201-198204") in files(tmp_path / "cmor")
    for name in NAMES:
        path = tmp_path / "cmor" / named(name, "198201-198202", r=2)
        with xr.open_dataset(path) as ds:
            fields = written[NAMES[name]][1, :2]
            np.testing.assert_array_equal(ds[name], expected(name, fields))
    assert "ps of r2i1p1f1 ends before 1982-03-01" in caplog.text


def test_a_realization_that_never_was_has_no_file(tmp_path, caplog):
    def never(name, fields):
        fields[1] = np.nan

    bounds = month_bounds("1982-01", 2)
    write_means(tmp_path / "monthly.zarr", bounds, members=2, changes=never)
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    assert not [path for path in paths if "_r2i1p1f1_" in path.name]
    assert len(files(tmp_path / "cmor")) == len(NAMES) + 1
    assert "ps of r2i1p1f1 ends before 1982-01-01" in caplog.text


def test_records_after_a_gap_are_left_out(tmp_path, caplog):
    bounds = np.concatenate([month_bounds("1982-01", 2), month_bounds("1982-06", 1)])
    write_means(tmp_path / "monthly.zarr", bounds)
    export_cmor(tmp_path, tmp_path / "cmor")
    assert named("ps", "198201-198202") in files(tmp_path / "cmor")
    assert "from 1982-06-01T00 to 1982-07-01T00 is not exported" in caplog.text


def test_a_run_without_a_whole_month_has_nothing_to_export(tmp_path):
    store = tmp_path / "monthly.zarr"
    write_means(store, month_bounds("1982-01", 12), completed=0)
    with pytest.raises(InputDataError, match="has no complete month or day yet"):
        export_cmor(tmp_path, tmp_path / "cmor")
    assert files(tmp_path) == ["monthly.zarr"]


def test_a_folder_without_means(tmp_path):
    (tmp_path / "restart").mkdir()
    with pytest.raises(InputDataError, match=r"no monthly\.zarr, no daily\.zarr"):
        export_cmor(tmp_path, tmp_path / "cmor")
    with pytest.raises(InputDataError, match="There are no means of a run in"):
        export_cmor(tmp_path / "nowhere", tmp_path / "cmor")


def test_a_store_of_another_kind(tmp_path):
    store = tmp_path / "monthly.zarr"
    write_means(store, month_bounds("1982-01", 1), completed_records=None)
    with pytest.raises(InputDataError, match="does not tell number"):
        export_cmor(tmp_path, tmp_path / "cmor")


def test_what_a_run_is_without_is_said(tmp_path, caplog):
    write_means(
        tmp_path / "monthly.zarr",
        month_bounds("1982-01", 1),
        variables=("temperature", "geopotential", "surface_pressure", "P_minus_E_rate"),
        levels=(200, 700, 850),
    )
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    names = [path.name.split("_")[0] for path in paths]
    assert names == ["ta", "zg", "ps", "areacella"]
    with xr.open_dataset(paths[0]) as ds:
        np.testing.assert_array_equal(ds["plev"], [85000, 70000])
    assert "hus, ua, va, psl, prw, pr, evspsbl not exported" in caplog.text
    assert "no 1000, 500, 250, 100, 50 hPa, which --levels aimip asks" in caplog.text
    assert "P_minus_E_rate not exported, for lack of a CMIP name" in caplog.text


def test_a_run_of_surface_fields_alone(tmp_path, caplog):
    names = ("surface_pressure", "precipitation_rate")
    bounds = month_bounds("1982-01", 1)
    write_means(tmp_path / "monthly.zarr", bounds, variables=names)
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    assert [path.name.split("_")[0] for path in paths] == ["ps", "pr", "areacella"]
    assert "hPa" not in caplog.text


def test_a_zonal_mean_is_not_taken_for_a_field(tmp_path, caplog):
    store = tmp_path / "monthly.zarr"
    fields = ("specific_humidity", "surface_pressure")
    write_means(store, month_bounds("1982-01", 1), variables=fields)
    zonal = np.full((1, len(LEVELS), 4), 250, np.float32)
    dims = ("time", "level", "latitude")
    zarr.open_group(store).create_array(
        "temperature", data=zonal, dimension_names=dims, attributes={}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no word on consolidated metadata
        zarr.consolidate_metadata(store)
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    assert [path.name.split("_")[0] for path in paths] == ["hus", "ps", "areacella"]
    assert "because temperature, " in caplog.text


def test_a_run_that_cmip_has_no_name_for(tmp_path):
    bounds = month_bounds("1982-01", 1)
    write_means(tmp_path / "monthly.zarr", bounds, variables=("P_minus_E_rate",))
    with pytest.raises(InputDataError, match="no variable with a CMIP name"):
        export_cmor(tmp_path, tmp_path / "cmor")


def test_realizations_are_numbered_on_through_the_starts(tmp_path):
    starts = ("1980-01-01T00", "1980-01-11T00", "1980-01-21T00")
    for start in starts:
        (tmp_path / "starts" / start).mkdir(parents=True)
    bounds, written = month_bounds("1980-02", 2), {}
    for start in (starts[0], starts[2]):  # the second is not begun
        store = tmp_path / "starts" / start / "monthly.zarr"
        shifted = bounds if start == starts[0] else bounds[:1]
        one = ("surface_pressure",)
        written[start] = write_means(store, shifted, members=2, variables=one)
    export_cmor(tmp_path, tmp_path / "cmor")
    wanted = [
        named("ps", "198002-198003", r=1),
        named("ps", "198002-198003", r=2),
        named("ps", "198002-198002", r=5),
        named("ps", "198002-198002", r=6),
    ]
    assert [name for name in files(tmp_path / "cmor") if name[:3] == "ps_"] == wanted
    with xr.open_dataset(tmp_path / "cmor" / wanted[3]) as ds:
        fields = written[starts[2]]["surface_pressure"][1]
        np.testing.assert_array_equal(ds["ps"], fields)
        assert ds.attrs["variant_label"] == "r6i1p1f1"
        assert ds.attrs["variant_info"].startswith(
            "r6: realization 1 of its store, started 1980-01-21T00"
        )


def test_a_second_export_replaces_nothing_unless_asked(tmp_path):
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 2))
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in paths}
    with pytest.raises(OutputError, match="and 9 more files would be replaced"):
        export_cmor(tmp_path, tmp_path / "cmor")
    after = {path: (path.stat().st_ino, path.read_bytes()) for path in paths}
    assert after == before
    assert export_cmor(tmp_path, tmp_path / "cmor", overwrite=True) == paths
    for path in paths:
        assert path.read_bytes() != before[path][1], path


def test_a_longer_file_replaces_the_shorter_one(tmp_path):
    bounds = month_bounds("1982-01", 6)
    early, late = tmp_path / "early", tmp_path / "late"
    one = {"variables": ("surface_pressure",)}
    write_means(early / "monthly.zarr", bounds, completed=3, **one)
    write_means(late / "monthly.zarr", bounds, **one)
    export_cmor(early, tmp_path / "cmor")
    with pytest.raises(OutputError, match="198201-198203.nc would be replaced"):
        export_cmor(late, tmp_path / "cmor")
    export_cmor(late, tmp_path / "cmor", overwrite=True)
    found = [name for name in files(tmp_path / "cmor") if name[:3] == "ps_"]
    assert found == [named("ps", "198201-198206")]


def test_files_of_adjoining_periods_stay_side_by_side(tmp_path):
    one = {"variables": ("surface_pressure",)}
    write_means(tmp_path / "a" / "monthly.zarr", month_bounds("1982-01", 2), **one)
    write_means(tmp_path / "b" / "monthly.zarr", month_bounds("1982-03", 2), **one)
    export_cmor(tmp_path / "a", tmp_path / "cmor")
    export_cmor(tmp_path / "b", tmp_path / "cmor")
    assert files(tmp_path / "cmor")[1:] == [
        named("ps", "198201-198202"),
        named("ps", "198203-198204"),
    ]


def test_a_full_disk_leaves_whole_files_only(tmp_path, monkeypatch):
    bounds = month_bounds("1982-01", 3)
    names = ("surface_pressure", "mean_sea_level_pressure")
    write_means(tmp_path / "monthly.zarr", bounds, variables=names)
    read = Means.read

    def full(self, name, member, record, levels):
        if name == "mean_sea_level_pressure" and record == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return read(self, name, member, record, levels)

    monkeypatch.setattr(Means, "read", full)
    with pytest.raises(OutputError, match=r"psl_.* No space left .*Free some space"):
        export_cmor(tmp_path, tmp_path / "cmor")
    assert files(tmp_path / "cmor") == [named("ps", "198201-198203")]


def test_a_folder_that_cannot_be_made(tmp_path):
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1))
    (tmp_path / "cmor").write_text("a file")
    with pytest.raises(OutputError, match="cannot be created"):
        export_cmor(tmp_path, tmp_path / "cmor")


def test_one_record_is_in_memory_at_a_time(tmp_path):
    grid = OutputGrid.native(Grid.linear(31))  # 64 x 32
    one = {"variables": ("temperature",)}
    store = tmp_path / "monthly.zarr"
    written = write_means(store, month_bounds("1982-01", 120), grid=grid, **one)
    size = written.pop("temperature").nbytes
    export_cmor(tmp_path, tmp_path / "first")  # imports, caches
    tracemalloc.start()
    try:
        export_cmor(tmp_path, tmp_path / "cmor")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size / 5, (peak, size)


@pytest.mark.parametrize(("offset", "suffix"), [(0.0, ""), (2, "-p2k"), (4.0, "-p4k")])
def test_aimips_period_is_labelled_with_its_experiment(tmp_path, offset, suffix):
    bounds = month_bounds("1978-10", 555)
    one = {"variables": ("surface_pressure",), "completed": 1, "sst_offset": offset}
    write_means(tmp_path / "monthly.zarr", bounds, **one)
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    assert {path.name.split("_")[3] for path in paths} == {f"aimip{suffix}"}
    with netCDF4.Dataset(paths[0]) as file:
        assert file.activity_id == "AIMIP" and file.experiment != file.experiment_id


@pytest.mark.parametrize(
    ("bounds", "attributes", "words"),
    [
        (("1978-11", 554), {}, "begins on 1978-11-01, not 1978-10-01"),
        (("1978-10", 554), {"sst_offset": 2.0}, "ends on 2024-12-01, not 2025-01-01"),
        (
            ("1978-10", 555),
            {"sst_source": "sst.nc, the bundled record"},
            "has the bundled s",
        ),
    ],
)
def test_another_run_is_not_labelled_aimip(tmp_path, caplog, bounds, attributes, words):
    one = {"variables": ("surface_pressure",), "completed": 2}
    write_means(tmp_path / "monthly.zarr", month_bounds(*bounds), **one, **attributes)
    paths = export_cmor(tmp_path, tmp_path / "a")
    suffix = "-p2k" if "sst_offset" in attributes else ""
    assert {path.name.split("_")[3] for path in paths} == {f"amip-style{suffix}"}
    assert f"not aimip{suffix}, because the run {words}" in caplog.text
    paths = export_cmor(tmp_path, tmp_path / "b", experiment="aimip")
    assert {path.name.split("_")[3] for path in paths} == {"aimip"}


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"sst_offset": -1.5}, r"prescribed with -1.5 K"),
        ({"sst": "climatology"}, "climatology with"),
        ({"sst_patch": "0,160,30,2"}, "prescribed with"),
    ],
)
def test_a_sea_that_is_not_aimips_is_given_a_name(tmp_path, attributes, words):
    store = tmp_path / "monthly.zarr"
    write_means(store, month_bounds("1982-01", 1), **attributes)
    with pytest.raises(ConfigError, match=f"{words}.*--experiment"):
        export_cmor(tmp_path, tmp_path / "cmor")
    paths = export_cmor(tmp_path, tmp_path / "cmor", experiment="my-sea")
    assert {path.name.split("_")[3] for path in paths} == {"my-sea"}


@pytest.mark.parametrize("flag", ["experiment", "source_id"])
@pytest.mark.parametrize("text", ["two_words", "a b", "-a", "a/b"])
def test_a_label_that_cannot_be_part_of_a_name(tmp_path, flag, text):
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1))
    with pytest.raises(ConfigError, match=f"'{text}' cannot be part"):
        export_cmor(tmp_path, tmp_path / "cmor", **{flag: text})
    assert not (tmp_path / "cmor").exists()


def test_every_synthetic_variable_is_exported_but_one():
    assert set(SIZES) - set(NAMES.values()) == {"P_minus_E_rate"}


def test_what_else_cmip_names_is_exported_too(tmp_path, caplog):
    """Vertical velocity, and relative humidity in CMIP's unit; none is asked for."""
    names = (*SIZES, "vertical_velocity", "relative_humidity")
    bounds = month_bounds("1982-01", 1)
    written = write_means(tmp_path / "monthly.zarr", bounds, variables=names)
    export_cmor(tmp_path, tmp_path / "cmor")
    for name, source, unit, factor in (
        ("wap", "vertical_velocity", "Pa s-1", 1),
        ("hur", "relative_humidity", "%", 100),
    ):
        with xr.open_dataset(tmp_path / "cmor" / named(name, "198201-198201")) as ds:
            values = written[source][0][:, POSITIONS].astype(np.float64) * factor
            np.testing.assert_array_equal(ds[name], values.astype(np.float32))
            assert ds[name].attrs["units"] == unit
    assert "tntmp" not in caplog.text


def test_a_variable_that_only_its_model_has(tmp_path):
    """Under the CMIP name that the run says; not one that another variable has."""
    store = tmp_path / "monthly.zarr"
    bounds = month_bounds("1982-01", 1)
    names = "surface_pressure", "P_minus_E_rate", "lowest_level_temperature"
    written = write_means(store, bounds, variables=names)
    group = zarr.open_group(store, mode="r+")
    group[names[1]].attrs.update(
        {"cmip_name": "tas", "long_name": "Warmth", "units": "K"}
    )
    group[names[2]].attrs["cmip_name"] = "ta"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no word on consolidated metadata
        zarr.consolidate_metadata(store)
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    assert [path.name.split("_")[0] for path in paths] == ["ps", "tas", "areacella"]
    with xr.open_dataset(tmp_path / "cmor" / named("tas", "198201-198201")) as ds:
        np.testing.assert_array_equal(ds["tas"], written[names[1]][0])
        assert (ds["tas"].attrs["units"], ds["tas"].attrs["long_name"]) == (
            "K",
            "Warmth",
        )
