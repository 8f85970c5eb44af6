"""Query packs: which PromQL to ask, and what an answer means. The YAML form is read by ``pack_file``."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fleet.frames.frame import SeriesKey
from fleet.inventory.subject import Subject, SubjectKind

QueryId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]


class QueryKind(StrEnum):
    """What a query's value is, which decides how it is judged.

    GAUGE: any level. RATIO: a share, usually 0..1. COUNT: events or things, small whole numbers, often zero.
    STATE: a few levels that mean something (1 is well, 0 is not). COUNTER: a running total, judged as its rate per
    second (``counters``), of which unit and thresholds speak.
    """

    GAUGE = "gauge"
    RATIO = "ratio"
    COUNT = "count"
    STATE = "state"
    COUNTER = "counter"


class Direction(StrEnum):
    """In which direction a value hurts; NONE is context only (never a finding by itself)."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"
    NONE = "none"


class Severity(StrEnum):
    """How bad, from least to worst."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for INFO, 2 for CRITICAL."""
        return list(Severity).index(self)


class SignalGroup(StrEnum):
    """Which part of a cluster's health a query tells about."""

    CPU = "cpu"
    MEMORY = "memory"
    STORAGE = "storage"
    NETWORK = "network"
    WORKLOADS = "workloads"
    NODES = "nodes"
    CONTROL_PLANE = "control-plane"
    INGRESS = "ingress"
    GPU = "gpu"
    PTP = "ptp"
    SERVICE_LEVELS = "service-levels"


class Thresholds(BaseModel):
    """Absolute bounds in the query's unit, on the side in which the query hurts; None where only deviation counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    warning: float | None = None
    critical: float | None = None


class SubjectLabels(BaseModel):
    """Which labels of an answer name its subject.

    Each field but ``kind`` is a label's name. A query over the whole cluster has kind ``cluster`` and no labels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SubjectKind
    name: str | None = None
    namespace: str | None = None
    part: str | None = None


class Variant(BaseModel):
    """One form of a query, for the releases that have its metrics.

    Attributes:
        promql: gives whole series: no value filters, no topk, comparisons with ``bool``.
        needs: metrics without which the answer is empty because the cluster does not have it (``absent``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    promql: str = Field(min_length=1)
    needs: list[MetricName] = Field(min_length=1)


_RANGE = re.compile(r"\[(\d+)([smhd])[\]:]")


class PackQuery(BaseModel):
    """One query of a pack.

    Attributes:
        id: unique within the pack, stable over its versions: findings carry it.
        title: what the value is, in words that stand in a report ("Memory of a container against its limit").
        promql, needs: the form that is asked first, as in ``Variant``.
        unit: of the value: ``ratio``, ``seconds``, ``bytes``, ``bytes/s``, ``cores``, ``count``, ``1/s`` …
        severity: a hint: how bad a finding on this query is at its worst, before harm is known.
        alike: whether things of a kind (nodes of one machine, clusters of one version) should have about one value;
            an age or the time left of something is each one's own.
        alternatives: forms with the same meaning, unit and labels, of which the first that the server can answer is
            asked where it lacks what ``promql`` needs: metrics are renamed from release to release.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: QueryId
    title: str
    group: SignalGroup
    promql: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    kind: QueryKind
    direction: Direction
    subject: SubjectLabels
    severity: Severity
    needs: list[MetricName] = Field(min_length=1)
    thresholds: Thresholds = Thresholds()
    alike: bool = True
    alternatives: list[Variant] = Field(default_factory=list)

    @property
    def variants(self) -> list[Variant]:
        """All forms of the query in the order in which they are tried, its own first."""
        return [Variant(promql=self.promql, needs=self.needs), *self.alternatives]

    @property
    def range_seconds(self) -> int:
        """The longest time over which a value is made (``[10m]``); 0 where the query names none.

        Values less than that apart have events in common.
        """
        units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
        return max((int(count) * units[unit] for count, unit in _RANGE.findall(self.promql)), default=0)

    def subject_of(self, cluster_id: str, key: SeriesKey) -> Subject:
        """The subject that a series of this query is about."""
        labels = dict(key.labels)

        def value(label: str | None) -> str | None:
            return labels.get(label) if label else None

        return Subject(
            cluster_id=cluster_id,
            kind=self.subject.kind,
            name=value(self.subject.name) or "",
            namespace=value(self.subject.namespace),
            part=value(self.subject.part),
        )


class QueryPack(BaseModel):
    """A named, versioned set of queries."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
    version: int = Field(ge=1)
    description: str = ""
    queries: list[PackQuery] = Field(min_length=1)

    @cached_property
    def content_hash(self) -> str:
        """16 hexadecimal digits over what decides the stored values: a change asks the clusters anew."""
        lines = sorted(
            "\0".join([query.id, *(f"{form.promql}\0{','.join(sorted(form.needs))}" for form in query.variants)])
            for query in self.queries
        )
        return sha256("\n".join(lines).encode()).hexdigest()[:16]

    def query(self, query_id: str) -> PackQuery:
        """The query with this id.

        Raises:
            KeyError: the pack has no such query.
        """
        for query in self.queries:
            if query.id == query_id:
                return query
        raise KeyError(query_id)
