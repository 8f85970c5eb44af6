"""Conditions on labels, as filters write them (``severity="critical"``) and as silences hold them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulator.regexps import BadRegexpError, condition, regexp

_MATCHER = re.compile(r'\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|([^"]*?))\s*')
_ESCAPED = re.compile(r"\\(.)")
_OPERATORS = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
"""By whether values must be equal and whether they are expressions."""


class BadMatcherError(ValueError):
    """Text that is no matcher; its own text is the server's."""


@dataclass(frozen=True)
class Matcher:
    """A condition on one label."""

    name: str
    value: str
    is_equal: bool = True
    is_regex: bool = False

    def __post_init__(self) -> None:
        if self.is_regex:
            check_expression(self.value)

    @property
    def holds(self) -> Callable[[str], bool]:
        """Whether it lets a value through."""
        return condition(_OPERATORS[self.is_equal, self.is_regex], self.value)

    @property
    def document(self) -> dict[str, object]:
        """As the API shows it."""
        return {"isEqual": self.is_equal, "isRegex": self.is_regex, "name": self.name, "value": self.value}


def check_expression(text: str) -> None:
    """Whether a text is an expression.

    Raises:
        BadMatcherError: it is none; the server quotes it with the anchors that it puts around.
    """
    try:
        regexp(text)
    except BadRegexpError:
        try:
            regexp(f"^(?:{text})$")
        except BadRegexpError as error:
            raise BadMatcherError(str(error)) from error


def read_matcher(text: str) -> Matcher:
    """A matcher from a filter's text.

    Raises:
        BadMatcherError: it is none.
    """
    match = _MATCHER.fullmatch(text)
    if match is None:
        raise BadMatcherError(f"bad matcher format: {text}")
    value = match[4] if match[3] is None else _ESCAPED.sub(r"\1", match[3])
    return Matcher(match[1], value, is_equal=match[2].startswith("="), is_regex=match[2].endswith("~"))


def all_hold(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether labels fulfil every matcher; an absent label is an empty one."""
    return all(each.holds(labels.get(each.name, "")) for each in matchers)
