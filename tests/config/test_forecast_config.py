"""Settings of forecasts and run files: what is read, and what is refused how."""

import pathlib

import numpy as np
import pytest

from ngcm_cli.config import (
    AmipConfig,
    EnsembleConfig,
    ForecastConfig,
    read_run_file,
)
from ngcm_cli.errors import ConfigError
from ngcm_cli.time_format import format_duration


def read_settings(path):
    return read_run_file(path, ForecastConfig.model_fields)


def test_defaults():
    config = ForecastConfig()
    assert config.model == "tl63_stochastic_mini"
    assert format_duration(config.lead) == "10d"
    assert format_duration(config.every) == "6h"
    assert config.command_line() == "ngcm forecast"


def test_command_line_repeats_what_was_asked():
    config = ForecastConfig(
        init="2020-08-22T12",
        lead=240,
        variables=["t,u", "v"],
        levels="850,500",
        output=pathlib.Path("my run.zarr"),
        overwrite=True,
    )
    assert config.command_line() == (
        "ngcm forecast --init 2020-08-22T12 --variables t,u,v --levels 500,850 "
        "--output 'my run.zarr' --lead 10d --overwrite"
    )


@pytest.mark.parametrize(
    "settings, sentence",
    [
        ({"lead": "7h"}, "lead 7h is not a multiple of every 6h. Give lead 12h"),
        ({"lead": "3x"}, "lead: '3x' is not a duration."),
        ({"every": "0h"}, "every is zero."),
        ({"init": "2020-13-01"}, "init: '2020-13-01' is not a time."),
        ({"lead": "9" * 18 + "d"}, f"lead: '{'9' * 18}d' is longer than 1000 years."),
        ({"seed": "x"}, "seed: 'x' is not a whole number from 0 to 4294967295."),
        ({"seed": -1}, "seed: '-1' is not a whole number"),
        ({"seed": True}, "seed: 'True' is not a whole number"),
        ({"seed": 2**32}, "seed: '4294967296' is not a whole number"),
        ({"seed": "1" * 5000}, "seed: '111"),
        ({"overwrite": "maybe"}, "overwrite: 'maybe' is neither yes nor no."),
        ({"overwrite": None}, "overwrite: 'None' is neither yes nor no."),
        ({"model": ""}, "model: The value is empty."),
        ({"data": ""}, "data: The value is empty."),
        ({"data": 5}, "data: '5' is not a name."),
        ({"output": " "}, "output: The value is empty."),
        ({"output": 5}, "output: '5' is not a name."),
        ({"levels": "500,inf"}, "levels: '500,inf' are not pressure levels."),
        ({"levels": "٥٠٠"}, "levels: '٥٠٠' are not pressure levels."),
        ({"sst_offset": "٢K"}, "sst_offset: '٢K' is not a temperature difference."),
        ({"sst_offset": "1_0"}, "sst_offset: '1_0' is not a temperature difference."),
        ({"amplitude": "1e-9"}, "amplitude: An amplitude of 1e-09 K is below the rou"),
        ({"levels": "nan"}, "levels: 'nan' are not pressure levels."),
        ({"levels": "-500"}, "levels: '-500' are not pressure levels."),
        ({"grid": "0"}, "grid: A spacing of 0 degrees is not from 0.1 to 90."),
        ({"grid": 0.05}, "grid: A spacing of 0.05 degrees is not from 0.1 to 90."),
        ({"grid": "180"}, "grid: A spacing of 180 degrees is not from 0.1 to 90."),
        ({"grid": "7"}, "grid: A spacing of 7 degrees does not divide 180, the deg"),
        ({"grid": "abc"}, "grid: 'abc' is not a grid. Give native, or a spacing in d"),
        ({"grid": ""}, "grid: '' is not a grid."),
        ({"grid": "."}, "grid: '.' is not a grid."),
        ({"grid": "nan"}, "grid: 'nan' is not a grid."),
        ({"grid": "1e-99999999"}, "grid: '1e-99999999' is not a grid."),
        ({"grid": "-1.5"}, "grid: '-1.5' is not a grid."),
        ({"grid": True}, "grid: 'True' is not a grid."),
        ({"levels": "500,top"}, "levels: '500,top' are not pressure levels."),
        ({"variables": ""}, "variables is empty."),
        ({"levels": []}, "levels is empty."),
        ({"levels": "model,500"}, "levels: 'model,500' are not pressure levels."),
        ({"init": ""}, "init: No time is given."),
        ({"init": "2020-01-02/2020-01-01"}, "init: The range '2020-01-02/2020-01-01' "),
        ({"sst": "fixed"}, "sst: 'fixed' is none of persist, anomaly-persist"),
        ({"restart_every": "7h"}, "restart_every 7h is not a multiple of every 6h."),
        ({"restart_every": "0h"}, "restart_every 0h is not a multiple of every 6h."),
        ({"on_instability": "panic"}, "on_instability: 'panic' is none of stop, rew"),
        ({"precision": "double"}, "precision: 'double' is none of published, float32"),
        ({"batch": "0"}, "batch: '0' is not a positive whole number."),
        ({"member": "-1"}, "member: '-1' is not the number of a member."),
        ({"perturb": "white"}, "perturb: 'white' is none of none, gaussian, spher"),
        ({"amplitude": "0K"}, "amplitude: An amplitude of 0 K is not positive."),
        ({"amplitude": "850:0K"}, "amplitude: An amplitude of 0 K is not positive."),
        ({"amplitude": "850:1,2"}, "amplitude: '2' is not an amplitude at a pressure"),
        ({"amplitude": "x:1K"}, "amplitude: 'x:1K' is not an amplitude at a press"),
        ({"amplitude": "850:1,850:2"}, "amplitude: Two amplitudes are given at 850"),
        ({"pressure_amplitude": "1K"}, "pressure_amplitude: '1K' is not an amplitu"),
        ({"pressure_amplitude": "nan"}, "pressure_amplitude: 'nan' is not an ampli"),
        ({"pressure_amplitude": "1mPa"}, "pressure_amplitude: '1mPa' is not an ampl"),
        ({"pressure_amplitude": 0.1}, "pressure_amplitude: An amplitude of 0.1 Pa "),
        ({"pressure_amplitude": "1000hPa"}, "pressure_amplitude: An amplitude of 1"),
        ({"amplitude": "1K"}, "amplitude is given, but nothing is perturbed."),
        ({"pressure_amplitude": 0}, "pressure_amplitude is given, but nothing is"),
        ({"leads": "1d"}, "Unknown setting 'leads'. Did you mean 'lead'"),
    ],
)
def test_every_bad_setting_is_a_sentence(settings, sentence):
    with pytest.raises(ConfigError) as caught:
        ForecastConfig(**settings)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    "value, spacing, written",
    [
        ("native", None, ""),
        (None, None, ""),
        ("1.5", 1.5, " --grid 1.5"),
        (0.1, 0.1, " --grid 0.1"),
        ("2.0", 2, " --grid 2"),
        (".25", 0.25, " --grid 0.25"),
        ("1.5deg", 1.5, " --grid 1.5"),
        ("1 degree", 1, " --grid 1"),
        ("2.5°", 2.5, " --grid 2.5"),
        ("0.703125", 0.703125, " --grid 0.703125"),
    ],
)
def test_grids(value, spacing, written):
    config = ForecastConfig(grid=value)
    assert config.grid == spacing
    assert config.command_line() == "ngcm forecast" + written


