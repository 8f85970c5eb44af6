"""The table of the documentation: what each collector's coverage says in each case."""

from __future__ import annotations

from pathlib import Path

from tests.fleet.collectors.conformance.adapters import ADAPTERS
from tests.fleet.collectors.conformance.cases import Case

DOCUMENT = Path(__file__).parents[4] / "docs" / "collectors.md"
_BEGIN, _END = "<!-- conformance table -->\n", "<!-- end of the conformance table -->\n"


def table() -> str:
    """Collectors across, cases down."""
    names = [adapter.name for adapter in ADAPTERS]
    rows = [f"| case | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for case in Case:
        cells = [str(adapter.expected(case) or "–") for adapter in ADAPTERS]
        rows.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def document_table(text: str) -> str:
    """The table that a document holds."""
    return text.partition(_BEGIN)[2].partition(_END)[0]


def write() -> None:
    """Put the table into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    DOCUMENT.write_text(before + _BEGIN + table() + _END + rest.partition(_END)[2], encoding="utf-8")


if __name__ == "__main__":
    write()
