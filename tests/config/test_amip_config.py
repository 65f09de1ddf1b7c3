"""Settings of long runs: every bad value is a sentence; text and back."""

import pathlib

import numpy as np
import pytest

from ngcm_cli.config import AmipConfig, read_run_file
from ngcm_cli.config.run_file import format_run_file
from ngcm_cli.errors import ConfigError

EVERYTHING = {
    "model": "cards/mine.yaml",
    "data": "arco",
    "seed": 2**32 - 1,
    "variables": "temperature,surface_pressure",
    "levels": "850,500,0.5",
    "grid": "1.5",
    "clip_humidity": True,
    "sst_data": "my sst.nc",
    "sst_time": "instant",
    "sst_offset": "-1.5K",
    "nudge": "era5.zarr",
    "nudge_time": "12h",
    "nudge_variables": "q,v,u",
    "nudge_wavenumber": 20,
    "precision": "float32",
    "offline": True,
    "start": "1979-12-01",
    "years": 2,
    "months": 3,
    "days": 4,
    "members": 5,
    "starts": 6,
    "start_every": "7d",
    "output": "a run",
    "zarr_format": 2,
    "means": "monthly,daily",
    "every": "12h",
    "sample": "3h",
    "restart_every": "8d",
    "fix_mean_pressure": False,
    "on_instability": "rewind",
    "sst_patch": "-10,-160,20,2.5K",
    "batch": 4,
    "scheduler": "tcp://host:8786",
    "coordinator": "host:1234",
    "process": "0/2",
}


