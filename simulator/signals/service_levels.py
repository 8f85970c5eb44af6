"""Signals about service levels: how fast the budgets of the API server are spent, and how pods start."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.signals.row import Catalogue, Row
from simulator.timeline import Timeline

SERVICE_LEVELS = Catalogue()
_APISERVER = {"component": "apiserver"}


@SERVICE_LEVELS.signal("apiserver_error_burn_5m")
def _apiserver_error_burn_5m(timeline: Timeline) -> Iterator[Row]:
    yield Row(_APISERVER, 0.02, noise=0.3, wander=0.3)


@SERVICE_LEVELS.signal("apiserver_error_burn_1h")
def _apiserver_error_burn_1h(timeline: Timeline) -> Iterator[Row]:
    yield Row(_APISERVER, 0.02, noise=0.03, wander=0.2)


@SERVICE_LEVELS.signal("apiserver_slow_burn_5m")
def _apiserver_slow_burn_5m(timeline: Timeline) -> Iterator[Row]:
    yield Row(_APISERVER, 0.25, daily=0.08, noise=0.12, wander=0.15)


@SERVICE_LEVELS.signal("apiserver_slow_burn_1h")
def _apiserver_slow_burn_1h(timeline: Timeline) -> Iterator[Row]:
    yield Row(_APISERVER, 0.25, daily=0.08, noise=0.02, wander=0.12)


@SERVICE_LEVELS.ratio("pod_start_slow_ratio")
def _pod_start_slow_ratio(timeline: Timeline) -> Iterator[Row]:
    yield Row({}, 0.0)
