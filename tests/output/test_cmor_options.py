"""What a data manager asks of an export: labels, levels, tables, period, files, sea."""

import re
import warnings

import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from climate_run import LEVELS, day_bounds, month_bounds, write_means

from ngcm_cli.errors import ConfigError, InputDataError, OutputError
from ngcm_cli.output.cmor import export_cmor

PLEV19 = [
    *(100000, 92500, 85000, 70000, 60000, 50000, 40000, 30000, 25000, 20000, 15000),
    *(10000, 7000, 5000, 3000, 2000, 1000, 500, 100),
]
PLEV8 = [100000, 85000, 70000, 50000, 25000, 10000, 5000, 1000]
AIMIP = PLEV8[:-1]
ALL_LEVELS = tuple(sorted({*(p // 100 for p in PLEV19), 2, 3, 7, 125, 175, 225, 775}))
PS = {"variables": ("surface_pressure",)}


@pytest.fixture
def run(tmp_path):
    """Where a run of surface pressure is written: ``run(first, months)``."""

    def run(first="1982-01", months=2, **kwargs):
        bounds = month_bounds(first, months)
        write_means(tmp_path / "monthly.zarr", bounds, **{**PS, **kwargs})
        return tmp_path

    return run


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.nc"))


@pytest.mark.parametrize(
    ("levels", "monthly", "daily"),
    [
        ("aimip", AIMIP, AIMIP),
        ("cmip6", PLEV19, PLEV8),
        ("plev19", PLEV19, PLEV19),
        ("PLEV8", PLEV8, PLEV8),
    ],
)
def test_levels(tmp_path, levels, monthly, daily):
    one = {"variables": ("temperature",), "levels": ALL_LEVELS}
    for store, bounds in (
        ("monthly", month_bounds("1982-01", 1)),
        ("daily", day_bounds("1982-01-01", 1)),
    ):
        written = write_means(tmp_path / f"{store}.zarr", bounds, **one)["temperature"]
    paths = export_cmor(tmp_path, tmp_path / "cmor", levels=levels)
    for path, expected in zip(paths, (monthly, daily), strict=False):
        with xr.open_dataset(path) as ds:
            np.testing.assert_array_equal(ds["plev"], expected)
            positions = [ALL_LEVELS.index(p // 100) for p in expected]
            np.testing.assert_array_equal(ds["ta"], written[0][:, positions])


def test_tables_of_aimip(tmp_path):
    write_means(tmp_path / "daily.zarr", day_bounds("1982-01-01", 1))
    paths = export_cmor(tmp_path, tmp_path / "cmor", tables="aimip")
    assert {path.name.split("_")[1] for path in paths} == {"day", "fx"}


def test_labels(run):
    labels = {
        "experiment": "amip",
        "activity": "CMIP",
        "source_id": "NGCM-1",
        "institution": "University of  Nowhere,\nDepartment 3",
        "institution_id": "UN",
        "contact": "data@example.org",
        "license": "CC BY 4.0",
        "variant": "r3i2p4f5",
        "variant_info": "p4: as tuned",
    }
    folder = run(members=2)
    paths = export_cmor(folder, folder / "cmor", **labels)
    assert [path.name for path in paths] == [
        "ps_Amon_NGCM-1_amip_r3i2p4f5_gn_198201-198202.nc",
        "ps_Amon_NGCM-1_amip_r4i2p4f5_gn_198201-198202.nc",
        "areacella_fx_NGCM-1_amip_r3i2p4f5_gn.nc",
    ]
    with netCDF4.Dataset(paths[1]) as file:
        assert file.activity_id == "CMIP" and file.institution_id == "UN"
        assert file.institution == "University of Nowhere, Department 3"
        assert file.contact == "data@example.org" and file.license == "CC BY 4.0"
        indices = "realization", "initialization", "physics", "forcing"
        assert [file.getncattr(f"{x}_index") for x in indices] == [4, 2, 4, 5]
        assert file.variant_label == "r4i2p4f5"
        assert file.variant_info == "p4: as tuned"
        assert file.further_info_url == (
            "https://furtherinfo.es-doc.org/CMIP6.UN.NGCM-1.amip.none.r4i2p4f5"
        )


def test_what_is_unspecified_is_said(run, caplog):
    folder = run()
    export_cmor(folder, folder / "cmor", contact="us", experiment="aimip")
    assert "institution of the files: unspecified; CMIP wants --institution" in (
        caplog.text
    )


def test_the_variant_says_what_the_settings_were(run):
    folder = run(
        mean_surface_pressure="fixed", sst_offset=-1.5, sst_source="sst.nc", seed=3
    )
    paths = export_cmor(folder, folder / "cmor", experiment="m", variant="r1i1p2f3")
    with netCDF4.Dataset(paths[0]) as file:
        assert file.variant_info == (
            "r1: realization 0 of its store, random seed 3; "
            "i1: era5_tl31_1959-01-02T00.nc, the bundled ERA5 state; "
            "p2: tl63_stochastic_mini with fixed mean surface pressure; "
            "f3: sea of sst.nc, -1.5 K"
        )


@pytest.mark.parametrize(
    ("period", "files"),
    [
        ("1983/1983", ["198301-198312"]),
        ("1982-12/1983-01", ["198212-198301"]),
        ("1982-12-02/1983-02-27", ["198301-198301"]),
    ],
)
def test_a_period(run, caplog, period, files):
    folder = run("1982-07", 30)
    paths = export_cmor(folder, folder / "cmor", period=period)
    assert [path.stem.split("_")[-1] for path in paths[:-1]] == files
    is_partly = "only 1983-01-01 to 1983-02-01 is exported" in caplog.text
    assert is_partly == ("-02/" in period)


def test_files_of_some_years(run):
    folder = run("1982-11", 39)
    paths = export_cmor(folder, folder / "a", years_per_file="2")
    periods = [path.stem.split("_")[-1] for path in paths[:-1]]
    assert periods == ["198211-198312", "198401-198512", "198601-198601"]
    whole = export_cmor(folder, folder / "b")[0]
    with xr.open_dataset(whole) as ds:
        for name in ("ps", "time_bnds"):
            parts = [xr.load_dataset(path)[name].values for path in paths[:-1]]
            np.testing.assert_array_equal(ds[name], np.concatenate(parts))


def test_nothing_follows_the_file_of_a_realization_that_blew_up(run):
    def blow_up(name, fields):
        fields[0, 13] = np.nan

    folder = run("1982-01", 48, changes=blow_up)
    paths = export_cmor(folder, folder / "cmor", years_per_file=1)
    periods = [path.stem.split("_")[-1] for path in paths[:-1]]
    assert periods == ["198201-198212", "198301-198301"]


def test_a_longer_file_is_not_replaced_by_a_part_of_it(run):
    folder = run("1982-01", 24)
    export_cmor(folder, folder / "cmor")
    with pytest.raises(OutputError, match="198201-198312.nc would be lost"):
        options = {"period": "1983/1983", "overwrite": True}
        export_cmor(folder, folder / "cmor", **options)
    export_cmor(folder, folder / "cmor", years_per_file=1, overwrite=True)
    periods = [name[-16:-3] for name in names(folder / "cmor")[1:]]
    assert periods == ["198201-198212", "198301-198312"]


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("period", "1983", "'1983' is not a period"),
        ("period", "1983/1982", "is not a period"),
        ("period", "1983-13/1984", "is not a period"),
        ("period", "1983/1984/1985", "is not a period"),
        ("variant", "r0i1p1f1", "is not a variant label.*r1i1p1f1"),
        ("variant", "r1i1p1", "is not a variant label"),
        ("variant", "r1i1p1f٣", "is not a variant label"),
        ("levels", "plev27", "is none of aimip, cmip6, plev19, plev8"),
        ("tables", "Amon", "is none of cmip6, aimip"),
        ("years_per_file", "0", "is not a number of years"),
        ("activity", "C M", "cannot be part of the name.*C-M"),
        ("institution_id", "a_b", "cannot be part of the name"),
        ("contact", "\udcff", "--contact '.*' has bytes that are not UTF-8"),
        ("source_id", "a" * 61, "--source-id gives has 61 characters.*at most 60"),
        ("tree", True, "begins with the institution.*--institution-id"),
    ],
)
def test_an_option_that_is_not_understood(run, option, text, words):
    folder = run()
    with pytest.raises(ConfigError, match=words):
        export_cmor(folder, folder / "cmor", **{option: text})
    assert not (folder / "cmor").exists()


@pytest.mark.parametrize(
    ("output", "words"),
    [("cmor\udcff", "not UTF-8"), ("monthly.zarr/cmor", "monthly.zarr, which is exp")],
)
def test_a_folder_that_files_cannot_be_in(run, output, words):
    folder = run()
    with pytest.raises((ConfigError, OutputError), match=words):
        export_cmor(folder, folder / output)
    assert not (folder / output).exists()


def test_a_period_without_a_whole_month(run):
    folder = run("1982-01", 12)
    words = "no complete month or day in 1990/1991.*from 1982-01-01 to 1983-01-01"
    with pytest.raises(InputDataError, match=words):
        export_cmor(folder, folder / "cmor", period="1990/1991")


def test_what_a_killed_export_left_is_removed(run):
    folder = run()
    paths = export_cmor(folder, folder / "cmor")
    left = paths[0].with_name(f".{paths[0].name}.0123abcd.partial")
    paths[0].rename(left)
    export_cmor(folder, folder / "cmor")
    assert paths[0].is_file() and not left.exists()


def test_aimips_directory_tree(run):
    folder = run()
    labels = {"institution_id": "UN", "source_id": "NGCM", "experiment": "aimip"}
    export_cmor(folder, folder / "cmor", tree=True, **labels)
    root, label = "UN/NGCM/aimip/r1i1p1f1", r"NGCM_aimip_r1i1p1f1_gn"
    patterns = (
        rf"{root}/Amon/ps/gn/v\d{{8}}/ps_Amon_{label}_198201-198202.nc",
        rf"{root}/fx/areacella/gn/v\d{{8}}/areacella_fx_{label}.nc",
    )
    for name, pattern in zip(names(folder / "cmor"), patterns, strict=True):
        assert re.fullmatch(pattern, name)


def test_what_is_below_the_ground_is_missing_on_request(tmp_path):
    fields = ("temperature", "surface_pressure", "geopotential")
    written = write_means(
        tmp_path / "monthly.zarr", month_bounds("1982-01", 2), variables=fields
    )
    paths = export_cmor(tmp_path, tmp_path / "cmor", mask_below_ground=True)
    with xr.open_dataset(paths[0]) as ds:
        pressure = written["surface_pressure"][0][:, None]
        below = ds["plev"].values[:, None, None] > pressure
        assert 0.1 < below.mean() < 0.3
        np.testing.assert_array_equal(np.isnan(ds["ta"]), below)
        positions = [LEVELS.index(p // 100) for p in AIMIP]
        expected = np.where(below, np.nan, written["temperature"][0][:, positions])
        np.testing.assert_array_equal(ds["ta"], expected)
        assert "missing where the mean surface pressure" in ds["ta"].attrs["comment"]
    with xr.open_dataset(paths[2]) as ds:
        assert ds["ps"].notnull().all() and "missing" not in ds["ps"].attrs["comment"]


def test_the_ground_cannot_be_told_without_its_pressure(run):
    folder = run(variables=("temperature",))
    with pytest.raises(InputDataError, match="has no surface_pressure.*--mask-below"):
        export_cmor(folder, folder / "cmor", mask_below_ground=True)


def test_levels_above_the_model_say_so(tmp_path):
    one = {"variables": ("temperature",), "levels": ALL_LEVELS}
    write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1), **one)
    level = zarr.open_group(tmp_path / "monthly.zarr")["level"]
    level.attrs["highest_model_level"] = 15.6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr 3 has no word on consolidated metadata
        zarr.consolidate_metadata(tmp_path / "monthly.zarr")
    paths = export_cmor(tmp_path, tmp_path / "cmor", levels="plev19")
    with netCDF4.Dataset(paths[0]) as file:
        assert "10, 5, 1 hPa: extrapolated, above the high" in file["ta"].comment


SEA = ("sea_surface_temperature", "sea_ice_cover")


@pytest.mark.parametrize("has_ground", [True, False])
@pytest.mark.parametrize("store", ["monthly", "daily"])
def test_the_sea_that_was_used(tmp_path, has_ground, store):
    of_month = store == "monthly"
    bounds = month_bounds("1982-01", 2) if of_month else day_bounds("1982-01-01", 2)
    written = write_means(tmp_path / f"{store}.zarr", bounds, variables=SEA)
    land = np.zeros((4, 8))
    land[1], land[2] = 100.0, 99.0
    ground = {"sftlf": land, "orog": 10 * land}
    paths = export_cmor(
        tmp_path, tmp_path / "cmor", ground=lambda: ground if has_ground else None
    )
    tables = ("Omon", "SImon") if of_month else ("Oday", "SIday")
    assert [path.name.split("_")[:2] for path in paths[:2]] == [
        ["tos", tables[0]],
        ["siconc", tables[1]],
    ]
    kelvin, share = (written[name][0].astype(np.float64) for name in SEA)
    hidden = (land == 100) & has_ground
    with xr.open_dataset(paths[0]) as ds:
        expected = np.where(hidden, np.nan, (kelvin - 273.15).astype(np.float32))
        np.testing.assert_array_equal(ds["tos"], expected)
        assert ds["tos"].attrs["units"] == "degC" and ds.attrs["realm"] == "ocean"
        methods = (
            "area: mean where sea time: mean" if has_ground else "area: time: mean"
        )
        assert ds["tos"].attrs["cell_methods"] == methods
    with xr.open_dataset(paths[1]) as ds:
        expected = np.where(hidden, np.nan, (100 * share).astype(np.float32))
        np.testing.assert_array_equal(ds["siconc"], expected)
        assert ds["siconc"].attrs["units"] == "%" and ds.attrs["realm"] == "seaIce"
        assert ds["type"].values == b"sea_ice"
    names = [path.name.split("_")[:2] for path in paths[2:]]
    fixed = ["areacella", "sftlf", "orog"] if has_ground else ["areacella"]
    assert names == [[name, "fx"] for name in fixed]
    if has_ground:
        with xr.open_dataset(paths[3]) as ds:
            np.testing.assert_array_equal(ds["sftlf"], land)
            assert ds["type"].values == b"land"
        with xr.open_dataset(paths[4]) as ds:
            np.testing.assert_array_equal(ds["orog"], 10 * land)


@pytest.mark.parametrize(
    ("source", "name", "tables", "positive"),
    [
        ("total_column_cloud_ice_water", "clivi", ("Amon", "CFday"), None),
        ("total_column_cloud_condensed_water", "clwvi", ("Amon", "CFday"), None),
        ("toa_incoming_shortwave_flux", "rsdt", ("Amon", "CFday"), "down"),
    ],
)
def test_cloud_and_sun(tmp_path, source, name, tables, positive):
    one = {"variables": (source,)}
    written = write_means(tmp_path / "monthly.zarr", month_bounds("1982-01", 1), **one)
    write_means(tmp_path / "daily.zarr", day_bounds("1982-01-01", 1), **one)
    paths = export_cmor(tmp_path, tmp_path / "cmor")
    assert tuple(path.name.split("_")[1] for path in paths[:2]) == tables
    with xr.open_dataset(paths[0]) as ds:
        np.testing.assert_array_equal(ds[name], written[source][0])
        assert ds[name].attrs.get("positive") == positive
        assert ds[name].attrs["cell_methods"] == "area: time: mean"
