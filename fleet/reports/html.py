"""Content to HTML: one file that opens offline, and the paged form that the PDF is made from."""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from fleet.reports.content import EvidenceEntry, ReportContent
from fleet.reports.wording import date_time, joined

MOST_NAMES_IN_BAND = 5


def render_html(content: ReportContent, *, paged: bool = False) -> str:
    """The report as one HTML file: styles and pictures inside, no script, nothing to fetch.

    Args:
        content: what the report says.
        paged: for a printer of pages: contents with page numbers after the first page, running heads.
    """
    return (
        environment()
        .get_template("report.html.jinja")
        .render(
            content=content,
            paged=paged,
            labels=content.evidence_labels(),
            created=content.generated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            generated=date_time(content.generated_at),
        )
    )


def evidence_anchor(label: str) -> str:
    """The anchor of an entry of the evidence appendix."""
    return f"evidence-{label.lower().replace('.', '-')}"


def evidence_source(entry: EvidenceEntry) -> list[tuple[str, str]]:
    """What an entry says about where it comes from, as term and text; what is empty is left out."""
    facts = [
        ("Time", entry.time),
        ("Query", entry.query),
        ("Labels", entry.labels),
        ("Endpoint", entry.endpoint),
        *(("Object", key) for key in entry.objects),
        ("SHA-256", entry.content_hash),
    ]
    return [(term, text) for term, text in facts if text]


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _drawn(body: str) -> Markup:
    # The one unescaped value: drawn by us, text in it is paths (see drawing.py).
    return Markup(body)  # noqa: S704


def _named(names: list[str]) -> str:
    return joined(names, MOST_NAMES_IN_BAND)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates of reports and mails; all but plain text is escaped."""
    made = Environment(
        loader=PackageLoader("fleet.reports", "templates"),
        autoescape=select_autoescape(["html.jinja"], disabled_extensions=["txt.jinja"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        shortened=_shortened,
        evidence_anchor=evidence_anchor,
        source=evidence_source,
        drawn=_drawn,
        named=_named,
    )
    return made
