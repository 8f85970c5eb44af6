"""Text that came from a cluster, as it is written into Prefect's artifacts, which render Markdown."""

from __future__ import annotations

import pytest

from tasks.publish import quoted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "File system used reached 97.2% (usually 41–42%) on device worker-2.iad-01.example.net//dev/vda4",
        "21 series of node dub-01-worker-2 gave no data for 110 min (CPU used and others)",
        "Rollout of workload shop/catalog at 17:42 UTC (registry.example/catalog:1 → registry.example/catalog:2)",
        "pool sr_iov_0 of node größe-1",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert quoted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "![seen](http://elsewhere.example/pixel.png)",
        "[sign in](//elsewhere.example)",
        "<img src=x onerror=alert(1)>",
        "see http://elsewhere.example",
        "see WWW.elsewhere.example",
        "mail ops@elsewhere.example",
        "*bold*",
        "_emphasis_",
        "__init__",
        "# heading",
        "- item",
        "1. item",
        "a | b",
        "back\\slash",
        "&lt;b&gt;",
        "~~gone~~",
        "right-to-left \u202e override",
    ],
)
def test_what_could_be_markup_becomes_code(text: str) -> None:
    assert quoted(text) == f"`{text}`"


def test_code_is_not_ended_by_the_text_itself() -> None:
    assert quoted("a ` b\n``[c](d)") == "`a ' b ''[c](d)`"
