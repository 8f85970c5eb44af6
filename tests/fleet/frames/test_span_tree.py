from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.frames.span_tree import SpanNode, SpanTree, trees
from tests.fleet.frames.spans import MS, frame_of, span


def tree_of(*rows: dict[str, object]) -> SpanTree:
    [tree] = trees(frame_of(*rows))
    return tree


def self_ms(tree: SpanTree) -> dict[str, float]:
    return {node.span_id.lstrip("0"): node.self_ns / MS for node in tree.walk()}


def path(tree: SpanTree) -> list[tuple[str, float]]:
    """Whose time, how many milliseconds."""
    return [(each.node.span_id.lstrip("0"), each.duration_ns / MS) for each in tree.critical_path()]


def test_children_that_overlap_are_counted_once() -> None:
    tree = tree_of(span("a", None, 0, 100), span("b", "a", 10, 50), span("c", "a", 40, 60), span("d", "a", 45, 55))
    assert self_ms(tree) == {"a": 50, "b": 40, "c": 20, "d": 10}
    assert [child.span_id[-1] for child in tree.roots[0].children] == ["b", "c", "d"]


def test_a_child_that_outlives_its_parent_counts_while_both_live() -> None:
    tree = tree_of(span("a", None, 0, 10), span("b", "a", 5, 500), span("c", "a", 600, 700))
    assert self_ms(tree)["a"] == 5
    assert path(tree) == [("a", 5), ("b", 5)]


def test_the_critical_path_follows_the_child_that_finished_last() -> None:
    # b and c run side by side and d waits for both of them: c was what d waited for.
    tree = tree_of(
        span("a", None, 0, 100),
        span("b", "a", 10, 40),
        span("c", "a", 10, 50),
        span("d", "a", 60, 90),
        span("e", "d", 70, 80),
    )
    assert path(tree) == [("a", 10), ("c", 40), ("a", 10), ("d", 10), ("e", 10), ("d", 10), ("a", 10)]


def test_a_chain_as_long_as_a_large_trace() -> None:
    rows = [span(f"{at:x}", f"{at - 1:x}" if at > 1 else None, 0, 20_000 - at) for at in range(1, 5001)]
    tree = tree_of(*rows)
    *_, last = tree.walk()
    assert last.span_id == f"{5000:016x}"
    assert len(repr(last)) < 300
    assert path(tree)[0] == (last.span_id.lstrip("0"), 15_000)


def test_children_without_duration_take_no_part() -> None:
    assert path(tree_of(span("a", None, 0, 10), span("b", "a", 5, 5))) == [("a", 10)]
    assert path(tree_of(span("a", None, 5, 5))) == []


def test_orphans_and_a_root_that_lacks() -> None:
    tree = tree_of(span("b", "x", 10, 20), span("c", "b", 12, 18), span("d", "y", 15, 60))
    assert tree.root is None
    assert [node.span_id[-1] for node in tree.orphans] == ["b", "d"]
    assert path(tree) == [("d", 45)]
    rooted = tree_of(span("a", None, 0, 5), span("b", "x", 10, 20))
    assert rooted.root is not None
    assert (len(rooted.roots), len(rooted.orphans)) == (2, 1)


def test_spans_that_came_twice() -> None:
    tree = tree_of(span("a", None, 0, 10), span("b", "a", 2, 4), span("b", "a", 2, 4))
    assert (tree.duplicates, len(list(tree.walk()))) == (1, 2)


def test_two_halves_of_a_call_that_share_an_id() -> None:
    tree = tree_of(
        span("a", None, 0, 50, kind="server"),
        span("b", "a", 10, 40, kind="client"),
        span("b", "a", 15, 35, kind="server", service="b"),
        span("c", "b", 20, 30, service="b"),
    )
    [client] = tree.roots[0].children
    [server] = client.children
    assert (client.kind, server.kind, server.children[0].span_id[-1]) == ("client", "server", "c")


@pytest.mark.parametrize("parents", [("b", "a"), ("a", None)])
def test_rings_are_cut_open(parents: tuple[str, str | None]) -> None:
    tree = tree_of(span("a", parents[0], 0, 10), span("b", parents[1] or "a", 1, 5), span("c", "b", 2, 3))
    assert tree.cycles == 1
    assert sorted(node.span_id[-1] for node in tree.walk()) == ["a", "b", "c"]
    assert tree.root is None


def test_a_clock_that_goes_wrong_is_mended() -> None:
    tree = tree_of(
        span("a", None, 0, 100, kind="client"),
        span("b", "a", 5000, 5060, kind="server", service="b"),
        span("c", "b", 5010, 5020, service="b"),
    )
    server = tree.roots[0].children[0]
    assert (server.start_ns - 10**18, server.end_ns - 10**18) == (20 * MS, 80 * MS)
    assert server.children[0].start_ns - 10**18 == 30 * MS
    assert tree.skewed == 2
    late = tree_of(span("a", None, 10, 20, kind="client"), span("b", "a", 5, 60, kind="server", service="b"))
    assert late.roots[0].children[0].shifted_ns == 5 * MS
    # A consumer may well start when its producer is long done.
    queue = tree_of(span("a", None, 0, 1, kind="producer"), span("b", "a", 500, 600, kind="consumer", service="b"))
    assert queue.skewed == 0


def test_very_deep_and_very_wide_traces() -> None:
    deep = [span("0", None, 0, 10_000)] + [span(f"{n:x}", f"{n - 1:x}", n / 2, 10_000 - n / 2) for n in range(1, 5000)]
    tree = tree_of(*deep)
    assert len(path(tree)) == 9999
    wide = [span("0", None, 0, 10_000)] + [span(f"{n:x}", "0", n, n + 1) for n in range(1, 5000)]
    assert sum(ms for _, ms in path(tree_of(*wide))) == 10_000


@given(st.integers(0, 2**32), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_the_path_fills_the_root_and_self_times_are_no_larger_than_spans(seed: int, count: int) -> None:
    draws = random.Random(seed)  # noqa: S311
    rows = [span("1", None, 0, 1000)]
    for number in range(2, count + 2):
        start = draws.uniform(-50, 1000)
        end = start + draws.choice([0, draws.uniform(0, 400)])
        rows.append(span(f"{number:x}", f"{draws.randrange(1, count + 3):x}", start, end))
    draws.shuffle(rows)
    tree = tree_of(*rows)
    nodes = list(tree.walk())
    assert len(nodes) + tree.duplicates == len(rows)
    assert all(0 <= node.self_ns <= node.duration_ns for node in nodes)
    segments = tree.critical_path()
    root = tree.root
    assert root is not None
    assert [each.start_ns for each in segments] == sorted(each.start_ns for each in segments)
    assert (segments[0].start_ns, segments[-1].end_ns) == (root.start_ns, root.end_ns)
    assert all(left.end_ns == right.start_ns for left, right in pairwise(segments))
    assert all(under(each.node, root) for each in segments)


def under(node: SpanNode, root: SpanNode) -> bool:
    at: SpanNode | None = node
    while at is not None and at is not root:
        at = at.parent
    return at is root
