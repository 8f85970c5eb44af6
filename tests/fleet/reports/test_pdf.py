"""PDF pages: what they say, that nothing leaves its place, and that nothing is fetched."""

from __future__ import annotations

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from pypdf import PdfReader
from weasyprint.document import Document
from weasyprint.formatting_structure import boxes

from fleet.reports.compose import compose_fleet_report
from fleet.reports.content import Bullets, Chart, Drawing, ReportContent, Section
from fleet.reports.pdf import FetchRefused, layout, render_pdf
from tests.fleet.reports import materials
from tests.fleet.reports.reading import squeezed, texts

TOLERANCE = 0.6
"""CSS pixels, a sixth of a millimetre: rounding of text widths."""


@pytest.fixture(scope="module")
def reader(ordinary_pages: Document) -> PdfReader:
    return PdfReader(io.BytesIO(ordinary_pages.write_pdf(pdf_tags=True)))


@pytest.fixture(scope="module")
def pages(reader: PdfReader) -> list[str]:
    return [page.extract_text() for page in reader.pages]


@pytest.fixture(params=["ordinary_pages", "hard_pages"])
def document(request: pytest.FixtureRequest) -> Document:
    return request.getfixturevalue(request.param)


def walk(box: boxes.Box, cell: boxes.Box | None = None, *, cover: bool = False) -> Iterator[tuple]:
    """Boxes of a page's content with their table cell; page margins and the cover's band are left out."""
    if isinstance(box, boxes.MarginBox):
        return
    cover = cover or box.element_tag == "header"
    cell = box if isinstance(box, boxes.TableCellBox) else cell
    if not cover:
        yield box, cell
    for child in getattr(box, "children", []):
        yield from walk(getattr(child, "_box", child), cell, cover=cover)


def test_text_of_the_pdf_is_that_of_the_content(ordinary: ReportContent, pages: list[str]) -> None:
    whole = squeezed("".join(pages))
    missing = [text for text in texts(ordinary) if squeezed(text) not in whole]
    # A text that goes on over a page break has the page's foot in its middle.
    assert len(missing) <= len(pages) // 4, missing


def test_subjects_and_causes_stand_in_the_pdf(pages: list[str]) -> None:
    whole = squeezed("".join(pages))
    for text in (
        "container shop/cart-7d9f8c-x2x1q/app",
        "Memory leak in shop/cart (86%)",
        "Bad rollout of shop/checkout",
        "Disk /dev/nvme0n1p4 of worker-1 fills up",
        "no answer within 30 s at https://prometheus.prod-east.example:9090",
    ):
        assert squeezed(text) in whole


def test_first_page_has_grades_changes_gaps_and_incidents(pages: list[str]) -> None:
    first = squeezed(pages[0])
    places = [
        first.index(squeezed(each))
        for each in (
            "Fleet report",
            "incidents are open",
            "Grades",
            "What changed since",
            "What is unknown",
            "Incidents",
        )
    ]
    assert places == sorted(places)
    assert squeezed("Memory leak in shop/cart ends in OOM kills") in first


def test_pages_are_counted_and_the_contents_name_them(reader: PdfReader, pages: list[str]) -> None:
    assert 8 <= len(pages) <= 16
    for number, text in enumerate(pages, start=1):
        assert f"{number} of {len(pages)}" in text
    outline = {each.title: reader.get_destination_page_number(each) + 1 for each in _flat(reader.outline)}
    contents = squeezed(next(text for text in pages if "Contents" in text))
    for title in ("The incidents one by one", "The clusters one by one", "Evidence"):
        after = contents.split(squeezed(title), 1)[1].lstrip(".…")
        assert after.startswith(str(outline[title]))


