"""A second look at few series, and what it may cost of the budget.

The screen is eased until it passes on a shortlist: series whose chance is up to ``EASED`` times what the sensitivity
allows. Detectors that are too slow for all series judge these alone. What they flag is improbable by itself, for any
series and day: a fifth as probable as what the sensitivity allows (``SECOND``). So it need not be known what days are
like that the screen passes on: on the shortlist, no more than one quiet series in a hundred (``SECOND / EASED``) is
flagged, however much screen and detectors have in common.

They look at few series, most of which are as quiet for them as for the screen: on quiet data of ten kinds they added a
fiftieth of the budget at most, with series of a subject that are independent of each other. The screen gives up
``SHARE`` for it.
"""

from __future__ import annotations

from dataclasses import dataclass

EASED = 20.0
MOST = 0.05
"""Of quiet series and days, the share that is looked at twice at most."""
SHARE = 0.05
SECOND = 0.2


@dataclass(frozen=True)
class Terms:
    """Chances, per series and day, of a screen with a second look after it.

    Attributes:
        screen: at which the screen flags.
        shortlist: at which it passes on.
        second: at which each detector of the second look flags.
    """

    screen: float
    shortlist: float
    second: float

    @classmethod
    def of(cls, chance: float, looks: int) -> Terms:
        """Terms for the chance that a budget allows; all of it is the screen's where nobody looks."""
        if not looks:
            return cls(chance, 0.0, 0.0)
        return cls((1 - SHARE) * chance, min(EASED * chance, MOST), SECOND * chance / looks)
