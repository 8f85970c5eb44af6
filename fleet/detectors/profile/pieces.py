"""Work on many rows, a piece of them at a time, on all processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

ROWS_IN_PIECE = 64
"""Rows of two weeks at 5 minutes that stay, with what is made of them, near a processor."""


def in_pieces(count: int, work: Callable[[slice], None], rows: int = ROWS_IN_PIECE) -> None:
    """Do a piece of work for each piece of ``count`` rows.

    Pieces are the same whatever the number of processors, so that results are, too. ``work`` spends its time in code
    that lets other threads run (numpy's, and loops made by ``compiled``), and writes to the rows of its piece alone.
    """
    processors = len(os.sched_getaffinity(0))
    pieces = list(pieces_of(count, rows))
    if len(pieces) == 1 or processors == 1:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(processors, thread_name_prefix="rows") as pool:
        for done in [pool.submit(work, piece) for piece in pieces]:
            done.result()


def pieces_of(count: int, rows: int) -> Iterator[slice]:
    """Slices of up to ``rows`` rows that make up ``count`` rows."""
    return (slice(first, min(first + rows, count)) for first in range(0, count, rows))