@pytest.mark.parametrize(
    "settings, sentence, remedy",
    [
        ({"years": 0}, "years: '0' is not a positive whole", "such as 40."),
        ({"years": -1}, "years: '-1' is not a positive whole", "such as 40."),
        ({"years": "1.5"}, "years: '1.5' is not a positive whole", "such as 40."),
        ({"years": "40y"}, "years: '40y' is not a positive whole", "such as 40."),
        ({"months": True}, "months: 'True' is not a positive whole", "such as 40."),
        ({"days": "30d"}, "days: '30d' is not a positive whole", "such as 40."),
        ({"years": None}, "The length of the run is not given.", "Give --years 40,"),
        (
            {"years": 1001},
            "The last run ends 2983-01-01T00, more than 1000",
            "Give s",
        ),
        ({"years": 999999}, "The last run ends", "shorter runs"),
        ({"starts": 40000}, "The last run ends", "fewer initial times"),
        ({"starts": 999999}, "999999 runs, members times initial times,", "fewer mem"),
        ({"every": "36500d"}, "every 36500d is longer than the run, 365d", "a shorter"),
        ({"members": 0}, "members: '0' is not a positive whole", "such as 40."),
        ({"members": None}, "members: 'None' is not a positive whole", "such as 40."),
        ({"starts": "x"}, "starts: 'x' is not a positive whole", "such as 40."),
        (
            {"start": "1982-01-01T06"},
            "start 1982-01-01T06 is not midnight.",
            "midnight.",
        ),
        ({"start": "1982-02-29"}, "start: '1982-02-29' is not a time.", "Give it as"),
        (
            {"start_every": "36h"},
            "start_every 1d12h is not a multiple of 1d.",
            "Give one",
        ),
        ({"start_every": "0d"}, "start_every 0h is not a multiple of 1d.", "Give one"),
        ({"restart_every": "7h"}, "restart_every 7h is not a multiple of 1d.", "Give"),
        ({"restart_every": 0}, "restart_every 0h is not a multiple of 1d.", "Give"),
        (
            {"restart_every": "x"},
            "restart_every: 'x' is not a duration.",
            "Give it as",
        ),
        ({"sample": "5h"}, "sample 5h does not divide a day.", "Give 6h, 3h or 1h."),
        ({"sample": "0h"}, "sample 0h does not divide a day.", "Give 6h, 3h or 1h."),
        ({"sample": "2d"}, "sample 2d does not divide a day.", "Give 6h, 3h or 1h."),
        (
            {"every": "4h"},
            "every 4h is not a multiple of 6h.",
            "or take samples more often.",
        ),
        (
            {"every": "0h"},
            "every 0h is not a multiple of 6h.",
            "or take samples more often.",
        ),
        ({"means": "weekly"}, "means: There are no 'weekly' means.", "Use monthly,"),
        ({"means": "montly"}, "means: There are no 'montly' means.", "'monthly'?"),
        (
            {"means": ""},
            "means: The value is empty.",
            "Give monthly, daily or both, or none.",
        ),
        ({"means": None}, "means: The value is empty.", "or none."),
        ({"means": "daily,none"}, "means: 'daily,none' is both means and", "Leave out"),
        (
            {"on_instability": "panic"},
            "on_instability: 'panic' is none of stop, re",
            "U",
        ),
        (
            {"sst_climatology": True, "sst_data": "x.nc"},
            "sst_climatology and sst_data name two different records.",
            "Leave out one of them.",
        ),
        (
            {"sst_offset": "50K"},
            "sst_offset: '50K' is not a temperature",
            "up to 20 K.",
        ),
        ({"sst_patch": "0,200"}, "sst_patch: '0,200' is not a patch.", "0,200,20,2K."),
        ({"sst_patch": "hot"}, "sst_patch: 'hot' is not a patch.", "0,200,20,2K."),
        ({"sst_patch": 5}, "sst_patch: '5' is not a patch.", "0,200,20,2K."),
        ({"sst_patch": "91,0,5,1"}, "sst_patch: 91,0 is not a point", "from -90 to 90"),
        (
            {"sst_patch": "nan,0,5,1"},
            "sst_patch: 'nan,0,5,1' is not a patch.",
            "Give LAT",
        ),
        (
            {"sst_patch": "0,-181,5,1"},
            "sst_patch: 0,-181 is not a point",
            "-180 to 360.",
        ),
        ({"sst_patch": "0,361,5,1"}, "sst_patch: 0,361 is not a point", "-180 to 360."),
        ({"sst_patch": "0,0,-5,1"}, "sst_patch: A patch of -5 degrees", "Give a half"),
        ({"sst_patch": "0,0,91,1"}, "sst_patch: A patch of 91 degrees", "up to 90"),
        ({"sst_patch": "0,0,0,1"}, "sst_patch: A patch of 0 degrees and 1 K", "Give a"),
        (
            {"sst_patch": "0,0,5,21"},
            "sst_patch: A patch of 5 degrees and 21",
            "20 K.",
        ),
        (
            {"fix_mean_pressure": "hm"},
            "fix_mean_pressure: 'hm' is neither",
            "Give yes",
        ),
        ({"variables": ""}, "variables is empty.", "Name at least one"),
        ({"output": ""}, "output: The value is empty.", "Give one"),
        ({"yaers": 1}, "Unknown setting 'yaers'.", "Did you mean 'years'"),
        (
            {"init": "1982-01-01", "start": "1983-01-01"},
            "init and start both give initial times.",
            "Leave out one of them.",
        ),
        ({"init": "1982-01-01T06"}, "init 1982-01-01T06 is not midnight.", "midnight"),
        ({"lead": "10d"}, "Unknown setting 'lead'.", "levels"),
    ],
)
def test_every_bad_setting_is_a_sentence(settings, sentence, remedy):
    with pytest.raises(ConfigError) as caught:
        AmipConfig(**({"years": 1} | settings))
    assert caught.value.message.startswith(sentence)
    assert remedy in caught.value.hint


@pytest.mark.parametrize(
    "start, length, end",
    [
        ("1982-01-01", {"years": 40}, "2022-01-01"),
        ("1984-02-29", {"years": 1}, "1985-02-28"),
        ("1984-02-29", {"years": 4}, "1988-02-29"),
        ("1896-02-29", {"years": 4}, "1900-02-28"),
        ("1983-01-31", {"months": 1}, "1983-02-28"),
        ("1984-01-31", {"months": 1}, "1984-02-29"),
        ("1983-01-31", {"months": 2}, "1983-03-31"),
        ("1983-12-31", {"months": 2}, "1984-02-29"),
        ("1983-12-15", {"months": 13}, "1985-01-15"),
        ("1984-02-28", {"days": 2}, "1984-03-01"),
        ("1984-02-29", {"years": 1, "days": 1}, "1985-03-01"),
        ("1982-12-31", {"years": 1, "months": 2, "days": 1}, "1984-03-01"),
        ("1959-12-31", {"days": 1}, "1960-01-01"),
    ],
)
def test_runs_end_by_the_calendar(start, length, end):
    config = AmipConfig(start=start, **length)
    assert config.end_of(config.start) == np.datetime64(end, "s")


