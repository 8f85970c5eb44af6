"""Events in the two forms of the API: that of ``v1``, in which they are kept, and that of ``events.k8s.io/v1``.

Fields and which of them are always there: ``k8s.io/api``, ``core/v1`` and ``events/v1``.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_CORE_NAMES = {new: core for core, new in _NAMES.items()}
_EMPTY = {"source": {}, "firstTimestamp": None, "lastTimestamp": None, "eventTime": None}
"""What stands in both forms although it is empty."""


def as_new(event: Object) -> Object:
    """An event of ``v1`` as ``events.k8s.io/v1`` shows it."""
    shown = {_NAMES.get(name, name): value for name, value in {**_EMPTY, **event}.items()}
    return {
        name: value for name, value in shown.items() if value != "" and not (name == "deprecatedCount" and not value)
    }


def as_core(event: Object) -> Object:
    """An event of ``events.k8s.io/v1`` as it is kept."""
    kept = {_CORE_NAMES.get(name, name): value for name, value in event.items()}
    return {**_EMPTY, "involvedObject": {}, "reportingComponent": "", "reportingInstance": "", **kept}
