"""What an export reads, and when: chunks once, the model last."""

import warnings

import pytest
import xarray as xr
import zarr
from climate_run import month_bounds, write_means

from ngcm_cli.errors import InputDataError, OutputError
from ngcm_cli.output.cmor import export_cmor


@pytest.mark.parametrize("members", [1, 2])
def test_a_chunk_of_several_records_is_read_once(tmp_path, members, monkeypatch):
    """As in Zarr 2, where what a file holds is compressed together."""
    names = ("temperature", "surface_pressure")
    path, bounds = tmp_path / "monthly.zarr", month_bounds("1981-12", 8)
    fields = write_means(path, bounds, members=members, variables=names, completed=7)
    expected = [
        export_cmor(
            tmp_path, tmp_path / f"one-{p is None}", mask_below_ground=True, period=p
        )
        for p in (None, "1982-02/1982-06")
    ]
    group = zarr.open_group(path, mode="a", use_consolidated=False)
    for name in names:
        one = group[name]
        assert isinstance(one, zarr.Array)
        dims, attributes = one.metadata.to_dict()["dimension_names"], dict(one.attrs)
        del group[name]
        x = fields[name] if members > 1 else fields[name][0]
        lead = (1, 3) if members > 1 else (3,)
        group.create_array(
            name,
            data=x,
            chunks=lead + x.shape[len(lead) :],
            dimension_names=dims,
            attributes=attributes,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)
    reads, read = [], zarr.Array.__getitem__

    def count(array, index):
        if array.basename in names:
            reads.append(array.basename)
        return read(array, index)

    monkeypatch.setattr(zarr.Array, "__getitem__", count)
    for period, paths in zip((None, "1982-02/1982-06"), expected, strict=True):
        reads.clear()
        folder = tmp_path / f"all-{period is None}"
        found = export_cmor(tmp_path, folder, mask_below_ground=True, period=period)
        # Temperature, pressure for its mask, and pressure itself; of three chunks each.
        assert reads.count("temperature") == 3 * members
        assert reads.count("surface_pressure") <= 2 * 3 * members
        for one, other in zip(paths, found, strict=True):
            with xr.open_dataset(one) as a, xr.open_dataset(other) as b:
                xr.testing.assert_equal(a, b)


def test_what_is_refused_is_refused_before_the_model_is_opened(tmp_path):
    def ground():
        raise AssertionError("opened")

    bounds, folder = month_bounds("1982-01", 2), tmp_path
    write_means(folder / "monthly.zarr", bounds, variables=("surface_pressure",))
    with pytest.raises(InputDataError, match="has no complete month or day in 1999"):
        export_cmor(folder, folder / "cmor", ground=ground, period="1999/1999")
    export_cmor(folder, folder / "cmor")
    with pytest.raises(OutputError, match="overwrite|exist"):
        export_cmor(folder, folder / "cmor", ground=ground)