def test_every_start_has_its_own_end():
    config = AmipConfig(start="1984-01-30", months=1, starts=3, start_every="1d")
    assert [str(time)[:10] for time in config.init_times] == [
        "1984-01-30",
        "1984-01-31",
        "1984-02-01",
    ]
    assert [str(config.end_of(time))[:10] for time in config.init_times] == [
        "1984-02-29",
        "1984-02-29",
        "1984-03-01",
    ]


@pytest.mark.parametrize(
    "settings",
    [
        EVERYTHING,
        {"years": 1, "means": "none", "sst_climatology": True},
        {"days": 1, "grid": "native", "offline": False},
        {"days": 1, "init": "1982-01-01/1982-01-11/5d", "levels": "model"},
    ],
)
def test_a_run_file_says_all_of_it(tmp_path, settings):
    config = AmipConfig(**settings)
    for defaults in (True, False):
        text = format_run_file(config.as_flags(defaults=defaults), "a run")
        (tmp_path / "run.yaml").write_text(text)
        read = read_run_file(tmp_path / "run.yaml", AmipConfig.model_fields)
        assert AmipConfig(**read) == config


def test_nothing_in_the_run_file_above_is_a_default():
    config, plain = AmipConfig(**EVERYTHING), AmipConfig(years=1)
    same = {n for n in EVERYTHING if getattr(config, n) == getattr(plain, n)}
    assert same == set()
    # sst_climatology excludes sst_data, and init excludes start.
    others = {"sst_climatology", "init"}
    assert set(EVERYTHING) == set(AmipConfig.model_fields) - others


def test_the_command_line_repeats_what_was_asked():
    assert AmipConfig(years=40).command_line() == "ngcm amip --years 40"
    assert AmipConfig(**EVERYTHING).command_line() == (
        "ngcm amip --model cards/mine.yaml --data arco --precision float32 "
        "--seed 4294967295 --variables "
        "temperature,surface_pressure --levels 0.5,500,850 --grid 1.5 "
        "--clip-humidity --output 'a run' --zarr-format 2 "
        "--sst-data 'my sst.nc' --sst-time instant --sst-offset -1.5 "
        "--nudge era5.zarr --nudge-time 12h --nudge-variables "
        "u_component_of_wind,v_component_of_wind,specific_humidity "
        "--nudge-wavenumber 20 "
        "--restart-every 8d --on-instability rewind --batch 4 --scheduler "
        "tcp://host:8786 --coordinator host:1234 --process 0/2 --offline --start "
        "1979-12-01T00 --years 2 --months 3 --days 4 --members 5 --starts 6 "
        "--start-every 7d --means monthly,daily --every 12h --sample 3h "
        "--no-fix-mean-pressure --sst-patch -10.0,-160.0,20.0,2.5"
    )


@pytest.mark.parametrize(
    "text", ["[0, 200, 20, 2K]", "0,200,20,2", "0, 200, 20, 2 k", "['0', '200', 20, 2]"]
)
def test_patches_in_a_run_file(tmp_path, text):
    (tmp_path / "run.yaml").write_text(f"years: 1\nsst-patch: {text}\n")
    read = read_run_file(tmp_path / "run.yaml", AmipConfig.model_fields)
    assert AmipConfig(**read).sst_patch == (0, 200, 20, 2)


@pytest.mark.parametrize(
    "value, means",
    [
        ("none", ()),
        ((), ()),
        ("daily", ("daily",)),
        (["daily", "monthly"], ("daily", "monthly")),
        ("monthly,monthly", ("monthly",)),
    ],
)
def test_means(value, means):
    assert AmipConfig(days=1, means=value).means == means


def test_a_path_is_a_path():
    config = AmipConfig(days=1, output=pathlib.Path("a run"))
    assert config.output == pathlib.Path("a run")
