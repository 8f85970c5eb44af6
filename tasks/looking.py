"""Second looks at a cluster's series: of the stored history what is needed, and when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from fleet.detectors.calibration.second_look import SecondLook
from fleet.detectors.second_looks import second_looks
from fleet.errors import CorruptObject
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack
from storage.stored_frames import StoredFrames


def looks_into(
    names: Sequence[str], pack: QueryPack, open_history: Callable[[], StoredFrames]
) -> tuple[SecondLook, ...]:
    """The detectors of these names over a history that is opened when the first series is on a shortlist.

    A damaged history costs the second look, and nothing else: what was learnt of it judges without.
    """
    opened = cache(open_history)

    def history_of(keys: Sequence[SeriesKey]) -> Frame | None:
        try:
            return opened().read({key.query_id for key in keys}, set(keys).__contains__)
        except CorruptObject:
            return None

    return second_looks(names, pack, history_of)
