"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from simulator.kubernetes.status import bad_request

Object = dict[str, Any]
Condition = Callable[[Object], bool]

_SET = re.compile(r"\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^()]*)\)\s*(?:,|$)")
_EQUAL = re.compile(r"\s*([^\s!=,()]+)\s*(==|=|!=)\s*([^\s,=!()]*)\s*(?:,|$)")
_EXISTS = re.compile(r"\s*(!?)\s*([^\s!=,()]+)\s*(?:,|$)")


def label_conditions(selector: str) -> list[Condition]:
    """The conditions of a label selector, equality- and set-based.

    Raises:
        RefusedError: it cannot be read (400).
    """
    conditions, rest = [], selector
    while rest.strip():
        for pattern, make in ((_SET, _in_set), (_EQUAL, _equal_label), (_EXISTS, _existing)):
            if match := pattern.match(rest):
                conditions.append(make(match))
                rest = rest[match.end() :]
                break
        else:
            found = re.match(r"\s*([=!,()]{1,2}|\S+)", rest)
            token = found[1] if found else rest
            raise bad_request(f"found '{token}', expected: !, identifier, or 'end of string'")
    return conditions


def field_conditions(selector: str, fields: Mapping[str, Callable[[Object], str]]) -> list[Condition]:
    """The conditions of a field selector over the fields that a kind supports.

    Raises:
        RefusedError: it cannot be read, or the kind does not support the field (400).
    """
    conditions = []
    for part in filter(None, (part.strip() for part in selector.split(","))):
        match = re.fullmatch(r"([^=!]+?)(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        name, operator, value = match.groups()
        if name not in fields:
            raise bad_request(f"field label not supported: {name}")
        conditions.append(_equal_field(fields[name], value, negated=operator == "!="))
    return conditions


def _labels(item: Object) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def _in_set(match: re.Match[str]) -> Condition:
    name, values = match[1], {value.strip() for value in match[3].split(",")}
    if match[2] == "in":
        return lambda item: _labels(item).get(name) in values
    return lambda item: _labels(item).get(name) not in values


def _equal_label(match: re.Match[str]) -> Condition:
    name, operator, value = match.groups()
    if operator == "!=":
        return lambda item: _labels(item).get(name) != value
    return lambda item: _labels(item).get(name) == value


def _existing(match: re.Match[str]) -> Condition:
    negated, name = match.groups()
    return lambda item: (name in _labels(item)) != bool(negated)


def _equal_field(read: Callable[[Object], str], value: str, *, negated: bool) -> Condition:
    return lambda item: (read(item) == value) != negated
