"""Numbers and sizes as people read them."""

import pytest

from ngcm_cli.io.progress import format_number, format_size


@pytest.mark.parametrize(
    "value, digits, text",
    [(929_123.4, 4, "929100"), (1709.6, 3, "1710"), (999.7, 3, "1000")]
    + [(643.42, 4, "643.4"), (0.05542, 3, "0.0554"), (0.0, 3, "0")],
)
def test_large_numbers_have_no_exponent(value, digits, text):
    assert format_number(value, digits) == text


@pytest.mark.parametrize(
    "count, text",
    [(0, "0 B"), (999, "999 B"), (999_400, "999 kB"), (999_900, "1 MB")]
    + [(1_040_000_000, "1.04 GB"), (999_960_000, "1 GB"), (2.5e15, "2500 TB")],
)
def test_sizes(count, text):
    assert format_size(count) == text
