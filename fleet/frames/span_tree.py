"""The tree of a trace's spans: who called whom, what each did by itself, and what made the trace as long as it is.

What traces bring along that is no tree is mended and told: spans that came twice, parents that are not there (orphans),
parents in a ring, and clocks of different machines that disagree.

- Self time: a span's time without the parts in which any of its children was at work; children may overlap.
- Critical path: from the end of the root backwards, always into the child that finished last before the point reached,
  as in Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice Architectures", USENIX ATC 2022,
  section 3.1. What no child explains is the span's own.
- Clock skew: a server's span that lies outside of its caller's is moved into it, with the time that is left over
  divided evenly between the ways there and back: the rule of Jaeger's clock skew adjuster
  (jaegertracing/jaeger, clockskew.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fleet.frames.trace_frame import SpanFrame

_REMOTE = ("client", "server")


@dataclass(eq=False, slots=True)
class SpanNode:
    """One span in its tree; the same as no other.

    Attributes:
        row: of the span in the frame.
        span_id, service, name, kind, status: as in the frame.
        start_ns: Unix nanoseconds, after ``shifted_ns`` was added.
        end_ns: likewise.
        parent: the caller's node; None for a root.
        children: in order of their start.
        orphan: its parent is not in the trace, or stands below it.
        shifted_ns: by what it was moved for a clock that went wrong.
    """

    row: int
    span_id: str
    service: str
    name: str
    kind: str
    status: str
    start_ns: int
    end_ns: int
    parent: SpanNode | None = field(default=None, repr=False)
    children: list[SpanNode] = field(default_factory=list, repr=False)
    orphan: bool = False
    shifted_ns: int = 0

    @property
    def duration_ns(self) -> int:
        """Nanoseconds."""
        return self.end_ns - self.start_ns

    @property
    def self_ns(self) -> int:
        """Nanoseconds in which it was at work and none of its children was."""
        covered, reached = 0, self.start_ns
        for child in sorted(self.children, key=lambda each: each.start_ns):
            start, end = max(child.start_ns, reached), min(child.end_ns, self.end_ns)
            if end > start:
                covered += end - start
                reached = end
        return self.duration_ns - covered

    def walk(self) -> Iterator[SpanNode]:
        """It and all below it, parents first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)


@dataclass(frozen=True)
class Segment:
    """A stretch of the critical path in which a span itself was what the trace waited for; Unix nanoseconds."""

    node: SpanNode
    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """Nanoseconds."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True)
class SpanTree:
    """A trace as a tree, or as several where parents lack.

    Attributes:
        trace_id: 32 hexadecimal digits.
        roots: the spans without a parent in the trace, in order of their start; orphans are among them.
        duplicates: spans that came more than once and were dropped.
        cycles: rings of parents that were cut open.
    """

    trace_id: str
    roots: list[SpanNode]
    duplicates: int = 0
    cycles: int = 0

    @property
    def root(self) -> SpanNode | None:
        """The span by which the trace began; None where it was not received."""
        return next((node for node in self.roots if not node.orphan), None)

    @property
    def orphans(self) -> list[SpanNode]:
        """The spans whose parents are not in the trace."""
        return [node for node in self.roots if node.orphan]

    @property
    def skewed(self) -> int:
        """Spans that were moved for a clock that went wrong."""
        return sum(1 for node in self.walk() if node.shifted_ns)

    def walk(self) -> Iterator[SpanNode]:
        """All spans, parents first."""
        for root in self.roots:
            yield from root.walk()

    def critical_path(self) -> list[Segment]:
        """What the trace waited for, in order of time; the segments fill the root's time without gap or overlap.

        Of a trace whose root was not received it is that of the span that is longest among the topmost ones.
        """
        if not self.roots:
            return []
        return critical_path(self.root or max(self.roots, key=lambda node: node.duration_ns))


def trees(frame: SpanFrame) -> Iterator[SpanTree]:
    """The tree of each trace of a frame, in the frame's order."""
    for rows in frame.trace_rows():
        yield _tree(frame.slice(rows), rows.start)


def critical_path(root: SpanNode) -> list[Segment]:
    """What a span waited for, in order of time; children that end after their parent count up to the parent's end."""
    found: list[Segment] = []
    waiting: list[Segment | _Stretch] = [_Stretch(root, root.start_ns, root.end_ns)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Segment):
            found.append(part)
        else:
            waiting += reversed(_parts(part))
    found.reverse()
    return found


@dataclass(frozen=True)
class _Stretch:
    """A span as far as it lies within its caller; Unix nanoseconds."""

    node: SpanNode
    start_ns: int
    end_ns: int


