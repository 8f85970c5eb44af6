"""The three formats say the same, hold against hostile names, and are the same bytes each time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from fleet.reports.compose import compose_fleet_report
from fleet.reports.content import ReportContent, Table, plain
from fleet.reports.html import render_html
from fleet.reports.markdown import code, escape, render_markdown
from tests.fleet.reports import materials
from tests.fleet.reports.reading import Page, markdown_text, markdown_tokens, squeezed, texts


@pytest.fixture(scope="module", params=["ordinary", "hard"])
def content(request: pytest.FixtureRequest) -> ReportContent:
    return request.getfixturevalue(request.param)


def test_html_and_markdown_say_every_text_of_the_content(content: ReportContent) -> None:
    told = {"html": squeezed(Page(render_html(content)).text), "md": squeezed(markdown_text(render_markdown(content)))}
    missing = [(form, text) for text in texts(content) for form, whole in told.items() if squeezed(text) not in whole]
    assert missing == []


def test_html_holds_no_markup_from_clusters(hard: ReportContent, ordinary: ReportContent) -> None:
    page = Page(render_html(hard))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(render_html(ordinary)).elements}
    assert not page.of("script") and not page.of("img") and len(page.of("style")) == 1
    assert all((each["href"] or "").startswith("#") for each in page.of("a"))
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "{{ 7*7 }}{% for x in y %}" in page.text and "<script>alert(1)</script>" in page.text


def test_html_needs_nothing_from_outside(ordinary: ReportContent) -> None:
    page = Page(render_html(ordinary))
    references = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href", "xlink:href", "srcset", "data"}
    ]
    assert references and all((each or "").startswith("#") for each in references)
    assert "@import" not in render_html(ordinary) and "url(http" not in render_html(ordinary)


def test_html_can_be_found_ones_way_in(ordinary: ReportContent) -> None:
    page = Page(render_html(ordinary))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert page.of("html")[0]["lang"] == "en"
    assert {(each["href"] or "")[1:] for each in page.of("a")} <= set(ids)
    sections = {section.anchor for section in ordinary.sections}
    assert sections <= set(ids)
    assert all(each.get("scope") == "col" for each in page.of("th"))
    assert len(page.of("h1")) == 1


def test_cells_bear_their_columns_titles_for_phones_that_show_rows_as_cards(ordinary: ReportContent) -> None:
    tables = [block for block in ordinary.blocks() if isinstance(block, Table)]
    told = [cell["data-title"] for cell in Page(render_html(ordinary)).of("td")]
    assert told == [column.title for table in tables for _ in table.rows for column in table.columns]


def test_markdown_keeps_its_tables_and_holds_no_markup_from_clusters(hard: ReportContent) -> None:
    tokens = markdown_tokens(render_markdown(hard))
    html = {token.content for token in tokens if token.type in {"html_inline", "html_block"}}
    assert all(each == "</a>" or (each.startswith('<a id="') and "href" not in each) for each in html)
    assert all(str(token.attrs["href"]).startswith("#") for token in tokens if token.type == "link_open")
    assert not [token for token in tokens if token.type in {"image", "fence", "code_block"}]
    tables = [block for block in hard.blocks() if isinstance(block, Table)]
    rows = sum(token.type == "tr_open" for token in tokens)
    cells = sum(token.type == "td_open" for token in tokens)
    grades = 7
    assert rows == sum(len(table.rows) + 1 for table in tables) + grades
    assert cells == sum(len(table.rows) * len(table.columns) for table in tables) + 3 * (grades - 1)


@pytest.mark.parametrize(
    "name", [*materials.HOSTILE, "- item", "1. item", "# head", "=== ", "www.evil.example", "a\\|b"]
)
def test_escaped_text_reads_as_it_was(name: str) -> None:
    folded = plain(name)
    table = f"| a |\n| --- |\n| {escape(folded)} |\n"
    assert squeezed(markdown_text(table)) == "a" + squeezed(folded)
    assert squeezed(markdown_text(escape(folded))) == squeezed(folded)


@pytest.mark.parametrize("query", ["up", "a`b", "`a`", "``", 'label_replace(x, "a", "$1", "b", "`(.*)`")'])
def test_code_spans_hold_whatever_backticks_there_are(query: str) -> None:
    spans = [token.content for token in markdown_tokens(code(query)) if token.type == "code_inline"]
    assert [each.strip() for each in spans] == [query.strip()]


def test_names_are_made_visible_and_folded(hard: ReportContent) -> None:
    text = hard.model_dump_json(exclude={"sections": {"__all__": {"blocks": {"__all__": {"drawing"}}}}})
    assert not any(each in text for each in ("\u202e", "\\u202e", "\\u001b", "\x1b", "\\u0000"))


def test_same_material_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import hashlib\n"
        "from dataclasses import replace\n"
        "from tests.fleet.reports import materials\n"
        "from fleet.reports.compose import compose_fleet_report\n"
        "from fleet.reports.html import render_html\n"
        "from fleet.reports.markdown import render_markdown\n"
        "from fleet.reports.pdf import render_pdf\n"
        "whole = materials.ordinary()\n"
        "few = replace(whole, incidents=whole.incidents[:1], findings=whole.findings[:3], charts=whole.charts[:1])\n"
        "content = compose_fleet_report(few)\n"
        "data = render_html(content).encode() + render_markdown(content).encode() + render_pdf(content)\n"
        "print(hashlib.sha256(data).hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(found) == 1 and len(found.pop()) == len(hashlib.sha256().hexdigest())


def test_content_survives_json(ordinary: ReportContent) -> None:
    assert ReportContent.model_validate_json(ordinary.model_dump_json()) == ordinary


def test_order_of_the_material_does_not_matter(ordinary: ReportContent) -> None:
    whole = materials.ordinary()
    turned = replace(
        whole,
        incidents=whole.incidents[::-1],
        findings=whole.findings[::-1],
        investigations=whole.investigations[::-1],
        changes=whole.changes[::-1],
        charts=whole.charts[::-1],
        coverage={each: rows[::-1] for each, rows in whole.coverage.items()},
    )
    assert compose_fleet_report(turned) == ordinary
