"""Alerts: those that fire in the cluster's story, and those that clients post."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from simulator.alertmanager.bodies import WRONG_TYPE, invalid, need, refused, time_of
from simulator.cluster import SimulatedCluster
from simulator.effects import ALERTS, alert_spans
from simulator.rules import summary_of

RESOLVE_SECONDS = 300
_STORY_RESOLVE_SECONDS = 240
"""What Prometheus sends: four times its evaluation interval of a minute."""


@dataclass(frozen=True)
class Alert:
    """An alert. Times are Unix seconds; it is resolved at ``end`` unless it is sent again."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    start: float
    end: float
    updated: float
    generator_url: str

    @property
    def fingerprint(self) -> str:
        """What it is known by."""
        return fingerprint(self.labels)


class PostedAlerts:
    """The alerts that clients posted; one of a cluster's servers' states."""

    def __init__(self) -> None:
        self._by_fingerprint: dict[str, Alert] = {}
        self._lock = Lock()

    def post(self, document: Any) -> None:
        """Keeps the good alerts of a body.

        Raises:
            RefusedError: it does not fit (422), or one of them is no alert (400).
        """
        now = time.time()
        if not isinstance(document, list):
            raise invalid(WRONG_TYPE, "alerts in body must be of type array")
        refusal = None
        for place, each in enumerate(document):
            alert = _read(place, each, now)
            if not alert.labels:
                refusal = "at least one label pair required"
            elif alert.start > alert.end:
                refusal = "start time must be before end time"
            else:
                self._keep(alert)
        if refusal is not None:
            raise refused(refusal)

    def firing(self) -> list[Alert]:
        """Those that are not resolved."""
        now = time.time()
        with self._lock:
            self._by_fingerprint = {key: each for key, each in self._by_fingerprint.items() if each.end > now}
            return list(self._by_fingerprint.values())

    def _keep(self, alert: Alert) -> None:
        with self._lock:
            known = self._by_fingerprint.get(alert.fingerprint)
            if known is not None and known.end > alert.start:
                alert = replace(alert, start=min(known.start, alert.start))
            self._by_fingerprint[alert.fingerprint] = alert


def _read(place: int, document: Any, now: float) -> Alert:
    if not isinstance(document, dict):
        raise invalid(WRONG_TYPE, f"{place} in body must be of type object")
    need(document, "labels", place=f"{place}.")
    end = time_of(document, "endsAt", now + RESOLVE_SECONDS)
    return Alert(
        labels={str(name): str(value) for name, value in document["labels"].items() if value},
        annotations={str(name): str(value) for name, value in (document.get("annotations") or {}).items()},
        start=time_of(document, "startsAt", min(now, end)),
        end=end,
        updated=now,
        generator_url=str(document.get("generatorURL") or ""),
    )


def firing(cluster: SimulatedCluster) -> list[Alert]:
    """All alerts that fire, by fingerprint."""
    found = {each.fingerprint: each for each in (*_of_the_story(cluster), *cluster.state(PostedAlerts).firing())}
    return [found[key] for key in sorted(found)]


def _of_the_story(cluster: SimulatedCluster) -> Iterator[Alert]:
    at = cluster.observed_at()
    for alert in ALERTS:
        for namespace, begin, end in alert_spans(cluster.timeline, alert):
            if not begin <= at < end:
                continue
            labels = {"alertname": alert.name, "namespace": namespace, "severity": alert.severity}
            if cluster.layout.profile.openshift:
                labels["prometheus"] = "openshift-monitoring/k8s"
            yield Alert(
                labels=labels,
                annotations={"summary": summary_of(alert.name)},
                start=begin,
                end=at + _STORY_RESOLVE_SECONDS,
                updated=at,
                generator_url=f"https://prometheus-k8s.{cluster.name}.example.net/graph?g0.expr=ALERTS&g0.tab=1",
            )


def fingerprint(labels: Mapping[str, str]) -> str:
    """What Prometheus and Alertmanager know a label set by: 64-bit FNV-1a over names and values, in hexadecimal."""
    value = 0xCBF29CE484222325
    for name, text in sorted(labels.items()):
        for byte in name.encode() + b"\xff" + text.encode() + b"\xff":
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"
