"""Whether a pack's PromQL gives whole series, seen from its tokens.

This is no PromQL parser and judges no syntax: the server does that. It looks for the two ways in which a query
commonly lets series come and go, which would read as staleness: an aggregation that keeps only some series
(``topk`` and its kin), and a comparison without ``bool``, which drops the points where it does not hold. A
comparison inside a divisor (``/ (sum(x) > 0)``) guards against dividing by zero and is let through. Set
operators (``and``, ``unless``) pass unseen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    |(?P<comment>\#[^\n]*)
    |(?P<braces>\{)
    |(?P<word>[a-zA-Z_][a-zA-Z0-9_:]*)
    |(?P<number>[0-9.][0-9a-zA-Z_.]*)
    |(?P<comparison>==|!=|<=|>=|<|>)
    |(?P<sign>[^\s])""",
    re.VERBOSE | re.DOTALL,
)
_KEEPS_SOME = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_OTHER_OPERATORS = frozenset({"+", "-", "*", "%", "^", ","})
_OTHER_WORDS = frozenset({"and", "or", "unless", "atan2"})


@dataclass
class _Level:
    """One depth of parentheses: whether it lies in a divisor, and whether its last operator was a division."""

    in_divisor: bool = False
    after_division: bool = False


def partial_series_fault(promql: str) -> str | None:
    """What makes a query give partial series, in words with a way out, or None where nothing was seen."""
    levels = [_Level()]
    tokens = _outside_matchers(promql)
    for number, (kind, text) in enumerate(tokens):
        following = tokens[number + 1][1] if number + 1 < len(tokens) else ""
        if kind == "word" and text in _KEEPS_SOME and following in {"(", "by", "without"}:
            return f"{text} keeps only some series at each time, so that series come and go; ask for all of them"
        if kind == "comparison":
            if following != "bool" and not levels[-1].in_divisor:
                return (
                    f"'{text}' without bool drops the points where it does not hold, so that series come and go; "
                    f"write '{text} bool', or leave it out and set thresholds"
                )
            levels[-1].after_division = False
        else:
            _follow(levels, text)
    return None


def _follow(levels: list[_Level], text: str) -> None:
    """Keep track of parentheses and divisions."""
    level = levels[-1]
    if text == "(":
        levels.append(_Level(in_divisor=level.in_divisor or level.after_division))
    elif text == ")" and len(levels) > 1:
        levels.pop()
    elif text == "/":
        level.after_division = True
    elif text in _OTHER_OPERATORS or text in _OTHER_WORDS:
        level.after_division = False


def _outside_matchers(promql: str) -> list[tuple[str, str]]:
    """Tokens (kind, text) without strings, comments and what stands in braces."""
    tokens: list[tuple[str, str]] = []
    in_braces = False
    for match in _TOKEN.finditer(promql):
        kind = match.lastgroup or "sign"
        if in_braces:
            in_braces = match.group() != "}"
        elif kind == "braces":
            in_braces = True
        elif kind not in {"string", "comment"}:
            tokens.append((kind, match.group()))
    return tokens
