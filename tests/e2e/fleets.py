"""Simulated fleets as registered clusters, what was asked of them, and what was stored about them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from fleet.findings.finding import ONE_EPISODE
from fleet.findings.incident import Incident
from fleet.frames.coverage import Coverage, Signal
from fleet.frames.pack_file import DEFAULT_PACK_PATH, load_pack
from fleet.frames.window import Window
from fleet.inventory.cluster import cluster_id
from simulator.fleet import FleetOptions, SimulatedFleet
from tests.e2e.installation import Installation

ANCHOR = datetime(2026, 3, 3, tzinfo=UTC)
"""Fixed: the same faults at the same times in every run of the tests."""
ALL_TIME = Window(start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2040, 1, 1, tzinfo=UTC))
RANGE = "/api/v1/query_range"
METRICS_AND_INVENTORY = ("kubernetes", "prometheus")
EVERY_KIND = (*METRICS_AND_INVENTORY, "alertmanager", "loki", "tempo")


@contextmanager
def simulated(directory: Path, **options: Any) -> Iterator[SimulatedFleet]:
    """A simulated fleet in threads of this process, so that tests can break and mend its clusters."""
    with SimulatedFleet(FleetOptions(**{"directory": directory, "anchor": ANCHOR, **options})) as fleet:
        yield fleet


def write_pack(file: Path, query_ids: Collection[str]) -> Path:
    """A pack of some of the default pack's queries, where it does not matter how much is asked."""
    document = yaml.safe_load(DEFAULT_PACK_PATH.read_text(encoding="utf-8"))
    document["name"] = "some-of-cluster-health"
    document["queries"] = [query for query in document["queries"] if query["id"] in query_ids]
    assert len(document["queries"]) == len(query_ids)
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    load_pack(file)
    return file


@dataclass(frozen=True)
class Registered:
    """Clusters of a simulated fleet under names of their own, so that nothing is stored of them yet.

    Attributes:
        clusters: the registered name of each simulated cluster.
    """

    installation: Installation
    fleet: SimulatedFleet
    clusters: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        return list(self.clusters.values())

    @property
    def ids(self) -> list[str]:
        return [cluster_id(name) for name in self.names]

    def options(self) -> list[str]:
        """``--cluster`` for each of them."""
        return [word for name in self.names for word in ("--cluster", name)]

    def asked(self, api: str, *simulated_names: str) -> int:
        """Requests that an API of the clusters (all of these by default) has served since the last reset."""
        counts = self.fleet.requests()["clusters"]
        return sum(counts.get(name, {}).get(api, {}).get("requests", 0) for name in simulated_names or self.clusters)

    def ranges(self, *simulated_names: str) -> int:
        """Range queries that the clusters (all of these by default) have served since the last reset."""
        counts = self.fleet.requests()["clusters"]
        return sum(
            counts.get(name, {}).get("prometheus", {}).get("paths", {}).get(RANGE, 0)
            for name in simulated_names or self.clusters
        )

    def chunks(self, *simulated_names: str, signal: Signal = Signal.METRICS) -> list[Coverage]:
        """Everything that is stored of what was seen of a signal of them."""
        wanted = [cluster_id(self.clusters[name]) for name in simulated_names or self.clusters]
        stored = self.installation.stores.coverage.list(ALL_TIME, cluster_ids=wanted)
        return [each for each in stored if each.signal == signal]


