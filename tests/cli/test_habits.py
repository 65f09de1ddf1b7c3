"""What users of other programs of this field type: it works, or says what to type."""

import pytest
import shellingham

STATE = ("--init", "1959010200", "--dry-run")


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("path", [(), ("forecast",), ("models", "show"), ("data",)])
def test_help_and_its_short_form(ngcm, path, flag):
    code, out, err = ngcm(*path, flag)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: {' '.join(('ngcm', *path))}")
    assert ngcm("help", *path)[:2] == (0, out)


def test_help_of_nothing(ngcm):
    code, out, err = ngcm("help", "forcast")
    assert (code, out) == (2, "") and "No such command 'forcast'" in err


def test_short_options(tiny, ngcm):
    assert ngcm("-V") == ngcm("--version")
    code, out, _ = ngcm("forecast", "-o", "mine.zarr", *STATE)
    assert code == 0 and "Output     mine.zarr" in out
    code, out, _ = ngcm("amip", "-o", "mine", "--days", "1", "--dry-run")
    assert code == 0 and "Output     mine" in out


def test_completion_can_be_installed(ngcm, monkeypatch):
    monkeypatch.setattr(shellingham, "detect_shell", lambda: ("bash", "/bin/bash"))
    code, out, err = ngcm("--show-completion")
    assert (code, err) == (0, "") and "complete -o default -F _ngcm_completion" in out


@pytest.mark.parametrize(
    "args, found",
    [
        (("--levels", "500", "850"), "2 of 3 levels, 500 to 850 hPa"),
        (("--levels=500", "850", "--seed", "2"), "2 of 3 levels, 500 to 850 hPa"),
        (("--variables", "t", "u", "--levels", "500"), "temperature, u_component_of_"),
        (("--variables", "t500", "sp"), "1 of 3 levels, 500 to 500 hPa"),
        (("--variables", "t850,u_500hPa"), "t850, u_500hPa: temperature, u_component"),
        (("--variables", "t850", "--levels", "200"), "2 of 3 levels, 200 to 850 hPa"),
        (("--grid", "1.5deg"), "240 x 121 regular"),
        (("--lead", "2days"), "1959-01-02T00 to 1959-01-04T00, 2d every 6h"),
        (("--lead", "0.5d"), "1959-01-02T00 to 1959-01-02T12, 12h every 6h"),
        (("--lead", "240"), "lead 240 is 10d: a number counts hours"),
    ],
)
def test_spellings_of_values(tiny, ngcm, args, found):
    code, out, err = ngcm("forecast", *args, *STATE)
    assert (code, err) == (0, "") and found in out


@pytest.mark.parametrize(
    "args, sentence, hint",
    [
        (("t2m",), "There is no output variable 't2m'.", "lowest_level_temperature."),
        (
            ("tp",),
            "tiny does not predict precipitation_cumulative_mean (tp)",
            "_precip_",
        ),
        (("sp500",), "'sp500' has a level, but surface_pressure has none", "Leave out"),
        (("t501",), "tiny has no level 501 hPa.", "The nearest is 500"),
        (("t500", "--levels", "model"), "t500 are on pressure levels, but", "Leave"),
        (("zz500",), "There is no output variable 'zz500'.", "ngcm variables"),
    ],
)
def test_variables_that_cannot_be_written(tiny, ngcm, args, sentence, hint):
    code, out, err = ngcm("forecast", "--variables", *args, *STATE)
    error, found = err.splitlines()
    assert (code, out) == (2, "") and sentence in error and hint in found


def test_the_list_of_variables(ngcm):
    code, out, err = ngcm("variables")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "msl     Pa          mean_sea_level_pressure" in out
    assert "tp      m           precipitation_cumulative_mean *" in out
    assert out.endswith(
        "* of stochastic_evap_2_8_deg, stochastic_precip_2_8_deg only\n"
    )


def test_a_list_in_place_of_an_output(ngcm, tmp_path):
    run_file = tmp_path / "run.yaml"
    run_file.write_text("members: 2\noutput: [x.zarr]\n")
    code, _, err = ngcm("ensemble", "--config", str(run_file), "--dry-run")
    assert code == 2 and "is not a name" in err
