"""All lines of a window, page by page: by time, since Loki has no cursor.

A full page may end in the middle of the lines of one time. Those are not handed out but asked for again as the
beginning of the next page, so that each line comes exactly once, whatever the order in which a server gives lines of
one time. Where all of a page has one time, that time alone is asked for with the largest limit that the server and our
own budget of bytes allow; what is beyond it cannot be reached, is stepped over, and is recorded as a gap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fleet.collectors.loki.client import Direction
from fleet.collectors.loki.limits import LokiLimits
from fleet.collectors.loki.lines import LogPage
from fleet.errors import AnswerTooLarge, QueryRefused, SourceTimeout, WrongService
from fleet.frames.log_frame import LogFrame

_LIMIT_WORDS = re.compile(r"max entries limit.*\((\d+) > (\d+)\)")
_TOO_MUCH = re.compile("time range exceeds|would read too many bytes|query too large to execute|number of chunks limit")
"""Loki's words for what a shorter query may be granted: its limits on time, bytes and chunks."""
_USUAL_MAXIMUM = 5_000
_MOST_LINES_OF_ONE_TIME = 80_000
_MOST_WARNINGS = 5
_SHRINK = 4

Ask = Callable[[int, int, int], LogPage]
"""From the first nanosecond, the one behind the last, and a limit to a page."""


@dataclass(frozen=True)
class LineGap:
    """A time at which there are more lines than a server hands out at once; ``seen`` of them were read."""

    at_ns: int
    seen: int


@dataclass
class LinePages:
    """Iterates over a window's lines as frames; reading is done while it is iterated over, once.

    Args:
        ask: asks the server, for lines at the window's end that ``direction`` begins with.
        start_ns: the window's first nanosecond.
        end_ns: the one behind its last.
        direction: FORWARD hands out the oldest lines first, BACKWARD the newest; within a frame the oldest come first.
        limits: bounds of pages and spans.

    Attributes:
        start_ns: with ``end_ns`` what is not read yet; nothing is left when they are equal.
        gaps: what was stepped over.
        warnings: the server's own words, each once; the first ones of many.

    Raises:
        SourceError: of the request that failed; what was handed out before is whole.
    """

    ask: Ask
    start_ns: int
    end_ns: int
    direction: Direction
    limits: LokiLimits
    gaps: list[LineGap] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._limit = self.limits.page_lines
        self._most: int | None = None
        self._longest_ns = self._span_ns = int(self.limits.span_seconds * 1e9)
        self._shortest_ns = int(self.limits.shortest_span_seconds * 1e9)

    def __iter__(self) -> Iterator[LogFrame]:
        while self.start_ns < self.end_ns:
            frame = self._next()
            if len(frame):
                yield frame

    def _next(self) -> LogFrame:
        """The next page's lines, but for those of its last time if it is full; moves on what is left."""
        first, last, page, full = self._asked()
        if not full:
            self._read_until(last if self._forward else first)
            return page
        edge = int(page.timestamps_ns[-1 if self._forward else 0])
        if int(page.timestamps_ns[0]) == int(page.timestamps_ns[-1]):
            return self._of_one_time(edge, page)
        self._read_until(edge if self._forward else edge + 1)
        return page.between(first, edge) if self._forward else page.between(edge + 1, last)

    @property
    def _forward(self) -> bool:
        return self.direction is Direction.FORWARD

    def _span(self) -> tuple[int, int]:
        if self._forward:
            return self.start_ns, min(self.end_ns, self.start_ns + self._span_ns)
        return max(self.start_ns, self.end_ns - self._span_ns), self.end_ns

    def _read_until(self, edge_ns: int) -> None:
        if self._forward:
            self.start_ns = edge_ns
        else:
            self.end_ns = edge_ns

    def _asked(self) -> tuple[int, int, LogFrame, bool]:
        """A span, a page of its beginning, and whether the page is full; asks for less until the server can answer."""
        while True:
            first, last = self._span()
            limit = self._limit
            try:
                page, full = self._page(first, last, limit)
            except QueryRefused as error:
                if not self._smaller_limit(error, limit):
                    self._shorter_span(error)
            except AnswerTooLarge:
                if limit == 1:
                    raise
                self._limit = max(1, limit // _SHRINK)
            except SourceTimeout as error:
                self._shorter_span(error)
            else:
                self._grow()
                return first, last, page, full

    def _page(self, first: int, last: int, limit: int) -> tuple[LogFrame, bool]:
        page = self.ask(first, last, limit)
        new = [text for text in page.warnings if text not in self.warnings]
        self.warnings += new[: _MOST_WARNINGS - len(self.warnings)]
        inside, full = page.frame.between(first, last), len(page.frame) >= limit
        if full and not len(inside):
            raise WrongService("The server answered with lines of another time than was asked for.")
        return inside, full

    def _smaller_limit(self, error: QueryRefused, limit: int) -> bool:
        """Whether the server says that it hands out fewer lines at once; learns how many."""
        words = _LIMIT_WORDS.search(error.message)
        if words is None or int(words[2]) >= limit or int(words[2]) < 1:
            return False
        self._most = int(words[2])
        self._limit = min(self._limit, self._most)
        return True

    def _shorter_span(self, error: QueryRefused | SourceTimeout) -> None:
        """Ask for less time from now on.

        Raises:
            QueryRefused, SourceTimeout: the error itself, where that would not help.
        """
        refused = isinstance(error, QueryRefused)
        length = min(self._span_ns, self.end_ns - self.start_ns)
        if length <= self._shortest_ns or (refused and not _TOO_MUCH.search(error.message)):
            raise error
        self._span_ns = max(self._shortest_ns, length // _SHRINK)
        if refused:
            # The server's limit holds for all requests, a slow answer perhaps for one.
            self._longest_ns = self._span_ns

    def _grow(self) -> None:
        """After an answer: back to what was asked for at first, in small steps, since each failure costs a minute."""
        self._limit = min(self._limit * 5 // 4 + 1, self.limits.page_lines, self._most or self.limits.page_lines)
        self._span_ns = min(self._span_ns * 5 // 4, self._longest_ns)

    def _of_one_time(self, at_ns: int, page: LogFrame) -> LogFrame:
        """All lines of one time, as far as they can be had at once; goes on behind it."""
        full, limit, beyond, halving = True, len(page), _MOST_LINES_OF_ONE_TIME + 1, False
        while full and limit + 1 < (beyond := min(beyond, (self._most or beyond) + 1)):
            larger = (limit + beyond) // 2 if halving else min(max(limit * _SHRINK, _USUAL_MAXIMUM), beyond - 1)
            try:
                page, full = self._page(at_ns, at_ns + 1, larger)
                limit = larger
            except QueryRefused as error:
                if not self._smaller_limit(error, larger):
                    raise
            except AnswerTooLarge:
                beyond, halving = larger, True
        if full:
            self.gaps.append(LineGap(at_ns, len(page)))
        self._read_until(at_ns + 1 if self._forward else at_ns)
        return page
