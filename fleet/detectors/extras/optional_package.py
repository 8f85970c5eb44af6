"""Packages that only some installations have."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from fleet.errors import UsageError


def optional_package(package: str, *, detector: str, group: str) -> ModuleType:
    """The package of an extra.

    Args:
        package: its import name.
        detector: who needs it, for the message.
        group: the dependency group that brings it.

    Raises:
        UsageError: it is not installed; the hint has the command that installs it.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as missing:
        if missing.name != package:
            raise
        raise UsageError(
            f"The detector {detector} needs the package {package}, which is not installed.",
            hint=f"Install it with: make extras-{group} (docs/detectors.md says more).",
        ) from missing
