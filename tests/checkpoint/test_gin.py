import math

import pytest

from ngcm_cli.checkpoint.published.gin import Macro, Ref, parse
from ngcm_cli.errors import CheckpointError

TEXT = r"""
# Macros:
ACTIVATION = @gelu
LAYER_SIZE = 384
GRID = @GridWithWavenumbers()
SMALL_GRID = @smaller/GridWithWavenumbers()
ALIAS = %LAYER_SIZE
UNUSED = 1

# Parameters for MlpUniform:
# ==============================================================================
MlpUniform.name = None
MlpUniform.output_size = %ALIAS
encode/MlpUniform.output_size = 16
encode/deep/MlpUniform.output_size = 8
CoordinateSystem.horizontal = %GRID
custom/CoordinateSystem.horizontal = %SMALL_GRID
CombinedFeatures.feature_modules = \
    (@EmbeddingFeatures,
     @advance/Velocity,  # with winds
     @a/b/Velocity)
Filter.modules = \
    {'tracers': {'q': @q/Filter, 'n': %LAYER_SIZE},
     'time': @NoFilter}
Scales.values = [-1.5, +2, 1e-3, True, 'a' ' b', "it's", (1,), (2), (), {}]
"""


def test_values():
    bindings = parse(TEXT)
    assert len(bindings) == 15
    assert bindings.get("", "MlpUniform", "name") is None
    assert bindings.get("", "CombinedFeatures", "feature_modules") == (
        Ref("EmbeddingFeatures"),
        Ref("Velocity", "advance"),
        Ref("Velocity", "a/b"),
    )
    expected = [-1.5, 2, 1e-3, True, "a b", "it's", (1,), 2, (), {}]
    assert bindings.get("", "Scales", "values") == expected
    assert bindings.get("", "Filter", "modules") == {
        "tracers": {"q": Ref("Filter", "q"), "n": 384},
        "time": Ref("NoFilter"),
    }


@pytest.mark.parametrize(
    ("scope", "size"),
    [
        ("", 384),
        ((), 384),
        ("decode", 384),
        ("encode", 16),
        (("encode",), 16),
        ("encode/deep", 8),
        (("encode", "deep"), 8),
        ("encode/other", 16),
        ("deep", 384),
    ],
)
def test_the_innermost_scope_wins(scope, size):
    assert parse(TEXT).get(scope, "MlpUniform", "output_size") == size


def test_a_call_in_a_macro_runs_in_the_scope_of_the_macro():
    bindings = parse(TEXT)
    grid = bindings.get("", "CoordinateSystem", "horizontal")
    assert grid == Ref("GridWithWavenumbers", scope="GRID", call=True)
    small = bindings.get("custom", "CoordinateSystem", "horizontal")
    assert small == Ref("GridWithWavenumbers", scope="smaller", call=True)
    assert bindings.resolve(Macro("ACTIVATION")) == Ref("gelu")


def test_defaults_and_what_is_missing():
    bindings = parse(TEXT)
    assert bindings.get("encode", "MlpUniform", "bias", None) is None
    with pytest.raises(CheckpointError, match="no value for encode/MlpUniform.bias"):
        bindings.get("encode", "MlpUniform", "bias")


def test_what_was_never_read():
    bindings = parse("A = 1\nB = %A\nC.x = %B\nC.y = 2\ns/C.x = 3\nD = 4\nC.z = %D\n")
    assert bindings.unread() == ["A", "B", "D", "C.x", "C.y", "s/C.x", "C.z"]
    assert bindings.get("s", "C", "x") == 3
    assert bindings.unread() == ["A", "B", "D", "C.x", "C.y", "C.z"]
    assert bindings.get("", "C", "x") == 1
    assert bindings.unread() == ["D", "C.y", "C.z"]


def test_later_bindings_replace_earlier_ones():
    bindings = parse("X = 1\nC.x = 1\nX = 2\nC.x = %X\nC.x = (%X, 3)")
    assert len(bindings) == 2
    assert bindings.get("", "C", "x") == (2, 3)
    assert bindings.unread() == []


