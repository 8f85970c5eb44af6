"""Findings: one row an episode of a fingerprint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Self

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from fleet.detectors.contract import Sensitivity
from fleet.errors import NotFound
from fleet.findings.finding import ONE_EPISODE, UNRESOLVED, Finding, FindingState
from fleet.findings.lifecycle import seen_again, seen_no_more
from fleet.findings.ranking import LOOK_BACK, Earlier
from fleet.findings.scan import Scan
from fleet.frames.pack import Severity
from fleet.frames.window import Window
from storage.database import Database, lock_cluster
from storage.documents import from_document, to_document
from storage.episodes import first_sighting, touches, unite
from storage.sightings import move_sightings, note_also_seen, note_seen, seen_by
from storage.statements import upsert
from storage.tables import FindingRow, FindingSightingRow


@dataclass(frozen=True)
class RecordedFindings:
    """What recording a scan's findings did: those that it saw as they are now, and those that are over by it."""

    seen: list[Finding]
    resolved: list[Finding]

    @classmethod
    def of(cls, seen: list[Finding], unseen: list[Finding]) -> Self:
        """What became of the findings that a scan saw, and of those that it should have seen and did not."""
        over = [finding for finding in [*seen, *unseen] if finding.state is FindingState.RESOLVED]
        return cls(seen, over)


class FindingStore:
    """Findings by id and fingerprint. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        cluster_id: str,
        scan: Scan,
        findings: Sequence[Finding],
        *,
        seen_queries: Collection[str],
        not_alike: Collection[tuple[str, str]] = (),
    ) -> RecordedFindings:
        """Store what a scan found in one cluster and what it should have seen and did not; all or nothing.

        Recording the same findings again changes nothing. A finding is resolved when its end is sure
        (``fleet.findings.lifecycle``). That it was not seen is noted of open and acknowledged findings of the
        queries that were seen, which do not reach beyond the scan's window, were not seen by this scan, and would
        have shown at its sensitivity (or lie wholly before its window). Findings on a cluster among its like are
        left to ``record_compared``.

        Args:
            cluster_id: whose findings they are; findings of other clusters are refused.
            scan: the scan; its window is what was judged.
            findings: what it found.
            seen_queries: the queries that were seen whole (``fleet.frames.coverage.seen_queries``); unknown is
                never healthy, so a finding of any other query stays open.
            not_alike: query ids and identities of what was not found to be like its like: findings that say that it is
                not stay open.
        """
        if any(finding.cluster_id != cluster_id for finding in findings):
            raise ValueError(f"findings of another cluster than {cluster_id}")
        queries = set(seen_queries)
        with self._database.session() as session:
            lock_cluster(session, "findings", cluster_id)
            united = _record_episodes(session, findings, datetime.now(UTC))
            seen = [seen_again(each, scan.window.end, whole=each.query_id in queries) for each in united]
            _write(session, seen)
            note_seen(session, FindingSightingRow, scan.id, cluster_id, [finding.id for finding in seen])
            unseen = _note_unseen(session, cluster_id, scan, queries, partial(_looked_at, not_alike=set(not_alike)))
        return RecordedFindings.of(seen, unseen)

    def record_compared(
        self, cluster_id: str, scan: Scan, findings: Sequence[Finding], *, judged: Collection[tuple[str, str]]
    ) -> RecordedFindings:
        """The same for a cluster among its like, when all of them have been judged: beside what was recorded of it.

        Args:
            cluster_id: of the cluster.
            scan: the scan.
            findings: in which it is unlike its like.
            judged: the queries by which it was compared, each with the identity of the part of the cluster.
        """
        pairs = set(judged)
        with self._database.session() as session:
            lock_cluster(session, "findings", cluster_id)
            united = _record_episodes(session, findings, datetime.now(UTC))
            seen = [seen_again(each, scan.window.end, whole=True) for each in united]
            _write(session, seen)
            note_also_seen(session, FindingSightingRow, scan.id, cluster_id, [finding.id for finding in seen])
            unseen = _note_unseen(
                session,
                cluster_id,
                scan,
                {query_id for query_id, _ in pairs},
                lambda finding: finding.across_fleet and (finding.query_id, finding.subject.identity) in pairs,
            )
        return RecordedFindings.of(seen, unseen)

    def get(self, finding_id: str) -> Finding:
        """The finding with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            row = session.get(FindingRow, finding_id)
            if row is None:
                raise NotFound(f"There is no finding with the id {finding_id!r}.")
            return from_document(Finding, row.body)

    def list(
        self,
        *,
        cluster_ids: Collection[str] | None = None,
        states: Collection[FindingState] | None = None,
        scan_id: str | None = None,
        incident_ids: Collection[str] | None = None,
        window: Window | None = None,
        limit: int | None = None,
    ) -> list[Finding]:
        """Findings, worst first, then newest first; each filter that is None holds for all.

        Args:
            cluster_ids: only findings of these clusters.
            states: only findings in these states.
            scan_id: only findings that this scan saw.
            incident_ids: only findings of these incidents.
            window: only findings whose window overlaps this one.
            limit: at most so many; None for all.
        """
        query = select(FindingRow).order_by(
            col(FindingRow.severity_rank).desc(), col(FindingRow.start_at).desc(), FindingRow.id
        )
        if cluster_ids is not None:
            query = query.where(col(FindingRow.cluster_id).in_(cluster_ids))
        if states is not None:
            query = query.where(col(FindingRow.state).in_([state.value for state in states]))
        if scan_id is not None:
            query = query.where(seen_by(FindingSightingRow, FindingRow.id, scan_id))
        if incident_ids is not None:
            query = query.where(col(FindingRow.incident_id).in_(incident_ids))
        if window is not None:
            query = query.where(FindingRow.start_at < window.end, FindingRow.end_at > window.start)
        with self._database.session() as session:
            return [from_document(Finding, row.body) for row in session.exec(query.limit(limit))]

    def severities(self, scan_id: str) -> dict[Severity, int]:
        """How many findings of which severity a scan saw; severities of which it saw none are left out."""
        query = (
            select(FindingRow.severity_rank, func.count())
            .where(seen_by(FindingSightingRow, FindingRow.id, scan_id))
            .group_by(col(FindingRow.severity_rank))
        )
        with self._database.session() as session:
            counts = dict(session.exec(query).all())
        return {severity: counts[severity.rank] for severity in Severity if severity.rank in counts}

    def apart(self, scan_id: str) -> int:
        """How many of the findings that a scan saw are in no incident."""
        query = (
            select(func.count())
            .select_from(FindingRow)
            .where(seen_by(FindingSightingRow, FindingRow.id, scan_id), col(FindingRow.incident_id).is_(None))
        )
        with self._database.session() as session:
            return session.exec(query).one()

    def earlier(self, cluster_id: str, findings: Sequence[Finding]) -> Earlier:
        """When findings with the fingerprints of these began, from ``LOOK_BACK`` before the first of them."""
        if not findings:
            return {}
        query = select(FindingRow.fingerprint, FindingRow.start_at).where(
            FindingRow.cluster_id == cluster_id,
            col(FindingRow.fingerprint).in_({finding.fingerprint for finding in findings}),
            FindingRow.start_at >= min(finding.window.start for finding in findings) - LOOK_BACK,
        )
        began: defaultdict[str, list[datetime]] = defaultdict(list)
        with self._database.session() as session:
            for mark, start in session.exec(query):
                began[mark].append(start)
        return dict(began)


