"""Zeros of packed values in stores whose fill value is zero by default."""

import numpy as np
import pytest
import zarr
from small_analysis import read_state

from ngcm_cli.errors import InputDataError


def packed(native, path, name="temperature", marks=None, zero=None, **attributes):
    """Write one variable as 16-bit integers whose fill value is 0 by default."""
    native.to_zarr(path, zarr_format=2, consolidated=False)
    values = native[name].values
    low, high = values.min(), values.max()
    zero, step = low + (high - low) / 2 if zero is None else zero, (high - low) / 30000
    stored = np.rint((values - zero) / step).astype("i2")
    if marks is not None:
        stored[marks] = 0
    group = zarr.open_group(path, mode="a", zarr_format=2)
    chunks = group[name].chunks
    del group[name]
    array = group.create_array(name, data=stored, chunks=chunks, fill_value=0)
    array.attrs.update(
        _ARRAY_DIMENSIONS=list(native[name].dims),
        units=native[name].attrs["units"],
        scale_factor=float(step),
        add_offset=float(zero),
        **attributes,
    )
    return array


def test_packed_zeros_are_values_among_others_near_them(tmp_path, native):
    """Zero is the middle of the range, and the default of the store's fill value."""
    middle = float(native["temperature"].isel(time=0)[1].mean())
    native["temperature"][0, 1, 3, 4] = middle  # stored as zero
    packed(native, tmp_path / "a.zarr", zero=middle)
    native.to_netcdf(tmp_path / "a.nc")
    one, other = (read_state(tmp_path / n) for n in ("a.zarr", "a.nc"))
    np.testing.assert_allclose(
        one.fields["temperature"], other.fields["temperature"], atol=0.01
    )


def test_packed_zeros_that_may_be_missing(tmp_path, native):
    """Many of them, as below the ground: the store must say so."""
    marks = (slice(None), -1, slice(0, 6))
    array = packed(native, tmp_path / "a.zarr", marks=marks)
    with pytest.raises(InputDataError, match="known whether 96 values") as caught:
        read_state(tmp_path / "a.zarr")
    assert "are stored as 0, which stands for 2" in caught.value.message
    assert "missing_value 0" in caught.value.hint
    array.attrs["missing_value"] = 0
    state = read_state(tmp_path / "a.zarr")
    assert "Below the ground (75 % of the points at 1000 hPa)" in " ".join(
        state.analysis.notes
    )
