"""What was learnt, to and from its stored form: arrays with a row a series, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import JsonValue

from fleet.detectors.calibration.ensemble import Ensemble
from fleet.detectors.calibration.pareto import Pareto
from fleet.detectors.calibration.tail import Tail
from fleet.detectors.learnt import Learnt
from fleet.detectors.profile.seasonal import SeasonalProfile
from fleet.detectors.screen.count_rates import CountRates
from fleet.detectors.screen.gap_habits import GapHabits
from fleet.detectors.screen.rise_habits import RiseHabits
from fleet.detectors.screen.state_habits import StateHabits
from fleet.detectors.trained_state import TrainedState

_HABITS = {"gaps": GapHabits, "states": StateHabits, "rates": CountRates, "rises": RiseHabits}
_FAMILIES = ("gauges", "counts")
_OF_SERIES = ("unit", "variation", "last_week", "pools", "second_day", "weekdays")
_Columns = dict[str, npt.NDArray[Any]]


def state_of(learnt: Learnt) -> TrainedState:
    """What was learnt of a history, as it is stored."""
    columns: _Columns = {f"profile_{name}": column for name, column in learnt.profile.columns.items()}
    for name in _HABITS:
        columns |= {f"{name}_{part}": column for part, column in vars(getattr(learnt, name)).items()}
    facts: dict[str, JsonValue] = {
        "end": learnt.profile.end.astimezone(UTC).isoformat(),
        "slot_seconds": learnt.profile.slot_seconds,
    }
    for name in _FAMILIES:
        ensemble: Ensemble | None = getattr(learnt, name)
        if ensemble is not None:
            columns |= {f"{name}_{part}": getattr(ensemble, part) for part in _OF_SERIES}
            facts[name] = _facts_of(ensemble)
    return TrainedState(list(learnt.keys), columns, facts)


def learnt_of(state: TrainedState) -> Learnt:
    """What was learnt, from its stored form.

    Raises:
        KeyError: the state is of another form, which no state of this ``LEARNING_VERSION`` is.
    """
    facts: Any = state.facts
    end = datetime.fromisoformat(facts["end"])
    habits = {name: kind(**_part(state.columns, name)) for name, kind in _HABITS.items()}
    families = {
        name: _ensemble_of(_part(state.columns, name), facts[name]) if name in facts else None for name in _FAMILIES
    }
    profile = SeasonalProfile.of_columns(_part(state.columns, "profile"), end, facts["slot_seconds"])
    given: dict[str, Any] = {**habits, **families}
    return Learnt(keys=list(state.keys), profile=profile, **given)


def _part(columns: _Columns, name: str) -> _Columns:
    prefix = f"{name}_"
    return {key.removeprefix(prefix): column for key, column in columns.items() if key.startswith(prefix)}


def _facts_of(ensemble: Ensemble) -> JsonValue:
    tails: list[JsonValue] = [
        [pool, detector, side, _tail_facts(tail)] for (pool, detector, side), tail in sorted(ensemble.tails.items())
    ]
    return {"tails": tails, "joined": _tail_facts(ensemble.joined)}


def _ensemble_of(columns: _Columns, facts: Any) -> Ensemble:
    tails = {(pool, detector, side): _tail_of(tail) for pool, detector, side, tail in facts["tails"]}
    pools = columns.pop("pools").astype(np.intp)
    return Ensemble(**columns, pools=pools, tails=tails, joined=_tail_of(facts["joined"]))


def _tail_facts(tail: Tail) -> JsonValue:
    return {
        "levels": _numbers(tail.levels),
        "heights": _numbers(tail.heights),
        "start": float(tail.start),
        "pareto": {name: float(value) for name, value in asdict(tail.pareto).items()},
    }


def _tail_of(facts: Any) -> Tail:
    levels, heights = (np.array(facts[name], dtype=np.float64) for name in ("levels", "heights"))
    return Tail(levels, heights, facts["start"], Pareto(**facts["pareto"]))


def _numbers(values: Sequence[float] | npt.NDArray[np.float64]) -> list[JsonValue]:
    return [float(value) for value in values]
