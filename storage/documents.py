"""Entities to and from the JSON of their rows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fleet.errors import StoreError

Entity = TypeVar("Entity", bound=BaseModel)

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_PERHAPS_UNSTORABLE = re.compile(r"\\u(?:0000|d[89a-f])")
"""The same in JSON's ASCII form, where whole surrogate pairs and a backslash before ``u0000`` look alike."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def to_document(entity: BaseModel) -> dict[str, Any]:
    """An entity's JSON as ``jsonb`` can hold it.

    Cluster text is untrusted and may hold NUL and lone surrogates, which PostgreSQL refuses: each becomes
    U+FFFD, so that one odd label does not cost a cluster its results.

    Raises:
        StoreError: a number is NaN or infinite, which JSON has not; an entity has None where there is no number.
    """
    document = entity.model_dump(mode="json")
    if not _surely_storable(document):
        document = _storable(document, type(entity).__name__)
    return document


def from_document(model: type[Entity], document: Mapping[str, Any]) -> Entity:
    """The entity of a row.

    Raises:
        StoreError: the row was written by another version, or by somebody else.
    """
    try:
        return model.model_validate(document)
    except ValidationError as failure:
        raise StoreError(
            f"A stored {model.__name__} cannot be read: {failure.error_count()} fields are not as they should be.",
            hint="It was written by another version of fleetscope.",
        ) from failure


def _surely_storable(document: dict[str, Any]) -> bool:
    """Whether the whole can stay as it is, as nearly all can: asked of its text, far faster than part by part."""
    try:
        text = json.dumps(document, allow_nan=False)
    except ValueError:
        return False
    return _PERHAPS_UNSTORABLE.search(text) is None


def _storable(value: Any, place: str) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, dict):
        return {_storable(key, place): _storable(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item, place) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise StoreError(f"Refused to store {place}: {value} is no number that JSON has.")
    return value
