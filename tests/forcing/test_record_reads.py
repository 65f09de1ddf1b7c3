"""How often fields of a record are read: temperature and ice complete each other."""

import collections

import numpy as np
import pytest
from earth import COVER, TEMPERATURE, at_sea, given, read, sea_file

from ngcm_cli.inputs.input_field import InputField

MONTHS = np.arange("1981-01", "1983-01", dtype="datetime64[M]").astype("datetime64[ns]")


@pytest.fixture
def reads(monkeypatch):
    """Count how often each variable is read at each time."""
    counts = collections.Counter()
    read_stored = InputField.read_stored

    def count(self, time, levels=None):
        counts[self.array.attrs["found"], time] += 1
        return read_stored(self, time, levels)

    monkeypatch.setattr(InputField, "read_stored", count)
    return counts


@pytest.mark.parametrize("mode", ["prescribed", "climatology", "persist"])
@pytest.mark.parametrize("undefined", [True, False])
def test_monthly_means_are_read_once(tmp_path, reads, mode, undefined):
    """Also where open water has no ice, which temperature tells."""
    cover = np.where(COVER > 0.15, COVER, np.nan) if undefined else COVER
    stamps = MONTHS + np.timedelta64(14 * 24 + 12, "h")
    path = sea_file(
        tmp_path / "a.nc",
        at_sea(TEMPERATURE),
        at_sea(cover),
        times=stamps,
        cell_methods="time: mean",
    )
    sst, ice = given(read(path, mode=mode))
    assert {found for found, _ in reads} >= {"sst", "siconc"}
    assert max(reads.values()) == 1
    warm = TEMPERATURE > 275
    assert not ice[warm].any() and np.isfinite(sst).all()
    if mode == "climatology":
        assert len(reads) == 2 * len(MONTHS)
