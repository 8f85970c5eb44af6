"""Figures, times and foreign text in sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fleet.inventory.subject import Subject, SubjectKind
from fleet.investigations.wording import clock, measured, moment, named, plain, span


def test_spans_have_no_sign() -> None:
    assert span(timedelta(hours=4, minutes=12)) == span(-timedelta(hours=4, minutes=12)) == "4.2 h"


def test_times_are_utc() -> None:
    at = datetime(2026, 3, 1, 14, 5, tzinfo=timezone(timedelta(hours=2)))

    assert clock(at) == "12:05 UTC"
    assert moment(at) == "2026-03-01 12:05 UTC"
    assert clock(at.astimezone(UTC)) == clock(at)


def test_foreign_text_is_one_bounded_line_without_markup() -> None:
    assert plain("a\n<b>bold</b> [x](y)\t`z`") == "a b bold /b x (y) z"
    assert len(plain("word " * 1000, 50)) <= 50
    assert plain("Ünïcode ok") == "Ünïcode ok"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (Subject(cluster_id="c", kind=SubjectKind.WORKLOAD, namespace="shop", name="cart"), "workload shop/cart"),
        (Subject(cluster_id="c", kind=SubjectKind.DEVICE, name="n-0", part="/dev/vdb"), "device /dev/vdb of node n-0"),
        (
            Subject(cluster_id="c", kind=SubjectKind.CONTAINER, namespace="shop", name="cart-1", part="app"),
            "container app of pod shop/cart-1",
        ),
        (Subject(cluster_id="c", kind=SubjectKind.CLUSTER), "the whole cluster"),
        (Subject(cluster_id="c", kind=SubjectKind.COMPONENT, name="kubelet"), "kubelet"),
        (Subject(cluster_id="c", kind=SubjectKind.NODE, name="n-0"), "node n-0"),
    ],
)
def test_subjects(subject: Subject, text: str) -> None:
    assert named(subject) == text


def test_titles_lose_their_asides() -> None:
    node = Subject(cluster_id="c", kind=SubjectKind.NODE, name="n-0")

    assert measured("Run queue per core, per node", node) == "Run queue per core (node n-0)"
    assert measured("Node reports pressure (memory, disk)", node) == "Node reports pressure (node n-0)"
