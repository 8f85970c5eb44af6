"""Bytes in flight, over all endpoints that a process reads."""

from __future__ import annotations

import threading
import time

SMALL_ANSWER_BYTES = 8 << 20


class AnswerSlots:
    """How many large answers may be in memory at a time.

    An answer of up to 8 MiB needs no slot: the connections bound those. A larger one takes a slot before it
    grows further and keeps it until it was decoded. No holder waits for another, so none can wait for ever.
    """

    def __init__(self, slots: int = 3) -> None:
        self._free = threading.BoundedSemaphore(slots)

    def take(self, closed: threading.Event) -> float:
        """Wait for a slot; returns the seconds waited. Gives up with a negative number once ``closed`` is set."""
        started = time.monotonic()
        while not self._free.acquire(timeout=0.2):
            if closed.is_set():
                return -1.0
        return time.monotonic() - started

    def give_back(self) -> None:
        """Free a slot that was taken."""
        self._free.release()


PROCESS_SLOTS = AnswerSlots()
"""One for the process, on purpose: the threads that read several clusters share its memory."""