@pytest.mark.parametrize(
    "asked, nearest", [("7", "7.2"), ("1.4", "1.44"), ("0.7", "0.72"), ("46", "45")]
)
def test_the_nearest_grid_is_named(asked, nearest):
    with pytest.raises(ConfigError, match=f"The nearest that does is {nearest}[.]$"):
        ForecastConfig(grid=asked)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, "7", np.int64(7)])
def test_seeds_of_32_bits(seed):
    assert ForecastConfig(seed=seed).seed == int(seed)


@pytest.mark.parametrize("yes, no", [(True, False), ("yes", "no"), ("True", "OFF")])
def test_switches(yes, no):
    assert ForecastConfig(overwrite=yes).overwrite is True
    assert ForecastConfig(overwrite=no).overwrite is False


@pytest.mark.parametrize("text", ["model", "MODEL", ["model"]])
def test_levels_of_the_model(text):
    config = ForecastConfig(levels=text)
    assert config.levels == "model"
    assert config.command_line() == "ngcm forecast --levels model"


def test_how_a_number_without_a_unit_was_read():
    config = ForecastConfig(lead="240", every=6, restart_every="1d")
    assert config.readings == (
        "lead 240 is 10d: a number counts hours",
        "every 6 is 6h: a number counts hours",
    )


