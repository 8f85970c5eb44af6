"""Labels taken from lines: what ``| json`` and ``| logfmt`` do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

_PAIR = re.compile(r'([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?')
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPED = re.compile(r"\\(.)")
_UNFIT = re.compile(r"[^a-zA-Z0-9_]")
ERROR, DETAILS = "__error__", "__error_details__"
_NO_OBJECT = "Value looks like object, but can't find closing '}' symbol"


def logfmt_pairs(line: str) -> Iterator[tuple[str, str]]:
    """Names and values of a logfmt line; a name without a value has an empty one."""
    for match in _PAIR.finditer(line):
        quoted, bare = match[2], match[3]
        if quoted is None:
            yield match[1], bare or ""
        else:
            yield match[1], _ESCAPED.sub(lambda each: _ESCAPES.get(each[1], each[1]), quoted)


def extract(parser: str, line: str, base: Mapping[str, str], parsed: dict[str, str]) -> None:
    """Adds the labels that a parser finds in a line; the name of one that the stream has gets ``_extracted``.

    Args:
        parser: ``json`` or ``logfmt``.
        line: the line.
        base: the stream's own labels.
        parsed: takes the labels; of a name found twice, the first stays.
    """
    if parser == "logfmt":
        found: Iterator[tuple[str, str]] = logfmt_pairs(line)
    else:
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            parsed |= {ERROR: "JSONParserErr", DETAILS: _NO_OBJECT}
            return
        found = iter(_flat(document, "", []))
    for name, value in found:
        if not value:
            continue
        key = _name(name)
        parsed.setdefault(f"{key}_extracted" if key in base else key, value)


def _flat(document: dict[str, Any], before: str, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    for name, value in document.items():
        if isinstance(value, str):
            found.append((before + name, value))
        elif isinstance(value, dict):
            _flat(value, f"{before}{name}_", found)
        elif isinstance(value, bool):
            found.append((before + name, "true" if value else "false"))
        elif isinstance(value, (int, float)):
            found.append((before + name, _number(value)))
    return found


def _number(value: float) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@lru_cache(65_536)
def _name(text: str) -> str:
    name = _UNFIT.sub("_", text)
    return f"_{name}" if name[:1].isdigit() else name
