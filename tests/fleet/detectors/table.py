"""The table of the documentation: every detector of the catalogue, in the words of its class."""

from __future__ import annotations

import re
from inspect import getdoc
from pathlib import Path

from fleet.detectors.catalogue import extras, of_other_kinds, of_shortlist, screens
from fleet.detectors.contract import Detector
from tests.fleet.detectors.cases import PACK

DOCUMENT = Path(__file__).parents[3] / "docs" / "detectors.md"
_BEGIN, _END = "<!-- table of detectors -->\n", "<!-- end of the table of detectors -->\n"
_STAGES = (
    ("screen", screens()),
    ("other kinds", of_other_kinds(PACK)),
    ("shortlist", of_shortlist(PACK)),
    ("extra", extras()),
)


def table() -> str:
    """A row a detector."""
    rows = ["| detector | where | score | fails | cost | source |", "|---|---|---|---|---|---|"]
    rows += [_row(detector, stage) for stage, detectors in _STAGES for detector in detectors]
    return "\n".join(rows) + "\n"


def document_table(text: str) -> str:
    """The table that a document holds."""
    return text.partition(_BEGIN)[2].partition(_END)[0]


def write() -> None:
    """Put the table into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    DOCUMENT.write_text(before + _BEGIN + table() + _END + rest.partition(_END)[2], encoding="utf-8")


def _row(detector: Detector, stage: str) -> str:
    text = getdoc(type(detector)) or ""
    cells = [text.partition("\n\n")[0], *(_section(text, name) for name in ("Fails", "Cost", "Source"))]
    return " | ".join([f"| `{detector.name}`", stage, *(" ".join(cell.split()) for cell in cells)]) + " |"


def _section(text: str, name: str) -> str:
    """What a docstring says after a word and a colon, with the indented lines that go on with it."""
    found = re.search(rf"^{name}: (.*(?:\n +.*)*)", text, re.MULTILINE)
    return found.group(1) if found else ""


if __name__ == "__main__":
    write()
