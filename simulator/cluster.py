"""One simulated cluster, made when it is first asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, TypeVar

from simulator.effects import Effect, effects_of
from simulator.faults import DAY
from simulator.kubernetes.overlay import Overlay
from simulator.layout import Layout
from simulator.neighbourhood import Neighbourhood
from simulator.pack import PackEntry
from simulator.randomness import uniforms
from simulator.recent import Recent
from simulator.rendering import series_head
from simulator.samples import SCRAPE_SECONDS, Series
from simulator.signals import SIGNALS
from simulator.timeline import RETENTION_SECONDS, Timeline

StateT = TypeVar("StateT")


@dataclass
class SimulatedCluster:
    """A cluster behind one path of the server; light, since what is heavy is made when it is asked for.

    Attributes:
        name: its name, also the first part of its paths.
        pack: the queries that its Prometheus knows.
        overlay: what clients wrote.
        renderings: what was rendered of this and other clusters, by a key that begins with the cluster's name.
        neighbourhood: tells of the fleet around it, once that is served.
        multi_tenant: whether its Loki wants to be told a tenant.
        thanos: whether a Thanos Query stands before its Prometheus.
        bulk_spans: spans that are there for their number only.
    """

    name: str
    pack: Mapping[str, PackEntry]
    renderings: Recent[Hashable, Any]
    neighbourhood: Callable[[], Neighbourhood]
    _timeline: Callable[[], Timeline]
    overlay: Overlay = field(default_factory=Overlay)
    multi_tenant: bool = False
    thanos: bool = False
    bulk_spans: int = 0
    _series: dict[str, tuple[Series, list[bytes]]] = field(default_factory=dict)
    _states: dict[type[Any], Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def state(self, kind: type[StateT]) -> StateT:
        """What one of its servers remembers of its clients, made empty when it is first asked for."""
        with self._lock:
            if kind not in self._states:
                self._states[kind] = kind()
            state: StateT = self._states[kind]
            return state

    @property
    def timeline(self) -> Timeline:
        """What happens in it; made anew where many others were asked for in between."""
        return self._timeline()

    @property
    def layout(self) -> Layout:
        """Its nodes and workloads."""
        return self.timeline.layout

    @property
    def oldest(self) -> float:
        """The beginning of its history (Unix seconds)."""
        return self.timeline.anchor - RETENTION_SECONDS

    def newest(self) -> float:
        """The end of its history (Unix seconds): now, or the anchor where that lies ahead."""
        return max(self.timeline.anchor, time.time())

    def observed_at(self) -> float:
        """The time that the Kubernetes API shows (Unix seconds): now, within a day of the anchor, else the anchor."""
        now = time.time()
        return now if self.timeline.anchor <= now <= self.timeline.anchor + DAY else self.timeline.anchor

    def series(self, query: str) -> tuple[Series, list[bytes]]:
        """The series of a query and the JSON openings of their labels, made once."""
        with self._lock:
            known = self._series.get(query)
            if known is None:
                known = self._series[query] = self._build(query)
            return known

    @cached_property
    def metric_names(self) -> list[str]:
        """Every metric that this cluster has: what the queries need that it can answer, sorted."""
        present = [entry for entry in self.pack.values() if self._has(entry)]
        return sorted({metric for entry in present for metric in entry.needs} | {"ALERTS", "up"})

    def labels_of_metric(self, metric: str) -> list[dict[str, str]]:
        """Label sets of a metric, as far as the pack's queries keep them."""
        found: list[dict[str, str]] = []
        for entry in self.pack.values():
            if metric in entry.needs and self._has(entry):
                for row in self.series(entry.id)[0].rows:
                    labels = {"__name__": metric, **row.labels}
                    if labels not in found:
                        found.append(labels)
        return found

    def knows(self, entry: PackEntry) -> bool:
        """Whether its releases have the metrics of this form of a query, if it has any of the query's series."""
        return entry.form == min(self.layout.profile.forms.get(entry.id, 0), self._last_form[entry.id])

    def _has(self, entry: PackEntry) -> bool:
        # Alerts come and go, their metric stays.
        return entry.id == "firing_alerts" or (self.knows(entry) and bool(self.series(entry.id)[0].rows))

    @cached_property
    def _last_form(self) -> dict[str, int]:
        """The number of the last form that the pack has of each query."""
        return {entry.id: entry.form for entry in sorted(self.pack.values(), key=lambda entry: entry.form)}

    @cached_property
    def _effects(self) -> list[Effect]:
        return effects_of(self.timeline)

    def _build(self, query: str) -> tuple[Series, list[bytes]]:
        signal = SIGNALS[query]
        rows = tuple(sorted(signal.rows(self.timeline), key=lambda row: sorted(row.labels.items())))
        effects = tuple(
            (at, effect)
            for effect in self._effects
            if effect.query in {query, "*"}
            for at, row in enumerate(rows)
            if effect.match.items() <= row.labels.items()
        )
        phase = int(uniforms(self.layout.seed, self.name, "phase")[0] * 3600 * 2 / SCRAPE_SECONDS)
        heads = [series_head(json.dumps(row.labels, separators=(",", ":"), sort_keys=True)) for row in rows]
        return Series(signal, rows, effects, phase), heads