def test_metadata_language_tags_and_links(reader: PdfReader, ordinary: ReportContent) -> None:
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "en" and root["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None and (reader.metadata.title or "").startswith("Fleet report")
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.replace(microsecond=0) == ordinary.generated_at.replace(microsecond=0)
    uris = [
        annotation.get_object()["/A"]["/URI"]
        for page in reader.pages
        for annotation in page.get("/Annots", [])
        if "/URI" in annotation.get_object().get("/A", {})
    ]
    assert uris == []


def test_nothing_leaves_the_page_or_its_cell(document: Document) -> None:
    outside = []
    for number, page in enumerate(document.pages, start=1):
        frame = page._page_box
        left, right = frame.content_box_x(), frame.content_box_x() + frame.width
        bottom = frame.content_box_y() + frame.height
        for box, cell in walk(frame):
            if not isinstance(box, boxes.TextBox | boxes.ReplacedBox | boxes.TableBox):
                continue
            low, high = (left, right) if cell is None else (cell.position_x, cell.position_x + cell.border_width())
            fits = low - TOLERANCE <= box.position_x and box.position_x + box.width <= high + TOLERANCE
            if not fits or box.position_y + (box.height or 0) > bottom + TOLERANCE:
                outside.append((number, type(box).__name__, getattr(box, "text", "")[:60]))
    assert outside == []


def test_no_heading_or_caption_ends_a_page(document: Document) -> None:
    orphans = []
    for number, page in enumerate(document.pages, start=1):
        content = [box for box, _ in walk(page._page_box)]
        last = max((box.position_y for box in content if isinstance(box, boxes.TextBox | boxes.ReplacedBox)), default=0)
        for box in content:
            heading = box.element_tag in {"h2", "h3", "caption", "figcaption"} and isinstance(box, boxes.BlockBox)
            if heading and box.position_y + box.margin_height() > last:
                orphans.append((number, box.element_tag))
    assert orphans == []


def test_what_the_first_page_does_not_hold_leaves_no_page_almost_empty(ordinary: ReportContent) -> None:
    spilled = 0
    for lines in range(6, 30, 2):
        pages = layout(_front_only(ordinary, lines)).pages
        rows = [[box for box, _ in walk(page._page_box) if isinstance(box, boxes.TableRowBox)] for page in pages]
        spilled += len(pages) > 1 and bool(rows[1])
        # The head of a table, which stands on each of its pages, is a row as well.
        assert all(len(each) != 2 for each in rows), lines
        contents = [page for page in pages if any(box.element_tag == "nav" for box, _ in walk(page._page_box))]
        assert contents == [pages[-1]] and len(pages) <= 2, lines
    assert spilled > 3


def _front_only(content: ReportContent, lines: int) -> ReportContent:
    """The sections of the first page alone, with so many lines of what changed."""
    front = [section for section in content.sections if section.front]
    changed = next(section for section in front if section.anchor == "changed")
    told = changed.blocks[0]
    assert isinstance(told, Bullets)
    longer = told.model_copy(update={"statements": (told.statements * lines)[:lines]})
    sections = [section.model_copy(update={"blocks": [longer]}) if section is changed else section for section in front]
    return content.model_copy(update={"sections": sections})


def test_no_chart_is_split_or_lost(document: Document, request: pytest.FixtureRequest) -> None:
    content = request.getfixturevalue("hard" if len(document.pages) > 20 else "ordinary")
    charts = sum(isinstance(block, Chart) for block in content.blocks())
    drawn = [box for page in document.pages for box, _ in walk(page._page_box) if isinstance(box, boxes.ReplacedBox)]
    assert len(drawn) == charts > 5


@pytest.mark.parametrize("material", [materials.nothing, materials.unseen])
def test_reports_without_data_say_so(material) -> None:
    content = compose_fleet_report(material())
    reader = PdfReader(io.BytesIO(render_pdf(content)))
    first = squeezed(reader.pages[0].extract_text())
    assert squeezed(content.headline) in first
    assert len(reader.pages) <= 3


class _Counting(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


def test_the_renderer_fetches_no_address_and_no_file(tmp_path) -> None:
    handler = type("Handler", (_Counting,), {"asked": []})
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        for address in (f"http://127.0.0.1:{server.server_port}/x.png", secret.as_uri(), "data:image/png;base64,AAAA"):
            with pytest.raises(FetchRefused):
                layout(_with_image(address))
        server.shutdown()
        thread.join()
    assert handler.asked == []


def _with_image(address: str) -> ReportContent:
    """A report whose drawing was tampered with: it closes the picture and brings an image of its own."""
    content = compose_fleet_report(materials.nothing())
    drawing = Drawing(width=10, height=10, body=f'</svg><img src="{address}" alt="x"><svg>')
    chart = Chart(caption="c", description="d", drawing=drawing)
    return content.model_copy(update={"sections": [Section(anchor="x", title="x", blocks=[chart])]})


def _flat(outline: list) -> Iterator:
    for each in outline:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each
