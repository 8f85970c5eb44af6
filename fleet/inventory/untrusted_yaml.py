"""YAML that somebody else wrote: plain data within bounds, whatever it holds."""

from __future__ import annotations

import yaml

from fleet.errors import UsageError

LARGEST_CHARACTERS = 16 * 2**20
DEEPEST = 50
"""Documents of ours and kubeconfigs nest to about 6; libyaml's composer overruns the stack at some ten thousand."""
MOST_ALIASES = 1000


def load_untrusted(text: str, place: str) -> object:
    """The document's plain data: no objects are made, nothing is run.

    Args:
        text: the document.
        place: what it is, for messages.

    Raises:
        UsageError: it is no YAML, too large, nested too deeply, or asks for more than plain data.
    """
    if len(text) > LARGEST_CHARACTERS:
        raise UsageError(f"{place} is larger than {LARGEST_CHARACTERS // 2**20} MiB.")
    try:
        _check_bounds(text, place)
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as wrong:
        # Only what is wrong and where: the text around it may be a secret.
        mark = wrong.problem_mark
        where = f" in line {mark.line + 1}" if mark else ""
        raise UsageError(f"{place} is not YAML: {wrong.problem or 'it cannot be understood'}{where}.") from None
    except (yaml.YAMLError, ValueError):
        # ValueError: dates and numbers that are none.
        raise UsageError(f"{place} is not YAML.") from None


def _check_bounds(text: str, place: str) -> None:
    depth = aliases = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > DEEPEST or aliases > MOST_ALIASES:
            raise UsageError(f"{place} is nested too deeply, or repeats itself too often, to be read.")
