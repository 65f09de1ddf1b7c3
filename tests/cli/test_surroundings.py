"""Names, folders, standard files, devices and interruptions around the command line."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import jax
import pytest
from tiny_run import tiny_ngcm

import ngcm_cli
from ngcm_cli.cli import main
from ngcm_cli.config import DEFAULT_MODEL

STATE = ("--init", "1959-01-02", "--lead", "6h")


@pytest.mark.parametrize(
    "args, sentence",
    [
        (("amip", "--days", "1", "-o", "/"), "The output / is the root of the file"),
        (("forecast", "-o", "/"), "The output / has no known format."),
        (("forecast", "-o", "."), "The output . has no known format."),
        (
            ("forecast", "-o", f"{'a' * 240}.nc"),
            "aaaaaaaaaaaaaaaaaaaa..., is too long.",
        ),
        (("forecast", "-o", "a\\b.zarr"), "a\\b.zarr, has a backslash"),
        (("forecast", "--data", "a" * 300), "There is no file or directory 'aaaa"),
        (("status", "a" * 300), "aaaa... cannot be used: File name too long."),
        (("forecast", "--model", "\udcff"), r"'\udcff' has bytes that are not UTF-8."),
        (("forecast", "--init", "\udcff"), r"'\udcff' has bytes that are not UTF-8."),
        (("models", "show", "\udcff"), r"'\udcff' has bytes that are not UTF-8."),
        (
            ("forecast", "--coordinator", "localhost:1234", "--process", "2/2"),
            "'2/2' is not one of several processes.",
        ),
        (
            ("forecast", "--coordinator", "localhost:٣", "--process", "1/2"),
            "'localhost:٣' is not the address of a coordinator.",
        ),
        (
            ("forecast", "--coordinator", "a..b:1234", "--process", "1/2"),
            "There is no host 'a..b': ",
        ),
        (
            ("forecast", "--scheduler", "nonsense"),
            "There is no Dask scheduler at nonse",
        ),
    ],
)
def test_a_dry_run_finds_what_a_run_would_stumble_over(tiny, ngcm, args, sentence):
    dry = ("--dry-run",) if args[0] in ("forecast", "amip") else ()
    code, out, err = ngcm(*args, *dry)
    error, hint = err.splitlines()
    assert (code, out) == (2, "") and sentence in error and hint.endswith(".")


def test_a_dry_run_of_one_of_several_processes(tiny, ngcm):
    where = ("--coordinator", "localhost:1234", "--process", "1/2")
    code, out, err = ngcm("forecast", *STATE, *where, "--dry-run")
    assert (code, err) == (0, "") and "in 2 processes" in out


def test_settings_from_python_are_text():
    from ngcm_cli.config import ForecastConfig
    from ngcm_cli.errors import ConfigError

    with pytest.raises(ConfigError, match="not UTF-8"):
        ForecastConfig(data="\udcff.nc")


def test_a_deleted_working_directory(monkeypatch, tmp_path, capsys):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    monkeypatch.setattr(sys, "argv", ["ngcm", "models", "list"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "working directory does not exist any more." in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)  # for what runs after this test


def shell(redirected, *args, folder):
    """Run a command with the tiny model, its standard files redirected by a shell."""
    line = f'exec "$0" "$@" {redirected}'
    command = ["sh", "-c", line, *tiny_ngcm(), *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_a_run_does_without_its_messages(tmp_path):
    """Nor do other files take the place of the one that is closed."""
    run = ("forecast", *STATE, "-o", "out.zarr")
    done = shell("2>&-", *run, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "out.zarr\n")
    assert [path.name for path in tmp_path.iterdir()] == ["out.zarr"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_standard_output(tmp_path):
    done = shell(">/dev/full", "models", "list", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "Error: Standard output is full.\nWrite it elsewhere.\n"


# Shows what is called when Python is done, and what when it is taken down.
ENDING = """
import atexit, os, sys
from ngcm_cli import cli
class Taken:
    def __del__(self, write=os.write):
        write(1, b"taken down ")
taken, main = Taken(), cli.main
def registering():
    atexit.register(print, "done", end=" ")
    main()
cli.main = registering
sys.argv[0] = "ngcm"
cli.%s()
"""


@pytest.mark.parametrize("words, code", [(["--version"], 0), (["forcast"], 2)])
def test_the_program_ends_before_python_is_taken_down(words, code):
    """Threads of libraries that are still at work crashed it now and then."""

    def ending(function: str) -> tuple[int, str]:
        command = [sys.executable, "-c", ENDING % function, *words]
        run = subprocess.run(command, capture_output=True, text=True)
        return run.returncode, run.stdout

    assert ending("main")[0] == code and "taken down" in ending("main")[1]
    ended, out = ending("program")
    assert ended == code and "done" in out and "taken down" not in out


@pytest.mark.parametrize(
    "raised, reason",
    [
        (AssertionError(), "device."),  # as JAX does where CUDA's plugin is missing
        (RuntimeError("Unknown backend. (set JAX_PLATFORMS='')"), "device: Unknown"),
    ],
)
def test_a_device_that_is_not_there(ngcm, monkeypatch, raised, reason):
    def devices():
        raise raised

    monkeypatch.setattr(jax, "devices", devices)
    named = jax.config.values["jax_platforms"]
    for command in (("forecast", "--dry-run"), ("models", "verify", DEFAULT_MODEL)):
        code, out, err = ngcm(*command)
        error, hint = err.splitlines()
        assert (code, out) == (2, "") and "cuda12" in hint
        sentence = f"JAX_PLATFORMS is '{named}', but there is no such {reason}"
        assert sentence in error


def test_ctrl_c_again_while_a_run_ends(ngcm, monkeypatch):
    """What the first one says is said."""
    from ngcm_cli.simulation import run

    def forecast(config, **others):
        try:
            stop = KeyboardInterrupt()
            stop.add_note("out.zarr: 2 of 3 lead times are complete.")
            raise stop
        finally:
            raise KeyboardInterrupt

    monkeypatch.setattr(run, "forecast", forecast)
    said = "Interrupted. out.zarr: 2 of 3 lead times are complete.\n"
    assert ngcm("forecast") == (130, "", said)


def test_ctrl_c_in_a_command_that_saves_nothing(ngcm, monkeypatch):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("ngcm_cli.zoo.model_names", interrupt)
    assert ngcm("models", "list") == (130, "", "Interrupted.\n")


def test_nothing_is_imported_before_ctrl_c_is_handled():
    code = (
        "import os, sys; before = {*sys.modules}; import ngcm_cli.cli; "
        "print(*sorted({*sys.modules} - before))"
    )
    words = [sys.executable, "-S", "-c", code]
    folder = pathlib.Path(ngcm_cli.__file__).parents[1]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ngcm_cli", "ngcm_cli.cli"]


@pytest.mark.parametrize("words", [["--help"], ["models", "list"], ["forecst"]])
def test_ctrl_c_at_any_moment_leaves_no_traceback(words):
    # A shell that starts tests in the background lets them ignore Ctrl-C.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from ngcm_cli.cli import main; print('begun', flush=True); main()"
    )
    codes = []
    for delay in 0.02, 0.1, 0.3:
        with subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            said = process.communicate()[1]
        assert "Traceback" not in said
        codes.append(process.returncode)
    assert codes[0] == 130
    assert {*codes} <= {130, 0, 2, -signal.SIGINT}  # the last is Python's own