def test_modules_of_selectors_do_not_matter():
    bindings = parse("s/package.module.C.x = @t/package.f()")
    assert bindings.get("s", "C", "x") == Ref("f", "t", call=True)


@pytest.mark.parametrize(
    ("text", "macro"),
    [
        ("C.x = %NONE", "NONE .* is not bound"),
        ("A = (1, %A)\nC.x = %A", "A .* stands for itself"),
    ],
)
def test_macros_that_stand_for_nothing(text, macro):
    with pytest.raises(CheckpointError, match=macro):
        parse(text).get("", "C", "x")


def test_macros_that_multiply_are_refused():
    text = "M0 = 1\n" + "".join(
        f"M{i + 1} = ({', '.join([f'%M{i}'] * 50)})\n" for i in range(7)
    )
    with pytest.raises(CheckpointError, match="grows without end"):
        parse(text + "C.x = %M7").get("", "C", "x")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A = 1\nB = ", 2),
        ("A = 1\nB 1", 2),
        ("A = 1\n\nC.x = foo", 3),
        ("C.x = foo(1)", 1),
        ("C.x = __import__('os')", 1),
        ("C.x = [y for y in ()]", 1),
        ("C.x = 1 + 1", 1),
        ("C.x = 1 2", 1),
        ("C.x = f'{1}'", 1),
        ("C.x = 'open", 1),
        ("C.x = 1\n  C.y = 2", 2),
        ("C.x = {1: 2, 3}", 1),
        ("C.x = {[]: 2}", 1),
        ("C.x = {@f: 2}", 1),
        ("C.x = (1 2)", 1),
        ("C.x = (,)", 1),
        ("C.x = (1,,)", 1),
        ("C.x = @f(1)", 1),
        ("C.x = @", 1),
        ("C.x = %", 1),
        ("C.x = -'a'", 1),
        ("C.x = 0777", 1),
        ("C.x/y = 1", 1),
        ("/C.x = 1", 1),
        ("C. = 1", 1),
        ("s/C = 1", 1),
        ("import os", 1),
        ("include 'other.gin'", 1),
        ("C.x = " + "(" * 40 + ")" * 40, 1),
        ("C.x = $", 1),
        ("C.x = \0", 1),
    ],
)
def test_malformed_text_is_refused_with_its_line(text, line):
    with pytest.raises(CheckpointError, match=f"^Line {line} of the model's config"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["C.x = (1,\n2", "C.x = {", "C.x = '''a", "C.x = 1 \\"]
)
def test_text_that_ends_too_early_is_refused(text):
    with pytest.raises(CheckpointError, match=r"^Line \d of the model's config"):
        parse(text)


PUBLISHED = {
    "deterministic_0_7_deg": (431, 25),
    "deterministic_1_4_deg": (431, 23),
    "deterministic_2_8_deg": (448, 25),
    "stochastic_1_4_deg": (474, 28),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_configurations_of_the_paper(shared, name):
    bindings = parse((shared / "reference" / f"{name}.gin").read_text())
    parameters, macros = PUBLISHED[name]
    unread = bindings.unread()
    assert sum("." in binding for binding in unread) == parameters
    assert sum("." not in binding for binding in unread) == macros
    assert len(bindings) == parameters + macros
    encoder = bindings.get("encode", "ColumnTower", "column_net_factory")
    assert encoder == Ref("MlpUniform", "encode")
    coords = bindings.get("", "CustomCoordsCorrector", "custom_coords")
    grid = bindings.get(coords.scope, "CoordinateSystem", "horizontal")
    assert grid.call and grid.scope in ("DYCORE_GRID", "smaller")
    size = bindings.get(grid.scope, grid.name, "longitude_wavenumbers")
    assert 0 < size < math.inf
    assert len(bindings.unread()) == len(bindings) - 5
