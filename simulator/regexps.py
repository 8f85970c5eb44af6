"""Regular expressions of Go's syntax (RE2), as Prometheus, Alertmanager and Loki take them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_WORDS = {
    "missing ), unterminated subpattern": "missing closing )",
    "unterminated character set": "missing closing ]",
    "unbalanced parenthesis": "unexpected )",
    "nothing to repeat": "missing argument to repetition operator",
    "multiple repeat": "invalid nested repetition operator",
    "min repeat greater than max repeat": "invalid repeat count",
}
_NAMED_GROUP = re.compile(r"\(\?<(?=[A-Za-z_])")


class BadRegexpError(ValueError):
    """An expression that cannot be compiled; its text is Go's: ``error parsing regexp: missing closing ): `(```."""


@lru_cache(4096)
def regexp(text: str) -> re.Pattern[str]:
    """The compiled expression.

    Raises:
        BadRegexpError: it is none.
    """
    try:
        return re.compile(_NAMED_GROUP.sub("(?P<", text), re.DOTALL)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadRegexpError(f"error parsing regexp: {_in_words_of_go(text, error)}") from error


def _in_words_of_go(text: str, error: Exception) -> str:
    if not isinstance(error, re.error):
        return f"expression nests too deeply: `{text}`"
    at = error.pos or 0
    word = next((word for begin, word in _WORDS.items() if error.msg.startswith(begin)), None)
    if word is None:
        return f"invalid escape sequence: `{text[at:]}`" if "escape" in error.msg else f"invalid syntax: `{text}`"
    # Go quotes the rest for brackets that stay open, the whole for parentheses, one sign for an operator.
    part = {"missing closing ]": text[at:], "missing argument to repetition operator": text[at : at + 1]}
    return f"{word}: `{part.get(word, text)}`"


def condition(operator: str, value: str) -> Callable[[str], bool]:
    """Whether a text is ``=``, ``!=``, ``=~`` or ``!~`` a value; expressions must match the whole text.

    Raises:
        BadRegexpError: the value is to be an expression and is none.
    """
    if operator == "=":
        return value.__eq__
    if operator == "!=":
        return value.__ne__
    whole = regexp(value).fullmatch
    if operator == "=~":
        return lambda text: whole(text) is not None
    return lambda text: whole(text) is None
