"""From anomalies to findings: what a stretch of a series means for whom, how bad it is, said once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fleet.detectors.contract import Anomaly, Sensitivity
from fleet.findings.finding import (
    ONE_EPISODE,
    ONGOING_WITHIN,
    Finding,
    FindingKind,
    SeriesRef,
    episode_id,
    fingerprint,
    gap_fingerprint,
)
from fleet.findings.harm import hurts, severity_of, severity_of_gap, touches_service, why_it_hurts
from fleet.findings.wording import gap_title, title_of, what_of
from fleet.frames.coverage import Coverage, CoverageStatus, promql_asked
from fleet.frames.frame import Frame, SeriesKey
from fleet.frames.pack import PackQuery, QueryPack, Severity
from fleet.frames.window import Window
from fleet.inventory.subject import Subject, SubjectKind
from fleet.inventory.topology import Topology

_HOSTED = {SubjectKind.NODE, SubjectKind.DEVICE}
_UNSEEN = {CoverageStatus.UNKNOWN, CoverageStatus.PARTIAL}


@dataclass(frozen=True)
class ScanContext:
    """What a scan knows beside the frame.

    Attributes:
        cluster_id, scan_id: of this scan.
        sensitivity: with which the anomalies were sought.
        object_keys: the stored chunks of the frame, in order of time.
        endpoint: the address that was asked.
        topology: None where no inventory could be had; names alone then tell owners.
        coverage: what was asked, and what was not seen; a gap there is our blindness, and no finding.
        model_version: of the learnt state by which the frame was judged; None where there was none.
    """

    cluster_id: str
    scan_id: str
    sensitivity: Sensitivity
    object_keys: Sequence[tuple[Window, str]] = ()
    endpoint: str = ""
    topology: Topology | None = None
    coverage: Sequence[Coverage] = field(default_factory=tuple)
    model_version: int | None = None


def findings_of(anomalies: Sequence[Anomaly], frame: Frame, pack: QueryPack, context: ScanContext) -> list[Finding]:
    """The findings behind a frame's anomalies, one for each episode of a fingerprint, the worst first.

    The pods of a workload share a fingerprint: the worst of them speaks for all, and a pod that takes another's place
    goes on with its finding. Series that vanish together with the exporter of a node make one finding on the node.
    A departure to the side that does not hurt is none.

    Args:
        anomalies: of this frame; those whose query the pack lacks are left out.
        frame: what was judged.
        pack: the queries behind the frame.
        context: the scan.
    """
    assessor = _Assessor(frame, pack, context)
    values = [anomaly for anomaly in anomalies if anomaly.sign != 0]
    gaps = [anomaly for anomaly in anomalies if anomaly.sign == 0]
    findings = [finding for anomaly in values if (finding := assessor.finding(anomaly)) is not None]
    return _one_each(findings + assessor.gap_findings(gaps))


class _Assessor:
    def __init__(self, frame: Frame, pack: QueryPack, context: ScanContext) -> None:
        self._frame = frame
        self._queries = {query.id: query for query in pack.queries}
        self._order = {query.id: number for number, query in enumerate(pack.queries)}
        self._context = context
        self._topology = context.topology or Topology.of(None)
        self._unseen = _unseen_windows(context.coverage)

    def finding(self, anomaly: Anomaly) -> Finding | None:
        """The finding behind a value that is not as usual."""
        key = self._frame.keys[anomaly.row]
        query = self._queries.get(key.query_id)
        if query is None or not hurts(anomaly, query):
            return None
        subject = self._subject(query, key)
        kind = FindingKind.ABOVE if anomaly.sign > 0 else FindingKind.BELOW
        low, middle, high = (None if math.isnan(value) else value for value in anomaly.baseline)
        finding = self._finding(anomaly, query, subject, kind, self._window(anomaly))
        return finding.model_copy(
            update={
                "title": title_of(anomaly, query, subject),
                "why": why_it_hurts(kind, query, subject),
                "severity": severity_of(anomaly, query),
                "observed": anomaly.observed,
                "baseline_low": low,
                "baseline_middle": middle,
                "baseline_high": high,
            }
        )

    def gap_findings(self, gaps: list[Anomaly]) -> list[Finding]:
        """One finding for all that vanished on one node at one time; on anything else one for each series."""
        groups: defaultdict[tuple[SubjectKind, str], list[Anomaly]] = defaultdict(list)
        for gap in gaps:
            key = self._frame.keys[gap.row]
            query = self._queries.get(key.query_id)
            if query is None or self._was_unseen(query.id, self._window(gap)):
                continue
            subject = self._subject(query, key)
            hosted = subject.kind in _HOSTED
            groups[(SubjectKind.NODE, subject.name) if hosted else (subject.kind, subject.identity)].append(gap)
        return [finding for group in groups.values() for finding in self._findings_of_group(group)]

    def _findings_of_group(self, group: list[Anomaly]) -> list[Finding]:
        together: list[list[Anomaly]] = []
        reach = int(ONE_EPISODE.total_seconds() / self._frame.step_seconds)
        for gap in sorted(group, key=lambda each: each.first):
            if together and gap.first <= max(each.last for each in together[-1]) + reach:
                together[-1].append(gap)
            else:
                together.append([gap])
        return [self._gap_finding(gaps) for gaps in together]

    def _gap_finding(self, gaps: list[Anomaly]) -> Finding:
        leader = min(gaps, key=lambda gap: self._order[self._frame.keys[gap.row].query_id])
        query = self._queries[self._frame.keys[leader.row].query_id]
        subject = self._subject(query, self._frame.keys[leader.row])
        if len(gaps) > 1 and subject.kind is SubjectKind.DEVICE:
            subject = Subject(cluster_id=subject.cluster_id, kind=SubjectKind.NODE, name=subject.name)
        windows = [self._window(gap) for gap in gaps]
        window = Window(start=min(each.start for each in windows), end=max(each.end for each in windows))
        finding = self._finding(leader, query, subject, FindingKind.GAP, window)
        return finding.model_copy(
            update={
                "title": gap_title(query, subject, len(gaps), window, ongoing=finding.ongoing),
                "severity": severity_of_gap(query),
                "undated": min(gap.first for gap in gaps) == 0,
            }
        )

    def _finding(
        self, anomaly: Anomaly, query: PackQuery, subject: Subject, kind: FindingKind, window: Window
    ) -> Finding:
        context = self._context
        if kind is FindingKind.GAP and subject.kind in _HOSTED:
            mark = gap_fingerprint(context.cluster_id, subject.name)
        else:
            mark = fingerprint(context.cluster_id, query.id, subject, kind)
        return Finding(
            id=episode_id(mark, window.start),
            fingerprint=mark,
            cluster_id=context.cluster_id,
            scan_id=context.scan_id,
            query_id=query.id,
            subject=subject,
            what=what_of(query),
            title=query.title,
            service_level=touches_service(query),
            kind=kind,
            severity=Severity.INFO,
            window=window,
            ongoing=window.end >= self._frame.window.end - ONGOING_WITHIN,
            score=anomaly.score,
            threshold=anomaly.threshold,
            p_value=anomaly.p_value,
            sensitivity=context.sensitivity.value,
            model_version=context.model_version,
            detectors=list(anomaly.detectors),
            unit=query.unit,
            series=SeriesRef(
                query_id=query.id,
                promql=promql_asked(query, context.coverage, window),
                labels=dict(self._frame.keys[anomaly.row].labels),
                object_keys=[key for chunk, key in context.object_keys if chunk.overlaps(window)],
                endpoint=context.endpoint,
            ),
            first_seen_at=window.start,
            last_seen_at=window.end,
        )

    def _subject(self, query: PackQuery, key: SeriesKey) -> Subject:
        return self._topology.resolve(query.subject_of(self._context.cluster_id, key))

    def _window(self, anomaly: Anomaly) -> Window:
        return Window(start=self._frame.time_at(anomaly.first), end=self._frame.time_at(anomaly.last + 1))

    def _was_unseen(self, query_id: str, window: Window) -> bool:
        return any(unseen.overlaps(window) for unseen in self._unseen.get(query_id, ()))


def _unseen_windows(coverage: Sequence[Coverage]) -> dict[str, list[Window]]:
    windows: defaultdict[str, list[Window]] = defaultdict(list)
    for chunk in coverage:
        for query in chunk.queries:
            if query.status in _UNSEEN:
                windows[query.query_id].append(chunk.window)
    return dict(windows)


def _strength(finding: Finding) -> tuple[int, bool, float]:
    return finding.severity.rank, finding.ongoing, finding.strength


def _one_each(findings: list[Finding]) -> list[Finding]:
    """One finding for each episode of a fingerprint, the worst first."""
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.fingerprint].append(finding)
    kept = [_one_of(episode) for group in groups.values() for episode in _episodes(group)]
    return sorted(
        kept, key=lambda finding: (*(-part for part in _strength(finding)), finding.fingerprint, finding.window.start)
    )


def _episodes(findings: list[Finding]) -> list[list[Finding]]:
    """Findings of one fingerprint, apart where more than ``ONE_EPISODE`` lies between."""
    episodes: list[list[Finding]] = []
    end: datetime | None = None
    for finding in sorted(findings, key=lambda each: (each.window.start, each.window.end)):
        if end is None or finding.window.start > end + ONE_EPISODE:
            episodes.append([])
            end = finding.window.end
        episodes[-1].append(finding)
        end = max(end, finding.window.end)
    return episodes


def _one_of(episode: list[Finding]) -> Finding:
    """The worst finding of an episode, over all of its time."""
    worst = max(episode, key=_strength)
    window = Window(start=episode[0].window.start, end=max(each.window.end for each in episode))
    keys = dict.fromkeys(key for each in episode for key in each.series.object_keys)
    return worst.model_copy(
        update={
            "id": episode_id(worst.fingerprint, window.start),
            "window": window,
            "ongoing": any(each.ongoing for each in episode),
            "first_seen_at": window.start,
            "last_seen_at": window.end,
            "series": worst.series.model_copy(update={"object_keys": list(keys)}),
        }
    )
