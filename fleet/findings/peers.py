"""Findings on what is unlike its like: a member of a cohort, or a cluster among clusters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from fleet.detectors.cohorts.comparison import MOST_FALSE
from fleet.detectors.cohorts.outlier import Outlier
from fleet.detectors.cohorts.peers import PeerOutlier
from fleet.findings.assess import ScanContext
from fleet.findings.finding import Finding, FindingKind, PeerEvidence, SeriesRef, episode_id, fingerprint
from fleet.findings.harm import severity_among_peers, touches_service, why_it_hurts
from fleet.findings.wording import peer_title, what_of
from fleet.frames.coverage import promql_asked
from fleet.frames.pack import QueryPack
from fleet.frames.window import Window

_DETECTOR = "cohort"
_LEAST_Q = 1e-300


def peer_findings(
    outliers: Sequence[PeerOutlier], pack: QueryPack, window: Window, context: ScanContext, known: Sequence[Finding]
) -> list[Finding]:
    """The findings behind a cluster's outliers, one for each fingerprint, the surest first.

    Args:
        outliers: among the cluster's series.
        pack: the queries behind them.
        window: the scan's; what is unlike its like was so for all of it.
        context: the scan.
        known: findings of the same scan. What is on the same value of the same thing is told there already, and when
            it began.
    """
    told = {(finding.query_id, finding.subject.identity) for finding in known}
    findings = [
        _finding(each.outlier, dict(each.key.labels), pack, window, context)
        for each in outliers
        if (each.outlier.query_id, each.outlier.subject.identity) not in told
    ]
    return _surest_of_each(findings)


def fleet_findings(outliers: Iterable[Outlier], pack: QueryPack, window: Window, context: ScanContext) -> list[Finding]:
    """The findings on one cluster among its like, the surest first; see ``peer_findings``."""
    return _surest_of_each([_finding(outlier, {}, pack, window, context) for outlier in outliers])


def _finding(
    outlier: Outlier, labels: dict[str, str], pack: QueryPack, window: Window, context: ScanContext
) -> Finding:
    query = pack.query(outlier.query_id)
    kind = FindingKind.ABOVE_PEERS if outlier.sign > 0 else FindingKind.BELOW_PEERS
    mark = fingerprint(context.cluster_id, query.id, outlier.subject, kind)
    return Finding(
        id=episode_id(mark, window.start),
        fingerprint=mark,
        cluster_id=context.cluster_id,
        scan_id=context.scan_id,
        query_id=query.id,
        subject=outlier.subject,
        what=what_of(query),
        title=peer_title(outlier, query),
        why=why_it_hurts(kind, query, outlier.subject),
        service_level=touches_service(query),
        kind=kind,
        severity=severity_among_peers(query),
        window=window,
        ongoing=True,
        score=-math.log10(max(outlier.q_value, _LEAST_Q)),
        threshold=-math.log10(MOST_FALSE),
        p_value=outlier.p_value,
        sensitivity=context.sensitivity.value,
        detectors=[_DETECTOR],
        observed=outlier.value,
        baseline_low=outlier.low,
        baseline_middle=outlier.centre,
        baseline_high=outlier.high,
        peers=PeerEvidence(
            members=outlier.cohort.kind.value,
            cohort=outlier.cohort.name,
            seen=outlier.seen,
            known=outlier.known,
            q_value=outlier.q_value,
        ),
        unit=query.unit,
        series=SeriesRef(
            query_id=query.id,
            promql=promql_asked(query, context.coverage, window),
            labels=labels,
            object_keys=[key for chunk, key in context.object_keys if chunk.overlaps(window)],
            endpoint=context.endpoint,
        ),
        first_seen_at=window.start,
        last_seen_at=window.end,
    )


def _surest_of_each(findings: list[Finding]) -> list[Finding]:
    """The pods of a workload share a fingerprint: the surest of them speaks for all."""
    best: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda each: (-each.score, each.fingerprint)):
        best.setdefault(finding.fingerprint, finding)
    return list(best.values())
