"""The levels that Loki's distributor finds in lines and stores with them as ``detected_level``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from simulator.loki.extraction import logfmt_pairs

_FIELDS = (
    "level",
    "LEVEL",
    "Level",
    "log.level",
    "severity",
    "SEVERITY",
    "Severity",
    "SeverityText",
    "lvl",
    "LVL",
    "Lvl",
    "severity_text",
    "Severity_Text",
    "SEVERITY_TEXT",
)
_KNOWN = {
    "trace": "trace",
    "trc": "trace",
    "debug": "debug",
    "dbg": "debug",
    "info": "info",
    "inf": "info",
    "information": "info",
    "warn": "warn",
    "wrn": "warn",
    "warning": "warn",
    "error": "error",
    "err": "error",
    "critical": "critical",
    "fatal": "fatal",
}
# In the server's order: a line with the word "info" is one, whatever else it says.
_WORDS = (
    ("info", ("info", "INFO")),
    ("error", ("err:", "ERR:", "[err]", "[ERR]", "[error]", "[ERROR]")),
    ("warn", ("warn:", "WARN:", "[warn]", "[WARN]", "warning", "WARNING")),
    ("critical", ("critical:", "CRITICAL:", "[critical]", "[CRITICAL]")),
    ("debug", ("debug", "DEBUG")),
)


def level_of(line: str, labels: Mapping[str, str], metadata: Mapping[str, str]) -> str:
    """The level of a line of a stream with these labels, ``unknown`` where nothing tells it."""
    for known in (labels, metadata):
        named = next((known[field] for field in _FIELDS if field in known), None)
        if named is not None:
            return _KNOWN.get(named.lower(), named)
    return _KNOWN.get(_field(line).lower()) or _by_words(line)


def _field(line: str) -> str:
    """What a field of a JSON or logfmt line says."""
    text = line.strip()
    if text.startswith("{") and text.endswith("}"):
        try:
            return _in_document(orjson.loads(text))
        except orjson.JSONDecodeError:
            return ""
    if "=" not in line:
        return ""
    pairs = {name.lower(): value for name, value in logfmt_pairs(line)}
    return next((pairs[field.lower()] for field in _FIELDS if pairs.get(field.lower())), "")


def _in_document(document: Any) -> str:
    if not isinstance(document, dict):
        return ""
    for name, value in document.items():
        found = value if isinstance(value, str) and name in _FIELDS else _in_document(value)
        if found:
            return str(found)
    return ""


def _by_words(line: str) -> str:
    return next((level for level, words in _WORDS if any(word in line for word in words)), "unknown")
