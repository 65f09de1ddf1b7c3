"""The README and the pages of docs/ agree with the code: links, commands, examples."""

import ast
import importlib.util
import pathlib
import re
import shlex
import sys
import tomllib

import pytest
import typer
import yaml

from ngcm_cli.cli import main
from ngcm_cli.cli.app import app
from ngcm_cli.config import (
    AmipConfig,
    EnsembleConfig,
    EvaluateConfig,
    ForecastConfig,
    IdealizedConfig,
)
from ngcm_cli.config.plot import PlotConfig

ROOT = pathlib.Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [
    README,
    *(ROOT / name / "README.md" for name in ("benchmarks", "models")),
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
CONFIGS = {
    "forecast": ForecastConfig,
    "ensemble": EnsembleConfig,
    "amip": AmipConfig,
    "idealized": IdealizedConfig,
    "evaluate": EvaluateConfig,
}
FOLDERS = "benchmarks", "docs", "examples", "models", "ngcm_cli", "tests", ".githooks"
PRIVATE_WORDS = [
    "for people", "in words", "goes on", "go on with", "going on", "of no account",
    "the sea does", "what the sea", "instants", "add a hump", "far away",
    "could not be had", "as it began", "leave out the first",
]  # fmt: skip


def load_generator():
    """Return the module ``docs/generate.py``, which is not in a package."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()
HANDWRITTEN = [name for name in NAMES if name != "docs/commands.md"]


def blocks(page: pathlib.Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands(page: pathlib.Path) -> list[str]:
    """Return the lines that call ngcm, each without its output or a comment."""
    lines = "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if part.split()[:1] == ["ngcm"]]


COMMANDS = sorted({command for page in PAGES for command in commands(page)})


def anchors(page: pathlib.Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {
        re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings
    }


def parse(command: str) -> tuple[tuple[str, ...], dict]:
    """Return the path of the command that a line calls, and its arguments."""
    program, called = typer.main.get_command(app), []
    for path, leaf in generate.walk_commands(program):
        if not getattr(leaf, "commands", {}):
            leaf.callback = lambda path=path, **given: called.append((path, given))
    program.main(shlex.split(command, comments=True)[1:], standalone_mode=False)
    ((path, given),) = called
    return path, given


def run_command(monkeypatch, *words: str) -> int:
    """Run the program in this process; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["ngcm", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code or 0


@pytest.mark.parametrize("name", generate.PAGES)
def test_generated_pages_are_up_to_date(name):
    """If not, run ``python docs/generate.py``."""
    page = ROOT / "docs" / name
    assert page.read_text(encoding="utf-8") == generate.PAGES[name]()


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    page = ROOT / name
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("name", NAMES)
def test_paths_exist(name):
    """Where a page names a file of this repository."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for path in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command):
    path, given = parse(command)
    if path[1] == "plot":
        first, *rest = given.pop("words")
        files = {"what": first, "files": rest} if rest else {"files": [first]}
        PlotConfig(
            **files, **{n: x for n, x in given.items() if x not in (None, [], ())}
        )
        return
    config = CONFIGS.get(path[1])
    if config is None or given.get("resume"):
        return
    settings = {
        name: value for name, value in given.items() if value not in (None, [], ())
    }
    config(**{name: settings[name] for name in config.model_fields if name in settings})
    if given.get("config"):
        assert (ROOT / given["config"]).is_file()


NEED_OUTPUT = "status", "plot", "evaluate"


@pytest.mark.parametrize(
    "command", [c for c in commands(README) if c.split()[1] not in NEED_OUTPUT]
)
def test_commands_of_the_readme_work(command, tmp_path, monkeypatch):
    """What runs the model is only checked; what needs its output is left out."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command, comments=True)[1:]
    if words[0] in CONFIGS:
        words.append("--dry-run")
    assert run_command(monkeypatch, *words) == 0


@pytest.mark.slow
def test_python_of_the_readme_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(README, "python")
    known = {}
    exec(compile(code, "README.md", "exec"), known)
    assert known["fields"]["temperature"].shape == (37, 128, 64)
    assert (tmp_path / "forecast.zarr").is_dir()


@pytest.mark.parametrize("name", NAMES)
def test_python_of_the_pages_can_be_imported(name):
    for code in blocks(ROOT / name, "python"):
        imports = [
            node
            for node in ast.parse(code).body
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        exec(compile(ast.Module(imports, []), name, "exec"), {})


@pytest.mark.parametrize("name", HANDWRITTEN)
def test_words_are_those_of_the_field(name):
    text = re.sub(r"`[^`]*`", "", (ROOT / name).read_text(encoding="utf-8"))
    text = " ".join(text.split())
    assert [words for words in PRIVATE_WORDS if words in text] == []


def test_the_readme_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200


def test_the_map_is_small():
    assert (ROOT / "docs/forecast.png").stat().st_size < 200_000


def test_every_page_is_in_the_navigation():
    configuration = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^  - [^:]+: (\S+\.md)$", configuration, re.M)
    assert sorted(listed) == [p.name for p in PAGES if p.parent == ROOT / "docs"]


def test_the_citation_names_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert citation["version"] == project["project"]["version"]
    assert citation["license"] == project["project"]["license"]


def test_ci_runs_the_commands_of_the_readme():
    text = README.read_text(encoding="utf-8")
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    for command in (
        "-e '.[test]' && pytest -n auto --dist loadfile",
        "zensical build --strict",
    ):
        assert command in text
        assert command in ci
