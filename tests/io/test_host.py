import os
import pathlib
import resource

from ngcm_cli.io.host import (
    core_count,
    free_host_memory,
    peak_host_memory,
    processor_name,
)


def test_memory_in_bytes():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 1e7 < free_host_memory() <= max(total, 4e9)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    now = pages * resource.getpagesize()
    assert 0.9 * now <= peak_host_memory() < total


def test_the_peak_of_memory_stays():
    held = b"x" * 200_000_000
    before = peak_host_memory()
    del held
    assert before > 2e8
    assert peak_host_memory() >= before


def test_processor():
    assert 1 <= core_count() <= (os.cpu_count() or 1)
    assert processor_name() is None or processor_name().strip()
