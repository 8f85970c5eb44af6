"""Content to PDF with WeasyPrint, from the paged HTML. The renderer reads no address and no file."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import NoReturn

from weasyprint import HTML
from weasyprint.document import Document
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from fleet.reports.content import ReportContent
from fleet.reports.html import render_html

# It warns once a glyph that no font has (an emoji in a name): the page shows a box there, and nobody can do more.
logging.getLogger("weasyprint").setLevel(logging.ERROR)


class FetchRefused(FatalURLFetchingError):  # type: ignore[misc]
    """Something in a report asked for an address or a file: nothing in it should."""


class _NoFetcher(URLFetcher):  # type: ignore[misc]
    def fetch(self, url: str, headers: object = None) -> NoReturn:
        """Refuse: styles and pictures are inside, and what cluster text may name is not to be read."""
        raise FetchRefused(f"a report must not fetch anything: {url[:200]!r}")


def layout(content: ReportContent) -> Document:
    """The report laid out on A4 pages."""
    return HTML(string=render_html(content, paged=True), url_fetcher=_NoFetcher()).render(pdf_tags=True)


def render_pdf(content: ReportContent) -> bytes:
    """The report as tagged PDF with bookmarks; the same content gives the same bytes.

    Raises:
        FetchRefused: something in the page asked for an address or a file.
    """
    identifier = sha256(content.model_dump_json().encode()).digest()[:16]
    data: bytes = layout(content).write_pdf(pdf_tags=True, pdf_identifier=identifier)
    return data
