"""The query pack's file, read as plain YAML: which texts are asked and which metrics they need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

_BLANK = re.compile(r"\s+")


@dataclass(frozen=True)
class PackEntry:
    """One form of a query of the pack: the query's id, PromQL, the metrics that it needs, and 0 for the first form."""

    id: str
    promql: str
    needs: tuple[str, ...]
    form: int = 0


def one_line(promql: str) -> str:
    """PromQL with each stretch of blanks made one, as which queries are compared."""
    return _BLANK.sub(" ", promql).strip()


def read_pack(path: Path) -> dict[str, PackEntry]:
    """All forms of the queries of a pack file by their PromQL on one line.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no pack.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        entries = [
            PackEntry(each["id"], form["promql"], tuple(form["needs"]), number)
            for each in document["queries"]
            for number, form in enumerate([each, *each.get("alternatives", ())])
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is no query pack: {error!r}") from error
    return {one_line(entry.promql): entry for entry in entries}
