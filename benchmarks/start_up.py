"""Time a forecast from the shell: the first run of a model, and later ones.

    python benchmarks/start_up.py [--model NAME|PATH] [--repeat 4] [--without dask]

``ngcm forecast --lead 6h --every 6h`` runs with an empty cache of compiled programs and
without Python's own, then with full ones. Each run is a process of its own; the least
of several is printed, by the clock and by CPU time, of

- start: until the model, the analysis and the sea are read;
- programs: until the steps begin: encoding, decoding the first output, and compiling
  all programs or finding them in the cache;
- steps: until the last output is computed; what is written meanwhile is in it;
- end: what is left to write, and the end of the process;
- outside: all but the steps.

On a busy machine only CPU time means something. ``--without`` hides a package that is
installed: xarray imports all of Dask where it finds it.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

PHASES = "start", "programs", "steps", "end"
COMMAND = "forecast", "--lead", "6h", "--every", "6h", "--overwrite", "--output"


def run(file: str, without: list[str], command: list[str]) -> None:
    """Run a command of ``ngcm``, and write when the library began which phase."""
    import logging

    marks = []

    class Marks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            marks.append((record.getMessage(), time.time(), time.process_time()))
            pathlib.Path(file).write_text(json.dumps(marks))

    sys.modules.update(dict.fromkeys(without))  # an import of None fails
    logging.getLogger("ngcm_cli.phases").addHandler(Marks())
    sys.argv = ["ngcm", *command]
    from ngcm_cli.cli import program

    program()


def measure(
    folder: pathlib.Path, model: str, without: list[str]
) -> dict[str, tuple[float, float]]:
    """Return the seconds of each phase of one run, of the clock and of CPUs."""
    file = folder / "marks.json"
    command = [sys.executable, __file__, "--run", str(file), json.dumps(without)]
    command += [*COMMAND, str(folder / "out.zarr"), "--model", model]
    environment = os.environ | {
        "NGCM_HOME": str(folder / "home"),
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    for name in ("PYTHONDONTWRITEBYTECODE", "JAX_COMPILATION_CACHE_DIR"):
        environment.pop(name, None)
    started, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    ended, after = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    marks = json.loads(file.read_text())
    begun = [
        next(seconds for name, *seconds in marks if name.startswith(phase))
        for phase in ("Compiling the model", "Computing the first", "Writing ")
    ]
    times = [(started, 0.0), *begun, (ended, used)]
    spans = {
        phase: (b[0] - a[0], b[1] - a[1])
        for phase, a, b in zip(PHASES, times[:-1], times[1:], strict=True)
    }
    spans["all"] = ended - started, used
    spans["outside"] = tuple(
        a - b for a, b in zip(spans["all"], spans["steps"], strict=True)
    )
    return spans


def main() -> None:
    """Measure, and print a table."""
    if sys.argv[1:2] == ["--run"]:
        run(sys.argv[2], json.loads(sys.argv[3]), sys.argv[4:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tl63_stochastic_mini")
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--without", nargs="*", default=[])
    given = parser.parse_args()
    rows: dict[str, list[dict[str, tuple[float, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for i in range(given.repeat + 1):
            kind = "later" if i else "first"
            one = measure(pathlib.Path(folder), given.model, given.without)
            rows.setdefault(kind, []).append(one)
    print("| run | | " + " | ".join((*PHASES, "all", "outside")) + " |")
    print("|---" * (len(PHASES) + 4) + "|")
    for kind, runs in rows.items():
        for i, unit in enumerate(("s", "CPU s")):
            least = (
                min(each[name][i] for each in runs)
                for name in (*PHASES, "all", "outside")
            )
            cells = " | ".join(f"{seconds:.2f}" for seconds in least)
            print(f"| {kind} | {unit} | {cells} |")


if __name__ == "__main__":
    main()
