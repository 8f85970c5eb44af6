"""Content to Markdown (CommonMark with GFM tables), all of it escaped: a name can neither format nor break a table."""

from __future__ import annotations

import re

from fleet.reports.content import (
    Block,
    Bullets,
    Callout,
    Cell,
    Chart,
    Definitions,
    EvidenceList,
    GradeBand,
    Paragraph,
    ReportContent,
    Statement,
    Table,
    Tone,
)
from fleet.reports.html import MOST_NAMES_IN_BAND, evidence_anchor, evidence_source
from fleet.reports.wording import counted, date_time, joined

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")
_LINE_START = re.compile(r"^(?:([-+=:])|(\d{1,9})([.)]))")
_BACKTICKS = re.compile(r"`+")


def render_markdown(content: ReportContent) -> str:
    """The report as Markdown; pictures are told in words."""
    lines = [
        f"# {escape(content.title)}",
        "",
        escape(content.subtitle),
        "",
        f"**{escape(content.headline)}**",
        "",
        f"Written {escape(date_time(content.generated_at))} by fleetscope.",
        "",
    ]
    for section in content.sections:
        lines += [f'<a id="{section.anchor}"></a>', "", f"{'#' * (section.level + 1)} {escape(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def escape(text: str) -> str:
    """Text that shows as it is: no markup, no link, no HTML, safe in a table's cell and at a line's start."""
    escaped = _SPECIAL.sub(r"\\\1", text)
    escaped = _LINE_START.sub(lambda match: f"\\{match[1]}" if match[1] else f"{match[2]}\\{match[3]}", escaped)
    # GFM makes links of bare addresses, too.
    escaped = escaped.replace("://", ":\\/\\/")
    return re.sub(r"\bwww\.", "www\\.", escaped, flags=re.IGNORECASE)


def code(text: str) -> str:
    """Text as a code span, whatever backticks it holds."""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"{fence}{text}{fence}"


def _statement(statement: Statement) -> str:
    refs = "".join(f" [[{label}](#{evidence_anchor(label)})]" for label in statement.evidence)
    lead = f"**{escape(statement.lead)}:** " if statement.lead else ""
    return lead + escape(statement.text) + refs


def _block(block: Block) -> list[str]:
    match block:
        case Paragraph():
            return [" ".join(_statement(each) for each in block.statements)]
        case Bullets():
            return [f"- {_statement(each)}" for each in block.statements]
        case Callout():
            return [f"> **{escape(block.title)}**", ">", *(f"> - {_statement(each)}" for each in block.statements)]
        case Definitions():
            return _definitions(block)
        case Table():
            return _table(block)
        case Chart():
            return [f"*Chart: {escape(block.caption)}.* {escape(block.description)}"]
        case GradeBand():
            return _grades(block)
        case EvidenceList():
            return _evidence(block)


def _definitions(block: Definitions) -> list[str]:
    lines = []
    for item in block.items:
        if block.wide:
            lines.append(f"- **{escape(item.term)}**")
            lines += [f"  - {_statement(each)}" for each in item.statements]
        else:
            lines.append(f"- **{escape(item.term)}**: {' '.join(_statement(each) for each in item.statements)}")
    return lines


def _table(block: Table) -> list[str]:
    head = " | ".join(escape(column.title) for column in block.columns)
    rule = " | ".join("---:" if column.numeric else "---" for column in block.columns)
    rows = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in block.rows]
    note = ["", escape(block.note)] if block.note else []
    return [f"**{escape(block.caption)}**", "", f"| {head} |", f"| {rule} |", *rows, *note]


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.target:
        return f"[{text}](#{cell.target})"
    return text if cell.tone is Tone.PLAIN else f"**{text}**"


def _grades(block: GradeBand) -> list[str]:
    rows = []
    for share in block.shares:
        names = escape(joined(share.clusters, MOST_NAMES_IN_BAND))
        rows.append(f"| {escape(share.letter)} | {counted(len(share.clusters), 'cluster')} | {names} |")
    return ["| Grade | How many | Which |", "| --- | --- | --- |", *rows]


def _evidence(block: EvidenceList) -> list[str]:
    lines = []
    for entry in block.entries:
        anchor = f'<a id="{evidence_anchor(entry.label)}"></a>'
        lines.append(f"- {anchor}**{entry.label}** {escape(entry.summary)} ({escape(entry.kind)})")
        lines += [f"  - {term}: {code(text)}" for term, text in evidence_source(entry)]
    return lines
