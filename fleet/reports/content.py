"""The content of a report: typed blocks that every renderer shows in full, so that the formats say the same.

Text from clusters is untrusted. It enters here as plain text: white space is folded, control and direction
characters are made visible, and nothing of it is markup; each renderer escapes it for its own format.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from fleet.findings.finding import FindingState
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from fleet.reports.record import ReportKind

LONGEST_TEXT = 4000
"""Characters of one text; what is longer is cut and ends in an ellipsis."""
_JOINERS = "\u200c\u200d"


def _visible(character: str) -> str:
    # Direction overrides and zero-width characters can make one name look like another.
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Cn"} and character not in _JOINERS
    return "\ufffd" if hidden else character


def plain(text: str) -> str:
    """Text on one line, without control, direction or unassigned characters, at most LONGEST_TEXT long."""
    folded = " ".join(text.split())
    if not folded.isprintable():
        folded = "".join(_visible(character) for character in folded)
    return folded if len(folded) <= LONGEST_TEXT else folded[: LONGEST_TEXT - 1] + "…"


PlainText = Annotated[str, AfterValidator(plain)]
Anchor = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,79}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tone(StrEnum):
    """What a mark means. Renderers never show it by colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Statement(_Part):
    """A sentence, and the labels of the evidence on which it rests (``E1.2``: entries of the appendix).

    ``lead`` is a word or name before it that stands out, followed by a colon.
    """

    text: PlainText
    lead: PlainText = ""
    evidence: list[str] = Field(default_factory=list)

    @property
    def line(self) -> str:
        """Lead and text on one line."""
        return f"{self.lead}: {self.text}" if self.lead else self.text


class Paragraph(_Part):
    """Sentences."""

    type: Literal["paragraph"] = "paragraph"
    statements: list[Statement]


class Bullets(_Part):
    """A list of statements."""

    type: Literal["bullets"] = "bullets"
    statements: list[Statement]


class Callout(_Part):
    """Statements that must not be overlooked: what is unknown, above all."""

    type: Literal["callout"] = "callout"
    tone: Tone
    title: PlainText
    statements: list[Statement]


class Definition(_Part):
    """A term and what is said of it."""

    term: PlainText
    statements: list[Statement]


class Definitions(_Part):
    """A definition list; ``wide`` puts each term on a line of its own."""

    type: Literal["definitions"] = "definitions"
    items: list[Definition]
    wide: bool = False


class Column(_Part):
    """A table's column; ``weight`` is its share of the width, ``numeric`` aligns to the right."""

    title: PlainText
    weight: int = Field(default=10, ge=1)
    numeric: bool = False


class Cell(_Part):
    """A table's cell; a tone other than PLAIN makes it a mark, ``target`` a link to a section."""

    text: PlainText
    tone: Tone = Tone.PLAIN
    target: Anchor | None = None


class Table(_Part):
    """A table; every row has as many cells as there are columns. ``note`` says what was left out."""

    type: Literal["table"] = "table"
    caption: PlainText
    columns: list[Column]
    rows: list[list[Cell]]
    note: PlainText = ""


class Drawing(_Part):
    """What stands inside an ``svg`` element of this size (points). Ours alone: text in it is paths."""

    width: float
    height: float
    body: str


class Chart(_Part):
    """A picture drawn by ``charts``. ``description`` says in words what the picture shows and stands for it
    where there is none (Markdown, screen readers)."""

    type: Literal["chart"] = "chart"
    caption: PlainText
    description: PlainText
    drawing: Drawing


class GradeShare(_Part):
    """The clusters that have one grade."""

    letter: PlainText
    tone: Tone
    clusters: list[PlainText]


class GradeBand(_Part):
    """How many clusters have which grade: the fleet's grade is this distribution, not a mean."""

    type: Literal["grades"] = "grades"
    shares: list[GradeShare]


class EvidenceEntry(_Part):
    """A stored fact, how to ask for it again, and where its bytes lie."""

    label: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,6}(\.[0-9]{1,6})?$")]
    kind: PlainText
    summary: PlainText
    time: PlainText = ""
    query: PlainText = ""
    labels: PlainText = ""
    endpoint: PlainText = ""
    objects: list[PlainText] = Field(default_factory=list)
    content_hash: PlainText = ""


class EvidenceList(_Part):
    """Entries of the evidence appendix."""

    type: Literal["evidence"] = "evidence"
    entries: list[EvidenceEntry]


Block = Annotated[
    Paragraph | Bullets | Callout | Definitions | Table | Chart | GradeBand | EvidenceList,
    Field(discriminator="type"),
]


class Section(_Part):
    """A titled run of blocks. Level 1 stands in the contents, level 2 below it; ``front`` is the first page."""

    anchor: Anchor
    title: PlainText
    blocks: list[Block]
    level: Literal[1, 2] = 1
    front: bool = False
    new_page: bool = False


class GradeLine(_Part):
    """A cluster's grade as a report printed it."""

    cluster_id: str
    cluster: PlainText
    letter: PlainText
    reason: PlainText = ""


class IncidentLine(_Part):
    """An incident as a report printed it.

    ``standing`` is its state in words; ``cause`` is the most probable one, empty where none is known.
    """

    id: str
    cluster_id: str
    cluster: PlainText
    title: PlainText
    severity: Severity
    state: FindingState
    standing: PlainText = ""
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    cause: PlainText = ""


class ReportSummary(_Part):
    """A report in a few lines: what the mail says, and what the next report compares itself with.

    ``scope`` is the id of the cluster or incident that the report is about, empty for a fleet.
    """

    kind: ReportKind
    scope: str = ""
    title: PlainText
    headline: PlainText
    generated_at: AwareDatetime
    window: Window
    grades: list[GradeLine] = Field(default_factory=list)
    incidents: list[IncidentLine] = Field(default_factory=list)
    changed: list[PlainText] = Field(default_factory=list)
    unknown: list[PlainText] = Field(default_factory=list)


class ReportContent(_Part):
    """A whole report, independent of its format. All times are UTC."""

    kind: ReportKind
    title: PlainText
    subtitle: PlainText
    generated_at: AwareDatetime
    window: Window
    headline: PlainText
    sections: list[Section]
    summary: ReportSummary

    def blocks(self) -> Iterator[Block]:
        """All blocks in reading order."""
        for section in self.sections:
            yield from section.blocks

    def evidence_labels(self) -> set[str]:
        """The labels that the appendix defines."""
        return {entry.label for block in self.blocks() if isinstance(block, EvidenceList) for entry in block.entries}
