"""A version of what was learnt of a cluster's past: of which time, by which code, how well, and where it lies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fleet.detectors.trained_state import LEARNING_VERSION
from fleet.frames.window import Window

FRESH = timedelta(days=1)
"""What was learnt up to less than this before a window still fits it: it is learnt anew once a day."""


class QueryQuality(BaseModel):
    """How well one query's series were learnt; None where the learning code does not tell.

    Attributes:
        query_id: of the pack.
        series: of which anything was learnt.
        known_share: of them, those of which enough past was seen to be judged by it.
        days: of past that were seen, the median over the series.
        seasonal_share: of them, those with a daily season that was told from noise.
        tail_shape: of the generalised Pareto tail of their scores; above 0 it is heavy.
        exceedances_expected: days of its series in the last week of the past that were to pass the threshold of HIGH.
        exceedances: those that did; each was scored by what was learnt from other days.
    """

    model_config = ConfigDict(frozen=True)

    query_id: str
    series: int
    known_share: float | None = None
    days: float | None = None
    seasonal_share: float | None = None
    tail_shape: float | None = None
    exceedances_expected: float | None = None
    exceedances: int | None = None


class ModelPart(BaseModel):
    """An object with the state of some queries, in the pack's order."""

    model_config = ConfigDict(frozen=True)

    queries: list[str]
    series: int
    object_key: str
    object_hash: str
    object_bytes: int


class Training(BaseModel):
    """What is learnt from: a cluster's stored history of one pack.

    ``sources`` are the hashes of the stored chunks of ``window``; what was learnt from fewer of them does not fit.
    """

    model_config = ConfigDict(frozen=True)

    cluster_id: str
    pack_name: str
    pack_hash: str
    window: Window
    sources: list[str]


class ModelVersion(Training):
    """One version, as ``fleetscope model show`` tells it.

    ``version`` counts up by cluster. One version of a cluster and pack is ``active``: scans use it for windows that it
    fits, and learn anew for others. A ``pinned`` one is used for every window that begins after it. ``damaged`` are
    those whose objects were not what was stored when a scan read them; they are never used again.
    """

    version: int = Field(ge=1)
    learning_version: int = LEARNING_VERSION
    package_version: str = ""
    parts: list[ModelPart] = Field(default_factory=list)
    queries: list[QueryQuality] = Field(default_factory=list)
    created_at: AwareDatetime
    active: bool = False
    pinned: bool = False
    damaged: bool = False

    @property
    def series(self) -> int:
        """Series of which anything was learnt."""
        return sum(part.series for part in self.parts)

    @property
    def readable(self) -> bool:
        """Whether this release can read it."""
        return not self.damaged and self.learning_version == LEARNING_VERSION

    def fits(self, window: Window, sources: Collection[str]) -> bool:
        """Whether a window may be judged by it: learnt from all that is stored of the days just before, none after."""
        age = window.start - self.window.end
        return self.readable and timedelta(0) <= age < FRESH and set(sources) <= set(self.sources)

    def holds(self, window: Window) -> bool:
        """Whether it is pinned, and a window is to be judged by it however old it is: nothing is judged by itself."""
        return self.active and self.pinned and self.readable and self.window.end <= window.start


def version_for(versions: Sequence[ModelVersion], window: Window, sources: Collection[str]) -> ModelVersion | None:
    """The version of a cluster and pack by which a window is judged, or None: then one has to be learnt."""
    held = next((each for each in versions if each.holds(window)), None)
    fitting = [each for each in versions if each.fits(window, sources)]
    return held or max(fitting, key=lambda each: each.version, default=None)
