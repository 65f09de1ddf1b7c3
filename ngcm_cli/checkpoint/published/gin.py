"""The configuration text of a published model, parsed into bindings.

The text says ``[scope/]Class.param = value`` and ``MACRO = value``. Values are Python
literals that may contain references (``@scope/Name``, ``@Name()``) and macros
(``%MACRO``). Parsing evaluates literals and nothing else; what a reference means is for
the reader of the bindings to say, who also learns which bindings were never read.
"""

import ast
import dataclasses
import io
import itertools
import tokenize
from collections.abc import Iterator
from typing import Any, NoReturn

from ngcm_cli.errors import CheckpointError

MISSING: Any = object()

_HINT = "The file is damaged or not a NeuralGCM v1 checkpoint; get it again."
_DEEPEST_VALUE = 16
_DEEPEST_MACRO = 8
_LARGEST_VALUE = 100_000  # parts, with macros written out


@dataclasses.dataclass(frozen=True)
class Ref:
    """A reference to a configurable class or function.

    Attributes:
        name: of the class or function, without its module.
        scope: such as ``"a/b"``, or empty where the reference inherits the caller's.
        call: whether the value is the result of calling it, ``@Name()``.
    """

    name: str
    scope: str = ""
    call: bool = False


@dataclasses.dataclass(frozen=True)
class Macro:
    """A name that stands for the value bound to it elsewhere in the text."""

    name: str


class Bindings:
    """What a configuration binds, and which of it has been read.

    Args:
        parameters: value by (scope, class, parameter).
        macros: value by name.
    """

    def __init__(
        self, parameters: dict[tuple[str, str, str], Any], macros: dict[str, Any]
    ):
        self._parameters = parameters
        self._macros = macros
        self._read: set[str] = set()

    def __len__(self) -> int:
        """Return how many parameters and macros the configuration binds."""
        return len(self._parameters) + len(self._macros)

    def __contains__(self, name: str) -> bool:
        """Whether ``[scope/]Class.param`` is bound in exactly this scope."""
        path, _, param = name.rpartition(".")
        scope, _, cls = path.rpartition("/")
        return (scope, cls, param) in self._parameters

    def get(
        self,
        scope: str | tuple[str, ...],
        cls: str,
        param: str,
        default: Any = MISSING,
    ) -> Any:
        """Return the value of a parameter of a class that is constructed in a scope.

        The innermost scope wins: in scope ``a/b`` the binding of ``a/b``, then that of
        ``a``, then the one without scope, then the default. Only the one that wins
        counts as read. Macros in the value are resolved.

        Raises:
            CheckpointError: nothing is bound and there is no default.
        """
        scopes = scope.split("/") if isinstance(scope, str) else scope
        scopes = [part for part in scopes if part]
        for depth in range(len(scopes), -1, -1):
            key = ("/".join(scopes[:depth]), cls, param)
            if key in self._parameters:
                self._read.add(_written(*key))
                return self.resolve(self._parameters[key])
        if default is MISSING:
            wanted = _written("/".join(scopes), cls, param)
            raise CheckpointError(
                f"The model's configuration has no value for {wanted}.", _HINT
            )
        return default

    def resolve(self, value: Any) -> Any:
        """Return the value with every macro in it replaced by what it stands for.

        A call without scope that is written in a macro runs in the scope of the macro's
        name: ``%X`` with ``X = @f()`` gives ``Ref("f", scope="X", call=True)``.

        Raises:
            CheckpointError: a macro is not bound, or stands for itself.
        """
        return self._resolve(value, (), itertools.count())

    def _resolve(
        self, value: Any, inside: tuple[str, ...], parts: Iterator[int]
    ) -> Any:
        if next(parts) > _LARGEST_VALUE or len(inside) > _DEEPEST_MACRO:
            raise CheckpointError(
                "The model's configuration has a value that grows without end.", _HINT
            )
        match value:
            case Macro(name):
                if name in inside or name not in self._macros:
                    fault = "stands for itself" if name in inside else "is not bound"
                    raise CheckpointError(
                        f"The macro {name} of the model's configuration {fault}.", _HINT
                    )
                self._read.add(name)
                return self._resolve(self._macros[name], (*inside, name), parts)
            case Ref(scope="", call=True) if inside:
                return dataclasses.replace(value, scope=inside[-1])
            case tuple() | list():
                return type(value)(self._resolve(v, inside, parts) for v in value)
            case dict():
                return {k: self._resolve(v, inside, parts) for k, v in value.items()}
        return value

    def unread(self) -> list[str]:
        """Return bindings and macros that nothing has read, as the text has them."""
        written = [*self._macros, *(_written(*key) for key in self._parameters)]
        return [name for name in written if name not in self._read]


