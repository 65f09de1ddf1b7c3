"""Files of results: checked before work, whole when they have their name."""

import pytest
import xarray as xr

from ngcm_cli.errors import OutputError
from ngcm_cli.output.dataset_file import check_output, write_dataset


def test_what_cannot_be_written_is_refused(tmp_path):
    path = tmp_path / "a.nc"
    check_output(path, overwrite=False)
    path.touch()
    check_output(path, overwrite=True)
    with pytest.raises(OutputError, match="exists"):
        check_output(path, overwrite=False)
    with pytest.raises(OutputError, match="is a directory"):
        check_output(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="no, does not exist"):
        check_output(tmp_path / "no" / "a.nc", overwrite=False)


def test_a_file_that_fails_leaves_nothing_behind(tmp_path):
    data, path = xr.Dataset({"x": ("i", [1.0, 2.0])}), tmp_path / "a.nc"

    def fail(new):
        raise OSError("the disk is full")

    with pytest.raises(OutputError, match=r"a\.nc could not be written: the disk is"):
        write_dataset(data, path, {}, complete=fail)
    assert list(tmp_path.iterdir()) == []
    write_dataset(data, path, {})
    with xr.open_dataset(path) as written:
        assert written["x"].values.tolist() == [1, 2]
