"""LogQL cut into tokens."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
    "y": 31_536_000_000_000_000,
}
_TOKENS = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
    |(?P<STRING>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    |(?P<RANGE>\[[^\]]*\])
    |(?P<DURATION>(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+(?![\w.]))
    |(?P<NUMBER>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    |(?P<IDENTIFIER>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>\|=|\|~|!=|!~|=~|==|>=|<=|[{}()|,=<>+\-*/])""",
    re.VERBOSE,
)
_PARTS = re.compile(r"(\d+(?:\.\d+)?)([a-zµ]*)")


class QueryError(ValueError):
    """A query that cannot be answered; its text is the server's."""


@dataclass(frozen=True)
class Token:
    """A token: its kind (``STRING``, ``IDENTIFIER``, … or the sign itself), its text and where it stands, from 1."""

    kind: str
    text: str
    line: int
    column: int

    def unexpected(self, expected: str = "") -> QueryError:
        """The error that it stands there."""
        more = f", expecting {expected}" if expected else ""
        place = f" at line {self.line}, col {self.column}"
        return QueryError(f"parse error{place}: syntax error: unexpected {self.kind}{more}")


def tokens_of(text: str) -> list[Token]:
    """The tokens of a query, the last of them ``$end``.

    Raises:
        QueryError: something in it is no token, or it is empty.
    """
    if not text.strip():
        raise QueryError("parse error : syntax error: unexpected $end")
    found, at = [], 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        line, column = _place(text, at)
        if match is None:
            raise QueryError(_broken(text, at, line, column))
        kind = match.lastgroup or ""
        if kind != "blank":
            found.append(Token(match[0] if kind == "sign" else kind, match[0], line, column))
        at = match.end()
    found.append(Token("$end", "", *_place(text, len(text))))
    return found


def _place(text: str, at: int) -> tuple[int, int]:
    line = text.count("\n", 0, at)
    return line + 1, at - text.rfind("\n", 0, at)


def _broken(text: str, at: int, line: int, column: int) -> str:
    if text[at] in '"`':
        return f"parse error at line {line}, col {column}: literal not terminated"
    if text[at] == "[":
        return f"parse error at line 0, col {column}: missing closing ']' in duration"
    return f"parse error at line {line}, col {column}: syntax error: unexpected IDENTIFIER"


def text_of(token: Token) -> str:
    """What a STRING token holds."""
    if token.text.startswith("`"):
        return token.text[1:-1]
    try:
        return str(ast.literal_eval(token.text))
    except (ValueError, SyntaxError) as error:
        raise QueryError(f"parse error at line {token.line}, col {token.column}: invalid char escape") from error


def nanoseconds_of(token: Token) -> int:
    """The length of a DURATION or RANGE token.

    Raises:
        QueryError: it has no unit, or one that does not exist.
    """
    text = token.text.strip("[]").strip()
    total, at = 0.0, 0
    while at < len(text) or not text:
        match = _PARTS.match(text, at)
        if match is None:
            raise _bad_duration(token, f'not a valid duration string: "{text}"')
        if match[2] not in UNITS_NS:
            word = f'unknown unit "{match[2]}" in duration' if match[2] else "missing unit in duration"
            raise _bad_duration(token, f'{word} "{text}"')
        total += float(match[1]) * UNITS_NS[match[2]]
        at = match.end()
    return round(total)


def _bad_duration(token: Token, text: str) -> QueryError:
    return QueryError(f"parse error at line 0, col {token.column}: {text}")
