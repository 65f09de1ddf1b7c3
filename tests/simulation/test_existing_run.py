"""What exists under the name of an output, and what becomes of it."""

import pytest
import zarr
from runs import AMIP, ENSEMBLE, FORECAST, Stop, read, stopping

from ngcm_cli.errors import OutputError
from ngcm_cli.simulation import run
from ngcm_cli.simulation.existing_run import ExistingRun, find_paths, format_ranges


def test_ranges():
    assert format_ranges([0, 1, 2, 3, 4, 7]) == "0 to 4, 7"
    assert format_ranges([]) == "" and format_ranges([3]) == "3"


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_a_run_is_read_before_and_after_its_end(tiny, tmp_path, case):
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(0, 2))
    paths = find_paths(tmp_path / case.output)
    before = ExistingRun.read(paths)
    assert (before.record["command"], before.is_finished) == (case.command, False)
    assert before.complete == frozenset() and before.record["failed"] == []
    case.resume(tmp_path)
    after = ExistingRun.read(paths)
    assert after.record["settings"] == before.record["settings"]
    assert after.batch == before.batch
    assert after.members == before.members
    assert after.run != before.run
    if case is not AMIP:  # whose directory keeps what it needs to be resumed
        assert after.is_finished and after.complete == frozenset(after.members)


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_an_output_is_not_overwritten_unasked(whole, tmp_path, case):
    case.start(tmp_path)
    with pytest.raises(OutputError, match="exists"):
        case.start(tmp_path)
    if case is not AMIP:
        case.start(tmp_path, overwrite=True, seed=8)
        assert read(tmp_path / case.output).attrs["seed"] == 8


@pytest.mark.parametrize("case", [FORECAST, ENSEMBLE, AMIP], ids=str)
def test_an_interrupted_run_is_offered(tiny, tmp_path, case):
    with pytest.raises(Stop):
        case.start(tmp_path, stopping(0, 2))
    resume = f"`ngcm {case.command} --resume {tmp_path / case.output}`"
    with pytest.raises(OutputError, match="exists") as caught:
        case.start(tmp_path)
    assert resume in caught.value.hint
    if case is not AMIP:
        case.start(tmp_path, overwrite=True)
        assert [path.name for path in tmp_path.iterdir()] == [case.output]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(OutputError, match="nothing.zarr"):
        run.ensemble(resume=tmp_path / "nothing.zarr")
    with pytest.raises(OutputError, match="There is no run in"):
        run.amip(resume=tmp_path / "nothing")
    with pytest.raises(OutputError, match="nothing.nc cannot be opened"):
        run.forecast(resume=tmp_path / "nothing.nc")
    zarr.create_group(tmp_path / "other.zarr")
    with pytest.raises(OutputError, match="is not the complete output of this"):
        run.ensemble(resume=tmp_path / "other.zarr")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="no run is there"):
        run.amip(resume=tmp_path / "folder")


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"version": 99}', "has version 99 of its format"),
        (None, "was written by an older version of ngcm"),
    ],
)
def test_a_record_that_cannot_be_used(tiny, tmp_path, content, sentence):
    with pytest.raises(Stop):
        AMIP.start(tmp_path, stopping(0, 1))
    record = tmp_path / AMIP.output / "run.json"
    record.unlink() if content is None else record.write_text(content)
    with pytest.raises(OutputError, match=sentence):
        AMIP.resume(tmp_path)


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("days: '4'", "days: '5'", "was made with days 4, not 5"),
        ("seed: '7'", "seed: '1'", "was made with seed 7, not 1"),
        ("means: monthly,daily", "means: daily", "with means monthly,daily, not daily"),
        ("every: 12h\n", "", "was made with every 12h, not not given"),
        ("starts: '1'", "starts: '2'", "was made with starts 1, not 2"),
    ],
)
def test_a_run_file_that_was_changed(tiny, tmp_path, old, new, sentence):
    with pytest.raises(Stop):
        AMIP.start(tmp_path, stopping(0, 1))
    run_file = tmp_path / AMIP.output / "run.yaml"
    text = run_file.read_text()
    assert old in text
    run_file.write_text(text.replace(old, new))
    with pytest.raises(OutputError, match=sentence):
        AMIP.resume(tmp_path)