def _record_episodes(session: Session, findings: Sequence[Finding], at: datetime) -> list[Finding]:
    """Join each sighting with the episodes that it touches; two sightings of one scan may meet in one episode."""
    episodes: defaultdict[str, dict[str, Finding]] = defaultdict(dict)
    for known in _known_episodes(session, findings):
        episodes[known.fingerprint][known.id] = known
    absorbed: dict[str, str] = {}
    touched: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda each: (each.fingerprint, each.window.start)):
        own = episodes[finding.fingerprint]
        meets = [known for known in own.values() if touches(known.window, finding.window)]
        stored = unite(meets, finding, at) if meets else first_sighting(finding, at)
        for known in meets:
            if known.id != stored.id:
                # The sighting bridges two episodes: they were one all the time.
                absorbed[known.id] = stored.id
                del own[known.id]
                touched.pop(known.id, None)
        own[stored.id] = touched[stored.id] = stored
    if absorbed:
        session.connection().execute(delete(FindingRow).where(col(FindingRow.id).in_(absorbed)))
        move_sightings(session, FindingSightingRow, absorbed)
    return list(touched.values())


def _known_episodes(session: Session, findings: Sequence[Finding]) -> list[Finding]:
    if not findings:
        return []
    query = select(FindingRow).where(
        col(FindingRow.fingerprint).in_({finding.fingerprint for finding in findings}),
        FindingRow.start_at <= max(finding.window.end for finding in findings) + ONE_EPISODE,
        FindingRow.end_at >= min(finding.window.start for finding in findings) - ONE_EPISODE,
    )
    return [from_document(Finding, row.body) for row in session.exec(query)]


def _looked_at(finding: Finding, not_alike: set[tuple[str, str]]) -> bool:
    """Whether a look at one cluster that does not show a finding speaks against it."""
    if finding.kind.among_peers:
        return not finding.across_fleet and (finding.query_id, finding.subject.identity) not in not_alike
    return True


def _note_unseen(
    session: Session, cluster_id: str, scan: Scan, seen_queries: set[str], looked_at: Callable[[Finding], bool]
) -> list[Finding]:
    query = select(FindingRow).where(
        FindingRow.cluster_id == cluster_id,
        col(FindingRow.state).in_([state.value for state in UNRESOLVED]),
        ~seen_by(FindingSightingRow, FindingRow.id, scan.id),
        col(FindingRow.query_id).in_(seen_queries),
        FindingRow.end_at <= scan.window.end,
    )
    candidates = [from_document(Finding, row.body) for row in session.exec(query)]
    unseen = [
        seen_no_more(finding, scan.window.end)
        for finding in candidates
        if looked_at(finding) and (finding.window.end <= scan.window.start or _would_show(finding, scan.sensitivity))
    ]
    _write(session, unseen)
    return unseen


def _would_show(finding: Finding, sensitivity: Sensitivity) -> bool:
    return Sensitivity(finding.sensitivity).false_findings_per_day <= sensitivity.false_findings_per_day


def _write(session: Session, findings: Iterable[Finding]) -> None:
    rows = [
        {
            "id": finding.id,
            "cluster_id": finding.cluster_id,
            "fingerprint": finding.fingerprint,
            "scan_id": finding.scan_id,
            "incident_id": finding.incident_id,
            "query_id": finding.query_id,
            "state": finding.state.value,
            "severity_rank": finding.severity.rank,
            "start_at": finding.window.start,
            "end_at": finding.window.end,
            "body": to_document(finding),
        }
        for finding in findings
    ]
    if rows:
        session.connection().execute(upsert(FindingRow), rows)
