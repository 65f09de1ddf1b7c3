"""What is removed or damaged while a run goes on, or before it is resumed."""

import shutil

import pytest
import xarray as xr
import zarr
from runs import (
    AMIP,
    ENSEMBLE,
    FORECAST,
    STATISTICS_ONLY,
    Stop,
    after,
    assert_same,
    assert_same_values,
    read,
    seeing,
    stopping,
)

from ngcm_cli.errors import OutputError
from ngcm_cli.output import schema
from ngcm_cli.simulation import run
from ngcm_cli.simulation.status import check_output

STORES = {FORECAST: "", ENSEMBLE: "", STATISTICS_ONLY: "", AMIP: "daily.zarr"}


def remove(path):
    path.rename(path.parent.parent / "removed")


def overwrite(path):
    path.write_bytes(bytes(100) + path.read_bytes()[100:])


def copy(path):
    shutil.copytree(path, path.parent / "copy")
    path.rename(path.parent.parent / "removed")
    (path.parent / "copy").rename(path)


def chunk(store, name, *index):
    """Return the first file of a variable with this record."""
    array = zarr.open_array(store / name, mode="r")
    sizes = array.shards or array.chunks
    place = [i // size for i, size in zip(index, sizes, strict=False)]
    return min((store / name).glob(".".join(map(str, ("c", *place, "*")))))


@pytest.mark.parametrize("windows", [2, 5])
@pytest.mark.parametrize(
    "what, how",
    [
        ("", remove),
        ("", copy),
        ("surface_pressure", remove),
        ("temperature/c.0.0.0.0.0", remove),
        ("lead_time", remove),
    ],
)
def test_a_forecast_loses_what_it_writes(tiny, tmp_path, what, how, windows):
    folder = tmp_path / "folder"
    folder.mkdir()
    store = folder / FORECAST.output
    with pytest.raises(OutputError, match=f"{FORECAST.output}.* (removed|missing)"):
        FORECAST.start(folder, after(0, windows, lambda: how(store / what)))
    if not what and how is remove:
        assert not store.exists()
    elif what != "lead_time":
        assert xr.open_zarr(store).attrs["status"] != "complete"


@pytest.mark.parametrize("what", ["", "daily.zarr", "monthly.zarr/temperature"])
def test_a_long_run_loses_what_it_writes(tiny, tmp_path, what):
    folder = tmp_path / "folder"
    folder.mkdir()
    lose = after(0, 2, lambda: remove(folder / AMIP.output / what))
    with pytest.raises(OutputError, match=f"{AMIP.output}.*removed"):
        AMIP.start(folder, lose)
    assert not (folder / AMIP.output / what).exists()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), overwrite])
@pytest.mark.parametrize(
    "case, task, windows, lost",
    [
        (FORECAST, 0, 4, ("temperature", 0, 1)),
        (ENSEMBLE, 2, 1, ("temperature", 2, 0, 1)),
        (ENSEMBLE, 2, 2, ("surface_pressure_std", 0, 0)),
    ],
)
def test_damage_is_computed_again(
    whole, tmp_path, caplog, case, task, windows, lost, damage
):
    expected = whole(case)
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(task, windows))
    file = chunk(tmp_path / case.output / STORES[case], *lost)
    damage(file)
    case.resume(tmp_path)
    assert file.name in caplog.text and "computed again" in caplog.text
    assert_same(tmp_path / case.output, expected)


def test_a_long_run_goes_back_to_a_restart_file(whole, tmp_path, monkeypatch):
    expected = whole(AMIP)
    monkeypatch.setattr(schema, "_chunks_in_file", lambda size, count: 1)
    with pytest.raises(Stop):
        AMIP.start(tmp_path, stopping(0, 4))
    chunk(tmp_path / "climate" / "daily.zarr", "temperature", 3).unlink()
    seen = []
    AMIP.resume(tmp_path, seeing(seen))
    assert [one.windows for one in seen] == [4]
    for store in expected.glob("*.zarr"):
        assert_same_values(tmp_path / "climate" / store.name, store)


def test_damaged_statistics_are_computed_again(whole, tmp_path, caplog):
    case = STATISTICS_ONLY
    expected = whole(case)
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(2, 3))
    overwrite(chunk(tmp_path / case.output, "temperature_p50", 0, 1))
    case.resume(tmp_path)
    assert "temperature_p50" in caplog.text
    assert_same(tmp_path / case.output, expected)


def test_damage_before_all_restart_files_is_refused_by_name(tiny, tmp_path):
    with pytest.raises(Stop):
        AMIP.start(tmp_path, stopping(0, 4))
    lost = chunk(tmp_path / "climate" / "daily.zarr", "temperature", 0)
    lost.unlink()
    for _ in range(2):
        with pytest.raises(OutputError, match=f"{lost} is missing. No restart file"):
            AMIP.resume(tmp_path)


@pytest.mark.parametrize("case", [FORECAST, AMIP], ids=str)
def test_a_complete_output_is_compared(whole, tmp_path, case):
    shutil.copytree(whole(case), tmp_path / case.output)
    store = tmp_path / case.output / STORES[case]
    number = sum(
        path.is_file() and not path.name.startswith(".checksums")
        for path in (tmp_path / case.output).rglob(
            "*.zarr/*/**/*" if store != tmp_path / case.output else "*/**/*"
        )
    )
    assert check_output(tmp_path / case.output) == (
        f"{number} files are as they were written"
    )
    lost = chunk(store, "temperature", 0)
    overwrite(lost)
    with pytest.raises(OutputError, match=f"{lost} is damaged"):
        check_output(tmp_path / case.output)
    with pytest.raises(OutputError, match=f"{lost} is damaged"):
        case.resume(tmp_path)


def test_a_netcdf_file_is_read_through(tiny, tmp_path):
    output = FORECAST.start(tmp_path, output=tmp_path / "out.nc")
    assert "variables can be read" in check_output(output)
    content = bytearray(output.read_bytes())
    packed = content.rfind(b"x\x01") + 20  # how zlib begins
    content[packed : packed + 20] = bytes(20)
    output.write_bytes(content)
    with pytest.raises(OutputError, match="out.nc is damaged"):
        check_output(output)


def test_a_store_of_an_earlier_version_is_resumed_unchecked(whole, tmp_path, caplog):
    expected = whole(FORECAST)
    with pytest.raises(Stop):
        FORECAST.start(tmp_path, stopping(0, 4))
    for log in (tmp_path / FORECAST.output).glob("*/.checksums*"):
        log.unlink()
    FORECAST.resume(tmp_path)
    assert "without checksums" in caplog.text
    FORECAST.resume(tmp_path)  # of a finished one, too
    assert read(tmp_path / FORECAST.output).equals(read(expected))


def test_the_next_run_removes_what_was_left_of_a_file(tiny, tmp_path):
    output = FORECAST.start(tmp_path, output=tmp_path / "[a].nc")
    for name in ".[a].nc.0badcafe.partial", ".[a].partial.zarr.0badcafe.partial":
        (tmp_path / name).mkdir()
    run.forecast(resume=output)
    assert list(tmp_path.iterdir()) == [output]


def test_a_link_to_itself_is_a_sentence(tiny, tmp_path):
    loop = tmp_path / FORECAST.output
    loop.symlink_to(loop)
    with pytest.raises(OutputError):
        FORECAST.start(tmp_path)
    with pytest.raises(OutputError):
        FORECAST.resume(tmp_path)
