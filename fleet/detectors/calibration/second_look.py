"""Detectors of the shortlist as judges of a scan: which series they look at, and how their scores become chances.

A detector is handed deviations from what is usual, never values: past days as judged by the other days, and the judged
day. Past days are scored by days that they are not among: each half of the past by the other. The judged day is scored
by the whole past, which knows twice as much, so that thresholds are rather too high. The highest scores of days are
calibrated as those of the screen are (``ensemble``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from fleet.detectors.calibration.body import BodyChances, body_of
from fleet.detectors.calibration.ensemble import Ensemble, learn_ensemble
from fleet.detectors.contract import Detector, FloatArray
from fleet.detectors.families import Scored, maxima_of_past
from fleet.detectors.part import Ints, Part
from fleet.detectors.profile.blocks import day_folds
from fleet.detectors.profile.seasonal import DAY_SECONDS, fit_profile
from fleet.detectors.rules import Flags, RowRules
from fleet.detectors.shortlist.subjects import SubjectOf, rows_by_subject
from fleet.frames.counters import with_rates
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import QueryPack

HistoryOf = Callable[[Sequence[SeriesKey]], Frame | None]
"""Reads the past of a few series; None where nothing is stored."""

MOST_LISTED = 100
"""Of a longer shortlist the strongest are looked at."""
_MOST_ROWS = 250
_LEAST_ROWS = 100
"""A short shortlist is looked at beside other series: fewer have too few days for a small chance."""
_LEAST_SCORE = 0.5


@dataclass(frozen=True)
class SecondLook:
    """A detector that looks at shortlists.

    Attributes:
        detector: of the contract.
        history_of: where the past of the shortlist is read; judging needs none otherwise.
        pack: that the series are of.
        subject_of: what series tell of, for detectors that judge those of a subject together: all series of the
            shortlist's subjects are looked at then, and subjects with one series not at all.
    """

    detector: Detector
    history_of: HistoryOf
    pack: QueryPack
    subject_of: SubjectOf | None = None

    def part(self, part: Part, listed: Ints) -> Part | None:
        """What is looked at, with its past.

        Args:
            part: all rows of a family.
            listed: places in it of those on the shortlist, the strongest first.

        Returns:
            None where nothing is on the shortlist, or nothing is known of its past.
        """
        places = self._company(part.points.keys, listed[:MOST_LISTED])
        history = self.history_of([part.points.keys[place] for place in places]) if places.size else None
        if history is None or not history.keys:
            return None
        chosen = part.select(places)
        profile = fit_profile(chosen.points, with_rates(history, self.pack))
        return replace(chosen, profile=profile)

    @property
    def family(self) -> LookedAgain:
        """The detector as the calibration sees it."""
        return LookedAgain(self.detector)

    def chances(self, part: Part) -> Ensemble | None:
        """What the past of these rows tells of how high a day gets; None where it is too short."""
        past = part.profile.past_frame(part.points)
        if past is None:
            return None
        family = self.family
        maxima = maxima_of_past(family, replace(part, points=past), rows_at_once=len(part.rows))
        days = maxima.shape[1]
        weekdays = [(part.profile.end - timedelta(days=days - day)).weekday() for day in range(days)]
        _, pools = np.unique(part.rules.pools, return_inverse=True)
        return learn_ensemble(maxima, pools.astype(np.intp), family.least, weekdays, part.sides)

    def _company(self, keys: Sequence[SeriesKey], listed: Ints) -> Ints:
        """Places of the shortlist, of what belongs to its subjects, and of as many others as are needed; rising."""
        subject_of = self.subject_of or (lambda key: key)
        least = 1 if self.subject_of is None else 2
        groups = {
            part[0]: part
            for places in rows_by_subject(subject_of, keys, range(len(keys))).values()
            for part in _parts(places)
            if len(part) >= least
        }
        group_of = {place: name for name, part in groups.items() for place in part}
        first = dict.fromkeys(group_of[place] for place in listed.tolist() if place in group_of)
        if not first:
            return np.empty(0, dtype=np.intp)
        chosen = _taken((groups.pop(name) for name in first), [], _MOST_ROWS)
        others = list(groups.values())
        spread = np.linspace(0, len(others) - 1, min(len(others), _LEAST_ROWS)).astype(np.intp).tolist()
        return np.array(sorted(_taken((others[place] for place in spread), chosen, _LEAST_ROWS)), dtype=np.intp)


def _parts(places: list[int]) -> Iterator[list[int]]:
    """All series of a subject; of one with very many, some at a time."""
    at_once = len(places) if len(places) <= _MOST_ROWS else _LEAST_ROWS
    return (places[first : first + at_once] for first in range(0, len(places), at_once))


def _taken(groups: Iterable[list[int]], chosen: list[int], most: int) -> list[int]:
    """Whole groups added as long as there are fewer rows than needed."""
    for group in groups:
        if len(chosen) >= most:
            break
        chosen = chosen + group
    return chosen


@dataclass(frozen=True)
class LookedAgain:
    """A detector as a family of its own; the rows that it is given are scored together.

    Parts have a profile that knows their past.
    """

    detector: Detector

    @property
    def names(self) -> Sequence[str]:
        """The detector's."""
        return [self.detector.name]

    @property
    def least(self) -> Sequence[float]:
        """Half of how strange the strangest hundredth of the past is."""
        return [_LEAST_SCORE]

    @property
    def ahead_seconds(self) -> Sequence[int]:
        """None that is waited for: detectors of shortlists judge the end of a frame by what is before it."""
        return [0]

    def judges(self, rules: RowRules) -> Flags:
        """Gauges and ratios."""
        return rules.measured

    def of_frame(self, part: Part) -> Scored:
        """Scores of the part's points by all of the past."""
        points, profile = part.points, part.profile
        residuals = np.asarray(points.values - profile.expected(points), dtype=np.float32)
        past = profile.standardised_past().reshape(len(part.rows), -1)
        signed = self._scores(profile.standardised(points), past, points)
        return Scored([signed], _weights(points.values, residuals, part.rules))

    def of_past(self, part: Part) -> Scored:
        """Scores of every day of the past, by the half of it to which the day does not belong."""
        folded = part.profile.standardised_past()
        half = folded.shape[1] // 2 * folded.shape[2]
        past = folded.reshape(len(folded), -1)
        parts = past[:, :half], past[:, half:]
        signed = np.concatenate([self._scores(*each, part.points) for each in (parts, parts[::-1])], axis=1)
        with np.errstate(invalid="ignore"):
            residuals = (folded * part.profile.spread[:, None, :]).reshape(past.shape)
        values = day_folds(part.points.values, part.profile.slots).reshape(past.shape)
        return Scored([signed], _weights(values, residuals, part.rules))

    def chances_of_body(self, part: Part) -> BodyChances:
        """Tails of the body of the part's own scores."""
        return body_of(self.of_frame(part).signed, self.least, DAY_SECONDS / part.points.step_seconds)

    def _scores(self, judged: FloatArray, past: FloatArray, points: Frame) -> FloatArray:
        """Signed scores of deviations (rows, columns) by others, as if these had come right before them."""
        if not judged.size or not past.size:
            return np.full(judged.shape, np.nan, dtype=np.float32)
        before = points.start - timedelta(seconds=points.step_seconds * past.shape[1])
        found = self.detector.score(
            Frame(points.start, points.step_seconds, points.keys, np.ascontiguousarray(judged)),
            Frame(before, points.step_seconds, points.keys, np.ascontiguousarray(past)),
        )
        return np.asarray(found.values * found.signs, dtype=np.float32)


def _weights(values: FloatArray, residuals: FloatArray, rules: RowRules) -> FloatArray:
    from fleet.detectors.weights import weights_of

    return weights_of(values, residuals, rules)
