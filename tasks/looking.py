"""Second looks at a cluster's series: of the stored history what is needed, and when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.frame_blocks import Named
from tasks.frames import StoredHistory


@dataclass
class PastOnDemand:
    """A history that is opened when the first series is on a shortlist: most scans read none.

    Args:
        open_history: opens it.
    """

    open_history: Callable[[], StoredHistory]

    def of(self, keys: Sequence[SeriesKey]) -> Frame:
        """The past of some series."""
        return self._opened.frames.read(Named(keys))

    @property
    def gaps(self) -> tuple[str, ...]:
        """What of it could not be read, in words; nothing is known of that before it was opened."""
        return self._opened.gaps if "_opened" in vars(self) else ()

    @cached_property
    def _opened(self) -> StoredHistory:
        return self.open_history()