def test_runs_are_bounded():
    times = "2000-01-01/2009-12-31/1d"  # 3653
    assert EnsembleConfig(members=27, init=times).members == range(27)
    for kind in (EnsembleConfig, AmipConfig):
        with pytest.raises(
            ConfigError, match="102284 runs, members times initial times, are"
        ):
            kind(members=28, init=times, **({"days": 1} if kind is AmipConfig else {}))


@pytest.mark.parametrize("kind", [ForecastConfig, EnsembleConfig, AmipConfig])
def test_initial_times_are_a_range_everywhere(kind):
    config = kind(
        init="2020-01-01/2020-01-05/2d", **({"days": 1} if kind is AmipConfig else {})
    )
    assert [str(t)[:10] for t in config.init_times] == [
        *("2020-01-01", "2020-01-03", "2020-01-05"),
    ]
    assert "--init 2020-01-01T00/2020-01-05T00/2d" in config.command_line()


def test_some_settings_may_change_when_a_run_is_resumed():
    for kind in (ForecastConfig, EnsembleConfig, AmipConfig):
        assert kind.allowed_on_resume == (
            *("on_instability", "restart_every", "scheduler", "coordinator"),
            *("process", "offline"),
        )
        assert set(kind.allowed_on_resume) < set(kind.model_fields)


def write(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


def test_run_file_means_what_the_flags_mean(tmp_path):
    path = write(
        tmp_path,
        "init: 2020-08-22\nlead: 240\nvariables: [t, u]\nlevels: 500,850\ngrid: 1.5\n"
        "overwrite: true\ndata: ~\n",
    )
    config = ForecastConfig(**read_settings(path))
    assert config == ForecastConfig(
        init="2020-08-22",
        lead="240",
        variables=["t,u"],
        levels=["500", "850"],
        grid=1.5,
        overwrite=True,
    )


def test_empty_run_file_says_nothing(tmp_path):
    assert read_settings(write(tmp_path, "# all defaults\n")) == {}


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("leed: 10d", "Unknown key 'leed' in .*Did you mean .*'lead'"),
        ("lead: 1d\nlead: 2d", "'lead' is given twice, again in line 2"),
        ("- lead", "is not 'key: value' pairs"),
        ("lead", "is not 'key: value' pairs"),
        ("lead: " + 5000 * "[", "is not valid YAML.*nest"),
        ("lead: [1", "is not valid YAML"),
        ("? [a]\n: 1", "is not valid YAML"),
        ("lead: {days: 10}", "'lead' in .* is a mapping"),
        ("lead: !!python/object/apply:os.getcwd []", "line 1 has a tag"),
        ("lead: &a 1d\ninit: *a", "line 1 has an anchor or alias"),
        ("lead: 1d\n<<: {init: 2020-08-22}", "line 2 has a merge key"),
        ("lead: " + 20_001 * "1", "line 1 has a value of 20001 characters"),
        ("variables: [[t], u]", "'variables' in .* is a list of more than values"),
    ],
)
def test_every_bad_run_file_is_a_sentence(tmp_path, text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ForecastConfig(**read_settings(write(tmp_path, text)))


def test_run_file_that_is_not_there():
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_settings("nowhere.yaml")


def test_run_file_that_is_not_text(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\x89HDF\xff\xfe")
    with pytest.raises(ConfigError, match="it is not text"):
        read_settings(path)


def test_amplitudes_by_level_and_of_pressure():
    config = ForecastConfig(perturb="gaussian", amplitude="0.25K")
    assert config.amplitude == 0.25 and config.pressure_amplitude == 50
    for text in ("300:0.25K, 1000hPa:0.75", ["1000:0.75K", "300 hPa:0.25K"]):
        config = ForecastConfig(
            perturb="gaussian", amplitude=text, pressure_amplitude="0.8 hPa"
        )
        profile = config.amplitude
        assert str(profile) == "300:0.25,1000:0.75"
        np.testing.assert_allclose(
            profile.at(np.array([10, 300, 650, 1000, 1050])),
            [0.25, 0.25, 0.5, 0.75, 0.75],
        )
        assert config.pressure_amplitude == 80
        again = ForecastConfig(**config.as_flags(defaults=True))
        assert again == config and again.amplitude == profile
