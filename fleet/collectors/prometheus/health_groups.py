"""Groups of alerts that OpenShift's cluster health analyzer makes, out of the metrics that it leaves in Prometheus.

Format: openshift/cluster-health-analyzer, its document on the metrics and the code that writes them. A series of
``cluster_health_components_map`` is one source (today always an alert) in one group, with the labels that name the
source prefixed by ``src_``; its value is 0, 1 or 2. Earlier releases wrote colons into the name.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from fleet.collectors.prometheus.answers import InstantSample
from fleet.collectors.prometheus.client import PrometheusClient
from fleet.frames.alerts import HealthGroup, HealthSeverity, HealthSource

_MAP = '{__name__=~"cluster_health_components_map|cluster:health:components:map"}'
_RANKS = '{__name__=~"cluster_health_components|cluster:health:components"}'
_SOURCE = "src_"
_SEVERITIES = {0.0: HealthSeverity.INFO, 1.0: HealthSeverity.WARNING, 2.0: HealthSeverity.CRITICAL}


def health_groups(client: PrometheusClient, at: datetime) -> tuple[list[HealthGroup] | None, list[str]]:
    """The analyzer's groups at a time, worst first, and why they may not be all; None where no analyzer runs.

    Without an alert it writes no map; the list of components it always writes.

    Raises:
        SourceError: the server does not answer.
    """
    answer = client.query(_MAP, at)
    if answer.samples:
        return _groups(answer.samples), answer.notes.incomplete
    ranks = client.query(_RANKS, at)
    reasons = [*answer.notes.incomplete, *ranks.notes.incomplete]
    return ([] if ranks.samples or reasons else None), reasons


def _groups(samples: list[InstantSample]) -> list[HealthGroup]:
    sources: defaultdict[str, list[HealthSource]] = defaultdict(list)
    for sample in samples:
        labels = dict(sample.labels)
        if labels.get("group_id"):
            sources[labels["group_id"]].append(_source(labels, sample.value))
    groups = [
        HealthGroup(id=group_id, severity=_worst(each), sources=_without_copies(each))
        for group_id, each in sources.items()
    ]
    return sorted(groups, key=lambda group: (-_rank(group.severity), group.id))


def _without_copies(sources: list[HealthSource]) -> list[HealthSource]:
    """Each source once, in order of its labels: a second pod of the analyzer, or one that it replaces, tells the same.

    Where they differ, the worst severity holds, and a source is silenced only if all say so.
    """
    copies: defaultdict[tuple[str, ...], list[HealthSource]] = defaultdict(list)
    for source in sources:
        named = (part for pair in sorted(source.labels.items()) for part in pair)
        copies[(*named, source.kind, source.layer, source.component)].append(source)
    return [
        each[0].model_copy(update={"severity": _worst(each), "silenced": all(one.silenced for one in each)})
        for _, each in sorted(copies.items())
    ]


def _source(labels: dict[str, str], value: float) -> HealthSource:
    return HealthSource(
        kind=labels.get("type", ""),
        labels={name.removeprefix(_SOURCE): text for name, text in labels.items() if name.startswith(_SOURCE)},
        layer=labels.get("layer", ""),
        component=labels.get("component", ""),
        severity=_SEVERITIES.get(value, HealthSeverity.UNKNOWN),
        silenced=labels.get("silenced") == "true",
    )


def _worst(sources: list[HealthSource]) -> HealthSeverity:
    return max((source.severity for source in sources), key=_rank)


def _rank(severity: HealthSeverity) -> int:
    """What is not known counts as worse than what is known to be harmless."""
    order = (HealthSeverity.INFO, HealthSeverity.UNKNOWN, HealthSeverity.WARNING, HealthSeverity.CRITICAL)
    return order.index(severity)
