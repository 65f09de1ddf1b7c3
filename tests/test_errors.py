"""Text from outside in messages: bounded and safe to print."""

import numpy as np
import pytest
from small_analysis import native_analysis, read_state

from ngcm_cli.errors import InputDataError, printable


@pytest.mark.parametrize(
    "text, shown",
    [
        ("m s-1 °C Φ – 温度", "m s-1 °C Φ – 温度"),
        ("a\x1b[31mb\x07", "a\\x1b[31mb\\x07"),
        ("a\u202eb\u2066c\u200bd", "a\\u202eb\\u2066c\\u200bd"),
        ("a\r\nb\tc\u2028d\xa0e\x85f", "a  b c d e f"),
        ("a\udce4\x9b", "a\\udce4\\x9b"),
    ],
)
def test_what_is_not_printable_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


@pytest.mark.parametrize("character", ["x", "\x1b", "\U000e0001"])
def test_megabytes_fit_on_a_screen(character):
    error = InputDataError(f"Begin {character * 10**6} end.", f"Do {character * 10**6}")
    assert error.message.startswith("Begin ") and error.message.endswith(" end.")
    assert len(str(error)) < 24 * 80
    assert str(error).isprintable()


@pytest.mark.parametrize("units", ["K\x1b[2J\u202e", "K" * 10**5, np.arange(4000)])
def test_units_of_a_file_reach_no_terminal(tmp_path, units):
    native = native_analysis()
    native["temperature"].attrs["units"] = units
    native.to_netcdf(tmp_path / "a.nc")
    with pytest.raises(InputDataError, match="units") as caught:
        read_state(tmp_path / "a.nc")
    assert str(caught.value).isprintable() and len(str(caught.value)) < 24 * 80
