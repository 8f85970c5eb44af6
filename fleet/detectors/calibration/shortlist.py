"""A second look at few series, and what it may cost of the budget.

The screen is eased until it passes on a shortlist: series whose chance is up to ``EASED`` times what the sensitivity
allows. Detectors that are too slow for all series judge these alone. Of the budget they get ``SHARE``, the screen the
rest: on a quiet day a series is on the shortlist with a known chance, and a detector that flags one of its series with
the chance ``chance_on_shortlist`` adds as many false findings as its share allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fleet.detectors.calibration.budget import chance_of
from fleet.detectors.contract import Sensitivity
from fleet.detectors.evidence import Evidence
from fleet.detectors.families import Part
from fleet.frames.frame import Frame

EASED = 20.0
MOST = 0.05
"""Of quiet series and days, the share that is looked at twice at most."""
SHARE = 0.2


class SecondLook(Protocol):
    """A detector for the shortlist.

    Its scores have to be compared with those of quiet days that were on the shortlist, too: what the screen passes on
    is not like other days.
    """

    name: str

    def evidence(self, frame: Frame, part: Part, chance: float) -> list[Evidence]:
        """What it holds to be anomalous, flagging a quiet series of the shortlist with no more than a chance.

        Args:
            frame: the judged frame, every row of it.
            part: the rows on the shortlist, on the history's grid.
        """
        ...


@dataclass(frozen=True)
class Terms:
    """Chances, per series and day, of a screen with a second look after it.

    Attributes:
        screen: at which the screen flags.
        shortlist: at which it passes on.
        second: at which the second look, all detectors together, flags a series of the shortlist.
    """

    screen: float
    shortlist: float
    second: float

    @classmethod
    def of(cls, sensitivity: Sensitivity, looks: Sequence[SecondLook]) -> Terms:
        """Terms that add up to the chance that a sensitivity allows; all of it is the screen's where nobody looks."""
        chance = chance_of(sensitivity)
        if not looks:
            return cls(chance, 0.0, 0.0)
        passed_on = min(EASED * chance, MOST)
        return cls((1 - SHARE) * chance, passed_on, SHARE * chance / passed_on)