def parse(text: str) -> Bindings:
    """Parse a configuration; of two bindings of one parameter the later one holds.

    Raises:
        CheckpointError: a line is malformed; the message has its number.
    """
    return _Parser(text).bindings()


def _written(scope: str, cls: str, param: str) -> str:
    return f"{scope}/{cls}.{param}" if scope else f"{cls}.{param}"


def _fail(line: int, fault: str) -> NoReturn:
    raise CheckpointError(f"Line {line} of the model's configuration {fault}.", _HINT)


_LAYOUT = {tokenize.COMMENT, tokenize.NL}
_END = {tokenize.NEWLINE, tokenize.ENDMARKER}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class _Parser:
    """Recursive descent over Python's own tokens."""

    def __init__(self, text: str):
        self.tokens = self._tokenize(text)
        self.token = next(self.tokens)

    def bindings(self) -> Bindings:
        parameters: dict[tuple[str, str, str], Any] = {}
        macros: dict[str, Any] = {}
        while self.token.type != tokenize.ENDMARKER:
            line = self.token.start[0]
            *scope, selector = self._name().split("/")
            self._expect("=")
            value = self._value(0)
            if self.token.type not in _END:
                self._fail(f"has {self._shown()} after a value")
            self._advance()
            match selector.split("."):
                case [name] if not scope:
                    macros[name] = value
                case [*_, cls, param]:
                    parameters["/".join(scope), cls, param] = value
                case _:
                    _fail(line, "binds a scope without a parameter")
        return Bindings(parameters, macros)

    def _tokenize(self, text: str) -> Iterator[tokenize.TokenInfo]:
        line = 1
        try:
            for token in tokenize.generate_tokens(io.StringIO(text).readline):
                line = token.start[0]
                if token.type not in _LAYOUT:
                    yield token
        except (tokenize.TokenError, SyntaxError) as error:
            at = error.args[1][:2] if len(error.args) > 1 else (line,)
            line = at[0] if isinstance(at[0], int) else line
            _fail(line, "is not closed or not understood")

    def _advance(self) -> tokenize.TokenInfo:
        past, self.token = self.token, next(self.tokens, self.token)
        return past

    def _shown(self) -> str:
        return ascii(self.token.string[:40] or "the end of the line")

    def _fail(self, fault: str) -> NoReturn:
        _fail(self.token.start[0], fault)

    def _expect(self, string: str) -> None:
        if self.token.string != string:
            self._fail(f"has {self._shown()} where {string!r} belongs")
        self._advance()

    def _name(self) -> str:
        """Read ``scope/scope/module.Class.param``, or a part of it."""
        name = ""
        while True:
            if self.token.type != tokenize.NAME:
                self._fail(f"has {self._shown()} where a name belongs")
            name += self._advance().string
            if self.token.string not in ("/", "."):
                return name
            if "." in name and self.token.string == "/":
                self._fail("has a scope that contains a dot")
            name += self._advance().string

    def _value(self, depth: int) -> Any:
        if depth > _DEEPEST_VALUE:
            self._fail("has a value nested too deeply")
        match self.token.string:
            case "@":
                return self._reference()
            case "%":
                self._advance()
                return Macro(self._name())
            case "(" | "[" | "{" as opening:
                return self._container(opening, depth)
        return self._literal()

    def _reference(self) -> Ref:
        self._advance()
        *scope, selector = self._name().split("/")
        call = self.token.string == "("
        if call:
            self._advance()
            self._expect(")")
        return Ref(selector.split(".")[-1], "/".join(scope), call)

    def _container(self, opening: str, depth: int) -> Any:
        self._advance()
        items: list[Any] = []
        comma = False
        while self.token.string != _CLOSING[opening]:
            if items and not comma:
                self._expect(",")
            item = self._value(depth + 1)
            if opening == "{":
                self._expect(":")
                item = (self._key(item), self._value(depth + 1))
            items.append(item)
            comma = self.token.string == ","
            if comma:
                self._advance()
        self._advance()
        if opening == "(":
            return items[0] if len(items) == 1 and not comma else tuple(items)
        return items if opening == "[" else dict(items)

    def _key(self, key: Any) -> Any:
        if not isinstance(key, str | int | float | None):
            self._fail("has a key that is neither a string nor a number")
        return key

    def _literal(self) -> Any:
        """Return a number, a constant, or strings that follow one another."""
        source = self._advance() if self.token.string in ("-", "+") else None
        parts = [self._advance()] if self.token.type not in _END else []
        while parts and parts[0].type == self.token.type == tokenize.STRING:
            parts.append(self._advance())
        text = " ".join(part.string for part in parts)
        try:
            return ast.literal_eval((source.string if source else "") + text)
        except (ValueError, SyntaxError, TypeError):
            self._fail(f"has a value {ascii(text[:40])} that is not a literal")