def register(
    installation: Installation,
    fleet: SimulatedFleet,
    prefix: str,
    names: Collection[str] = (),
    *,
    metrics_only: Collection[str] = (),
    kinds: Collection[str] = METRICS_AND_INVENTORY,
    addresses: Mapping[str, str] | None = None,
) -> Registered:
    """Register clusters of a simulated fleet as an operator would: from its registration file.

    Args:
        installation: where.
        fleet: whose clusters.
        prefix: goes before each cluster's name.
        names: which; all by default.
        metrics_only: those of which only Prometheus is registered.
        kinds: of the endpoints that are registered of the others. Logs and traces take a scan their time: what is not
            about them goes without.
        addresses: where some of them are said to be, which is not where they are.
    """
    entries = []
    clusters = {}
    for entry in fleet.registration["clusters"]:
        name = entry["name"]
        if names and name not in names:
            continue
        clusters[name] = f"{prefix}-{name}"
        endpoints = {
            kind: endpoint | ({"url": f"{addresses[name]}/{kind}"} if addresses and name in addresses else {})
            for kind, endpoint in entry["endpoints"].items()
            if kind == "prometheus" or (name not in metrics_only and kind in kinds)
        }
        entries.append({**entry, "name": clusters[name], "endpoints": endpoints})
    file = fleet.directory / f"{prefix}.yaml"
    file.write_text(json.dumps({"clusters": entries}), encoding="utf-8")
    added = installation.fleetscope("cluster", "add", "--file", file)
    assert added.code == 0, added.err
    return Registered(installation, fleet, clusters)


def told_of(registered: Registered, *simulated_names: str, scan_id: str | None = None) -> dict[str, Any]:
    """All that is stored about clusters, without what differs between two registrations of the same cluster.

    Lists have every row, so that one that is there twice shows; or, of a scan, those that it told.
    """
    told: dict[str, Any] = {}
    for name in simulated_names or registered.clusters:
        own = cluster_id(registered.clusters[name])
        stores = registered.installation.stores
        incidents = stores.incidents.list(cluster_ids=[own], scan_id=scan_id)
        investigations = stores.investigations.list(cluster_ids=[own], limit=1000)
        if scan_id is not None:
            investigations = [each for one in incidents if (each := stores.investigations.of_incident(one.id))]
        told[name] = {
            "chunks": sorted(
                (chunk.step_seconds, chunk.window.start, chunk.window.end, chunk.status.value, chunk.object_hash or "")
                for chunk in registered.chunks(name)
            ),
            "findings": sorted(
                (
                    finding.query_id,
                    finding.subject.identity,
                    finding.kind.value,
                    finding.window.start,
                    finding.window.end,
                    finding.severity.value,
                    round(finding.score, 3),
                    finding.state.value,
                )
                for finding in stores.findings.list(cluster_ids=[own], scan_id=scan_id)
            ),
            "incidents": sorted(_incident(registered, incident) for incident in incidents),
            "investigations": sorted((each.place.identity, each.at, each.verdict.value) for each in investigations),
        }
    return told


def _incident(registered: Registered, incident: Incident) -> tuple[Any, ...]:
    investigation = registered.installation.stores.investigations.of_incident(incident.id)
    causes = investigation.causes if investigation else []
    return (
        incident.subject.identity,
        incident.started_at,
        incident.severity.value,
        incident.state.value,
        len(incident.fingerprints),
        tuple((cause.kind.value, cause.subject.identity, round(cause.confidence, 3)) for cause in causes),
    )


def doubled(registered: Registered) -> list[str]:
    """What is stored twice, by what identifies it to a reader; must be empty."""
    stores = registered.installation.stores
    findings = stores.findings.list(cluster_ids=registered.ids)
    incidents = stores.incidents.list(cluster_ids=registered.ids)
    investigations = stores.investigations.list(cluster_ids=registered.ids, limit=1000)
    ordered = sorted(findings, key=lambda each: (each.fingerprint, each.window.start))
    # A fingerprint may have several episodes; those that touch are one.
    counts = Counter(
        f"finding {late.fingerprint}"
        for early, late in pairwise(ordered)
        if early.fingerprint == late.fingerprint and late.window.start <= early.window.end + ONE_EPISODE
        for _ in range(2)
    )
    counts.update(f"finding {each} in incidents" for incident in incidents for each in incident.finding_ids)
    counts.update(f"investigation of {each.incident_id} over {each.window}" for each in investigations)
    counts.update(
        f"chunk {chunk.cluster_id} {chunk.step_seconds} {chunk.window.start.isoformat()}"
        for chunk in registered.chunks()
    )
    return sorted(name for name, count in counts.items() if count > 1)
