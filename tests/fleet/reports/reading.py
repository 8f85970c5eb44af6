"""Reads the three formats back as plain text, and the content's own texts, for comparing them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from fleet.reports.content import ReportContent

_HIDDEN_KEYS = {"type", "tone", "anchor", "target", "drawing"}


def squeezed(text: str) -> str:
    """Text without white space: where lines break is not what a format says."""
    return re.sub(r"\s+", "", text)


def texts(content: ReportContent) -> list[str]:
    """Every text of the content that a reader is to see."""
    dumped = content.model_dump(mode="python", include={"title", "subtitle", "headline", "sections"})
    return [text for text in _strings(dumped) if text.strip()]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in _HIDDEN_KEYS:
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


class Page(HTMLParser):
    """An HTML page: its elements with attributes, and its visible text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._silent = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._silent += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def markdown_tokens(text: str) -> list[Token]:
    """All tokens of a Markdown text, inline ones in place."""
    found: list[Token] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found.append(token)
        found.extend(token.children or [])
    return found


def markdown_text(text: str) -> str:
    """What a reader of the rendered Markdown sees."""
    shown = {"text", "code_inline", "text_special"}
    return "".join(token.content for token in markdown_tokens(text) if token.type in shown)
