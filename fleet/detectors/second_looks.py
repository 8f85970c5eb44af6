"""Which detectors look at the shortlist, by name."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.detectors.calibration.second_look import HistoryOf, SecondLook
from fleet.detectors.catalogue import extras, of_shortlist
from fleet.detectors.shortlist.joint_deviation import JointDeviation
from fleet.detectors.shortlist.subjects import subjects_of
from fleet.errors import UsageError
from fleet.frames.pack import QueryPack

DEFAULT_LOOKS = (JointDeviation.name,)
"""What the others see, the screen sees as well or better at the same number of false findings (docs/detectors.md)."""
_NOBODY = "none"


def looks_named(text: str, pack: QueryPack) -> list[str]:
    """The names of a setting: separated by commas; the default ones where it is empty, none for ``none``.

    Raises:
        UsageError: there is no such detector, or its package is not installed.
    """
    if text.strip() == _NOBODY:
        return []
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip())) or list(DEFAULT_LOOKS)
    known = [detector.name for detector in (*of_shortlist(pack), *extras())]
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no detector {name!r} for the shortlist.",
                hint=f"Known are {', '.join(known)}, and {_NOBODY} for none of them.",
            )
    for extra in extras():
        if extra.name in names:
            extra.require()
    return names


def second_looks(names: Sequence[str], pack: QueryPack, history_of: HistoryOf) -> tuple[SecondLook, ...]:
    """The detectors of these names for series of a pack; those that are not known any more are left out."""
    subject_of = subjects_of(pack)
    return tuple(
        SecondLook(detector, history_of, pack, subject_of if detector.name == JointDeviation.name else None)
        for detector in (*of_shortlist(pack), *extras())
        if detector.name in names
    )
