"""YAML that somebody else wrote: plain data within bounds, whatever it holds."""

from __future__ import annotations

import yaml

from fleet.errors import UsageError

LARGEST_CHARACTERS = 16 * 2**20
DEEPEST = 50
"""Documents of ours and kubeconfigs nest to about 6; libyaml's composer overruns the stack at some ten thousand."""
MOST_REPEATED_NODES = 100_000
"""Of nodes that aliases stand for, written out: merge keys copy them, and whoever walks the document meets them."""


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
        if line_beyond_bounds(text) is None:
            return yaml.load(text, Loader=yaml.CSafeLoader)
        fault = f"{place} is nested too deeply, or repeats itself too often, to be read."
    except yaml.constructor.ConstructorError as wrong:
        # What is wrong may be named by its text, such as a tag: a secret that begins with an exclamation mark.
        fault = f"{place} is not YAML of plain data{_where(wrong)}."
    except yaml.MarkedYAMLError as wrong:
        # Only what is wrong and where: the text around it may be a secret.
        fault = f"{place} is not YAML: {wrong.problem or 'it cannot be understood'}{_where(wrong)}."
    except (yaml.YAMLError, ValueError, LookupError, AttributeError):
        # Dates, numbers and truth values that are none, each in its own way.
        fault = f"{place} is not YAML."
    # Outside the handler: the parser's exceptions hold the text, and would stay as this one's context.
    raise UsageError(fault)


def line_beyond_bounds(text: str) -> int | None:
    """The line in which a document nests too deeply or repeats itself too often; None where it does neither.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    depth = nodes = repeated = 0
    # The nodes that each anchor stands for, and those whose node has not ended yet: anchor and nodes before it.
    sizes: dict[str, int] = {}
    unfinished: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            unfinished.append((event.anchor, nodes))
            depth, nodes = depth + 1, nodes + 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = unfinished.pop()
            depth -= 1
            if anchor is not None:
                sizes[anchor] = nodes - before
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.AliasEvent):
            holds_itself = any(anchor == event.anchor for anchor, _ in unfinished)
            size = MOST_REPEATED_NODES + 1 if holds_itself else sizes.get(event.anchor or "", 0)
            nodes, repeated = nodes + size, repeated + size
        if depth > DEEPEST or repeated > MOST_REPEATED_NODES:
            return event.start_mark.line + 1 if event.start_mark else 1
    return None


def _where(wrong: yaml.MarkedYAMLError) -> str:
    return f" in line {wrong.problem_mark.line + 1}" if wrong.problem_mark else ""