def _parts(stretch: _Stretch) -> list[Segment | _Stretch]:
    """A span's own segments and the children between them, from its end backwards."""
    node, begin, reached = stretch.node, stretch.start_ns, stretch.end_ns
    inside = [each for each in node.children if each.duration_ns and each.start_ns < reached and each.end_ns > begin]
    ends = sorted(((min(each.end_ns, reached), -each.start_ns, at) for at, each in enumerate(inside)), reverse=True)
    parts: list[Segment | _Stretch] = []
    for end, _, at in ends:
        # A child that was still at work when the next one began was not what that one waited for.
        if end > reached:
            continue
        if reached > end:
            parts.append(Segment(node, end, reached))
        reached = max(inside[at].start_ns, begin)
        parts.append(_Stretch(inside[at], reached, end))
    if reached > begin:
        parts.append(Segment(node, begin, reached))
    return parts


def _tree(spans: SpanFrame, first_row: int) -> SpanTree:
    nodes, parents, duplicates = _nodes(spans, first_row)
    by_id = _by_id(nodes)
    for node, parent_id in zip(nodes, parents, strict=True):
        node.parent = _parent(node, parent_id, by_id)
        node.orphan = parent_id is not None and node.parent is None
    cycles = _cut_open(nodes)
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    roots = sorted((node for node in nodes if node.parent is None), key=lambda node: node.start_ns)
    for root in roots:
        _mend_clocks(root)
    return SpanTree(spans.texts("trace_id")[0], roots, duplicates, cycles)


def _nodes(spans: SpanFrame, first_row: int) -> tuple[list[SpanNode], list[str | None], int]:
    """The spans of a trace, each once, with their parents' ids, in order of their start."""
    columns = [spans.texts(name) for name in ("span_id", "service", "name", "kind", "status")]
    starts, durations = spans.numbers("start_ns").tolist(), spans.numbers("duration_ns").tolist()
    parent_ids: list[str | None] = list(spans.texts("parent_id"))
    seen: set[tuple[str, str, int]] = set()
    found: list[tuple[SpanNode, str | None]] = []
    for at, (start, duration) in enumerate(zip(starts, durations, strict=True)):
        span_id, service, name, kind, status = (column[at] for column in columns)
        if (span_id, kind, start) in seen:
            continue
        seen.add((span_id, kind, start))
        node = SpanNode(first_row + at, span_id, service, name, kind, status, start, start + max(0, duration))
        found.append((node, parent_ids[at]))
    found.sort(key=lambda each: each[0].start_ns)
    return [node for node, _ in found], [parent for _, parent in found], len(starts) - len(found)


def _by_id(nodes: list[SpanNode]) -> dict[str, list[SpanNode]]:
    """Nodes by their id: two kinds of one call may share it, as Zipkin's clients and servers do."""
    found: dict[str, list[SpanNode]] = {}
    for node in nodes:
        found.setdefault(node.span_id, []).append(node)
    return found


def _parent(node: SpanNode, parent_id: str | None, by_id: dict[str, list[SpanNode]]) -> SpanNode | None:
    """The node that a span was called by; of two that share an id, the client called the server, which calls others."""
    sharing = by_id[node.span_id]
    if node.kind == "server" and len(sharing) > 1:
        client = next((each for each in sharing if each.kind == "client"), None)
        if client is not None:
            return client
    candidates = by_id.get(parent_id, []) if parent_id is not None else []
    return next((each for each in candidates if each.kind == "server"), candidates[0] if candidates else None)


def _cut_open(nodes: list[SpanNode]) -> int:
    """Makes the earliest span of each ring of parents a root; returns how many rings there were."""
    cycles = 0
    known: set[int] = set()
    for node in nodes:
        path: dict[int, None] = {}
        at: SpanNode | None = node
        while at is not None and id(at) not in known and id(at) not in path:
            path[id(at)] = None
            at = at.parent
        if at is not None and id(at) in path:
            # Nodes come in order of their start: the one by which a ring is entered first is its earliest.
            ring = _ring(at)
            earliest = min(ring, key=lambda each: each.start_ns)
            earliest.parent, earliest.orphan = None, True
            cycles += 1
        known.update(path)
    return cycles


def _ring(node: SpanNode) -> list[SpanNode]:
    found, at = [node], node.parent
    while at is not None and at is not node:
        found.append(at)
        at = at.parent
    return found


def _mend_clocks(root: SpanNode) -> None:
    """Moves spans of other machines into their callers' time; all that they did there moves with them."""
    waiting = [(child, 0) for child in root.children]
    while waiting:
        node, shift = waiting.pop()
        parent = node.parent
        if parent is not None and (parent.kind, node.kind) == _REMOTE:
            shift = _skew(node, parent)
        node.start_ns += shift
        node.end_ns += shift
        node.shifted_ns = shift
        waiting += [(child, shift) for child in node.children]


def _skew(node: SpanNode, parent: SpanNode) -> int:
    """By what a server's span has to be moved to lie within its caller's; 0 where it does."""
    if parent.start_ns <= node.start_ns and node.end_ns <= parent.end_ns:
        return 0
    if node.duration_ns >= parent.duration_ns:
        # A caller that gave up: the two began together at the earliest.
        return max(0, parent.start_ns - node.start_ns)
    return parent.start_ns + (parent.duration_ns - node.duration_ns) // 2 - node.start_ns
