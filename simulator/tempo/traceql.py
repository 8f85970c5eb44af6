"""The part of TraceQL that is served here: one spanset with conditions, a hint, and rate and counts over time.

Everything else is refused as Tempo refuses what it cannot parse. Texts were recorded from Tempo 3.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from simulator.tempo.conditions import (
    INTRINSIC,
    INTRINSIC_TYPES,
    Condition,
    Field,
    TraceQlError,
    condition,
    duration_ns,
)
from simulator.tempo.spans import Kind, Status

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)
    |(?P<duration>(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)
    |(?P<float>-?\d+\.\d+)
    |(?P<int>-?\d+)
    |(?P<attribute>(?:resource|span)?\.(?:"(?:[^"\\]|\\.)*"|[^\s{}()=~!<>&|^,"]+)+)
    |(?P<word>[a-zA-Z_][a-zA-Z0-9_:]*)
    |(?P<sign>&&|\|\||=~|!~|!=|>=|<=|[{}()|,=<>])
    )""",
    re.VERBOSE,
)
_COMPARED = frozenset({"=", "!=", "=~", "!~", ">", "<", ">=", "<="})
_STATUS = {status.name.lower(): status for status in Status}
_KIND = {kind.name.lower(): kind for kind in Kind}
_SAME = {
    "span:name": "name",
    "span:status": "status",
    "span:statusMessage": "statusMessage",
    "span:kind": "kind",
    "span:duration": "duration",
    "trace:rootName": "rootName",
    "trace:rootService": "rootServiceName",
    "trace:duration": "traceDuration",
}


@dataclass(frozen=True)
class Query:
    """A parsed query.

    Attributes:
        holds: whether a span matches.
        fields: what the conditions look at, in order, each once.
        function: ``rate`` or ``count_over_time`` of a metrics query; "" for a search.
        by: the fields that a metrics query groups by.
    """

    holds: Condition
    fields: tuple[Field, ...]
    function: str = ""
    by: tuple[Field, ...] = ()


def parse(text: str) -> Query:
    """A query from its text.

    Raises:
        TraceQlError: it is none, or uses more of the language than is served here.
    """
    return _Parser(text).query()


def parse_field(text: str) -> Field:
    """A field by itself, as it stands in paths of tag values.

    Raises:
        TraceQlError: it is none.
    """
    parser = _Parser(text)
    found = parser.field()
    parser.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._fields: dict[Field, None] = {}

    def query(self) -> Query:
        self._take("{")
        holds: Condition = lambda trace, span: True  # noqa: E731
        if not self._taken("}"):
            holds = self._either()
            self._take("}")
        function, by = self._pipeline() if self._taken("|") else ("", ())
        if self._word("with"):
            self._hints()
        self.end()
        return Query(holds, tuple(self._fields), function, by)

    def end(self) -> None:
        kind, token, at = self._next()
        if kind:
            raise self._unexpected(token, at)

    def _pipeline(self) -> tuple[str, tuple[Field, ...]]:
        kind, token, at = self._next()
        if token not in {"rate", "count_over_time"}:
            raise self._error(at, "syntax error: unexpected IDENTIFIER" if kind == "word" else f"unexpected {token}")
        self._advance()
        self._take("(")
        self._take(")")
        by: list[Field] = []
        if self._word("by"):
            self._take("(")
            by.append(self.field())
            while self._taken(","):
                by.append(self.field())
            self._take(")")
        return token, tuple(by)

    def _hints(self) -> None:
        self._take("(")
        while not self._taken(")"):
            for _ in range(3):
                if not self._next()[0]:
                    raise self._unexpected("", len(self._text))
                self._advance()
            self._taken(",")

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._taken("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda trace, span: any(part(trace, span) for part in parts)

    def _both(self) -> Condition:
        parts = [self._comparison()]
        while self._taken("&&"):
            parts.append(self._comparison())
        return parts[0] if len(parts) == 1 else lambda trace, span: all(part(trace, span) for part in parts)

    def _comparison(self) -> Condition:
        if self._taken("("):
            inner = self._either()
            self._take(")")
            return inner
        compared = self.field()
        self._fields[compared] = None
        _, operator, at = self._next()
        if operator not in _COMPARED:
            raise self._unexpected(operator, at)
        self._advance()
        kind, token, at = self._next()
        self._advance()
        value = self._value(kind, token, at)
        if compared.scope == "intrinsic" and not isinstance(value, INTRINSIC_TYPES[compared.name]):
            shown = f"`{value}`" if isinstance(value, str) else token
            words = "binary operations must operate on the same type"
            raise TraceQlError(f"{words}: {compared} {operator} {shown}")
        return condition(compared, operator, value)

    def field(self) -> Field:
        """The field that comes next."""
        kind, token, at = self._next()
        if kind == "attribute":
            self._advance()
            scope, _, name = token.partition(".")
            return Field(scope, re.sub(r'"((?:[^"\\]|\\.)*)"', lambda match: _unquoted(match[0]), name))
        if kind != "word":
            raise self._unexpected(token, at)
        name = _SAME.get(token, token)
        if name not in INTRINSIC:
            raise self._error(at, f"unknown identifier: {token}")
        self._advance()
        return Field("intrinsic", name)

    def _value(self, kind: str, token: str, at: int) -> Any:
        if kind == "string":
            return _unquoted(token)
        if kind == "duration":
            return duration_ns(token)
        if kind in {"int", "float"}:
            return int(token) if kind == "int" else float(token)
        words: dict[str, Any] = {"true": True, "false": False, **_STATUS, **_KIND}
        if token not in words:
            raise self._unexpected(token, at)
        return words[token]

    def _next(self) -> tuple[str, str, int]:
        """Kind, text and place of the token that comes next; all of them empty at the end."""
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            rest = self._text[self._at :].lstrip()
            if rest:
                raise self._error(len(self._text) - len(rest), "syntax error: unexpected character")
            return "", "", len(self._text)
        kind = match.lastgroup or ""
        return kind, match[kind], match.start(kind)

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._at)
        self._at = match.end() if match else len(self._text)

    def _taken(self, sign: str) -> bool:
        kind, token, _ = self._next()
        if kind == "sign" and token == sign:
            self._advance()
            return True
        return False

    def _word(self, word: str) -> bool:
        kind, token, _ = self._next()
        if kind == "word" and token == word:
            self._advance()
            return True
        return False

    def _take(self, sign: str) -> None:
        if not self._taken(sign):
            _, token, at = self._next()
            raise self._unexpected(token, at)

    def _unexpected(self, token: str, at: int) -> TraceQlError:
        if not token:
            place = self._error(len(self._text), "syntax error: unexpected $end")
            return place if self._text.strip() else TraceQlError("parse error : syntax error: unexpected $end")
        named = "IDENTIFIER" if token[0].isalpha() else token
        return self._error(at, f"syntax error: unexpected {named}")

    def _error(self, at: int, words: str) -> TraceQlError:
        line = self._text.count("\n", 0, at) + 1
        column = at - (self._text.rfind("\n", 0, at) + 1) + 1
        return TraceQlError(f"parse error at line {line}, col {column}: {words}")


def _unquoted(token: str) -> str:
    if token.startswith("`"):
        return token[1:-1]
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda match: escapes.get(match[1], match[1]), token[1:-1])
