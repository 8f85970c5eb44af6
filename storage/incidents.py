"""Incidents, and which of their openings were told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import String, and_, cast, func, or_, update
from sqlalchemy.dialects.postgresql import array
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from fleet.errors import NotFound
from fleet.findings.finding import UNRESOLVED, Finding, FindingState
from fleet.findings.incident import Incident
from fleet.findings.lifecycle import after_findings
from fleet.findings.ranking import explained, worst_first
from fleet.findings.scan import Scan
from fleet.frames.window import Window
from storage.database import Database, lock_cluster
from storage.documents import from_document, to_document
from storage.sightings import note_seen, seen_by
from storage.statements import upsert
from storage.tables import FindingRow, IncidentRow, IncidentSightingRow


class IncidentStore:
    """Incidents by id. Every method raises StoreUnavailable or StoreError when the database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, cluster_id: str, scan_id: str, incidents: Sequence[Incident]) -> list[str]:
        """Store a cluster's incidents and link their findings to them; all or nothing, and harmless when repeated.

        An incident that exists keeps its ``opened_at``, an acknowledgement and what it went through. Its findings get
        its id. It is resolved when all of them are, whether it is among these or not, and open again when one is
        (``fleet.findings.lifecycle``).

        Args:
            cluster_id: whose incidents they are; incidents of other clusters are refused.
            scan_id: the scan that correlated them.
            incidents: what it made of the findings.

        Returns:
            The ids of unresolved incidents whose opening was not announced yet: of new ones, and of those that were
            over and came back. Emit their event, then call ``mark_announced``: a run that is killed in between finds
            them here again. One that is over when it is seen first opens nothing.
        """
        if any(incident.cluster_id != cluster_id for incident in incidents):
            raise ValueError(f"incidents of another cluster than {cluster_id}")
        now = datetime.now(UTC)
        with self._database.session() as session:
            lock_cluster(session, "incidents", cluster_id)
            known = _known(session, [incident.id for incident in incidents])
            merged = [_merged(known.get(incident.id), incident, scan_id, now) for incident in incidents]
            for incident in merged:
                _link_findings(session, incident)
            unseen = _unresolved(session, cluster_id, {incident.id for incident in merged})
            linked = _findings_of(session, [incident.id for incident in [*merged, *unseen]])
            seen = [after_findings(each, linked[each.id]) if each.id in linked else each for each in merged]
            unseen = [after_findings(each, linked.get(each.id, [])) for each in unseen]
            _write(session, [_settled(each, scan_id) for each in [*seen, *unseen]])
            _open_again(session, merged, seen)
            note_seen(session, IncidentSightingRow, scan_id, cluster_id, [incident.id for incident in incidents])
            unannounced = select(IncidentRow.id).where(
                IncidentRow.cluster_id == cluster_id,
                col(IncidentRow.announced_at).is_(None),
                col(IncidentRow.state).in_([state.value for state in UNRESOLVED]),
                col(IncidentRow.id).in_([incident.id for incident in incidents]),
            )
            return sorted(session.exec(unannounced))

    def mark_announced(self, incident_ids: Collection[str]) -> None:
        """Note that the event of these incidents' opening went out."""
        statement = (
            update(IncidentRow)
            .where(col(IncidentRow.id).in_(incident_ids), col(IncidentRow.announced_at).is_(None))
            .values(announced_at=datetime.now(UTC))
        )
        with self._database.session() as session:
            session.connection().execute(statement)

    def get(self, incident_id: str) -> Incident:
        """The incident with this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.session() as session:
            row = session.get(IncidentRow, incident_id)
            if row is None:
                raise NotFound(f"There is no incident with the id {incident_id!r}.")
            return from_document(Incident, row.body)

    def told_by(self, scan: Scan, cluster_ids: Collection[str]) -> list[Incident]:
        """Incidents that a scan has to tell of, in the order of ``list``.

        They are those that it saw, those that are over by it, and all that began before its window's end and are not
        resolved, whether it could see them or not.
        """
        unresolved = col(IncidentRow.state).in_([state.value for state in UNRESOLVED])
        query = select(IncidentRow).where(
            col(IncidentRow.cluster_id).in_(cluster_ids),
            or_(
                seen_by(IncidentSightingRow, IncidentRow.id, scan.id),
                col(IncidentRow.body)["resolved_by"].astext == scan.id,
                and_(unresolved, col(IncidentRow.started_at) < scan.window.end),
            ),
        )
        return _found(self._database, query)

    def list(
        self,
        *,
        cluster_ids: Collection[str] | None = None,
        states: Collection[FindingState] | None = None,
        scan_id: str | None = None,
        window: Window | None = None,
    ) -> list[Incident]:
        """Incidents: unresolved ones first, the worst of all clusters first, then the newest.

        Args:
            cluster_ids: only incidents of these clusters; None for all, as with the other filters.
            states: only incidents in these states.
            scan_id: only incidents that this scan saw.
            window: only incidents that were going on at some time of this window.
        """
        query = select(IncidentRow)
        if cluster_ids is not None:
            query = query.where(col(IncidentRow.cluster_id).in_(cluster_ids))
        if states is not None:
            query = query.where(col(IncidentRow.state).in_([state.value for state in states]))
        if scan_id is not None:
            query = query.where(seen_by(IncidentSightingRow, IncidentRow.id, scan_id))
        if window is not None:
            ended = col(IncidentRow.ended_at)
            query = query.where(IncidentRow.started_at < window.end, or_(ended.is_(None), ended > window.start))
        return _found(self._database, query)


def _found(database: Database, query: SelectOfScalar[IncidentRow]) -> list[Incident]:
    with database.session() as session:
        found = [from_document(Incident, row.body) for row in session.exec(query)]
    return sorted(found, key=_order)


def _order(incident: Incident) -> tuple[object, ...]:
    resolved = incident.state is FindingState.RESOLVED
    return resolved, worst_first(incident), -incident.started_at.timestamp(), incident.id


def _known(session: Session, incident_ids: Sequence[str]) -> dict[str, Incident]:
    rows = session.exec(select(IncidentRow).where(col(IncidentRow.id).in_(incident_ids)))
    return {row.id: from_document(Incident, row.body) for row in rows}


def _merged(known: Incident | None, incident: Incident, scan_id: str, now: datetime) -> Incident:
    if known is None:
        return incident.model_copy(update={"scan_id": scan_id, "opened_at": incident.opened_at or now})
    return incident.model_copy(
        update={
            "scan_id": scan_id,
            "opened_at": known.opened_at,
            "state": known.state,
            "stretches": known.stretches,
            "resolved_by": known.resolved_by,
        }
    )


def _settled(incident: Incident, scan_id: str) -> Incident:
    """An incident that says why it ranks where it does, and by which scan it is over if it is."""
    resolved_by = incident.resolved_by or scan_id if incident.state is FindingState.RESOLVED else ""
    return explained(incident.model_copy(update={"resolved_by": resolved_by}))


def _open_again(session: Session, before: Sequence[Incident], after: Sequence[Incident]) -> None:
    """The opening of incidents that came back is to be announced anew."""
    over = {incident.id for incident in before if incident.state is FindingState.RESOLVED}
    back = [incident.id for incident in after if incident.id in over and incident.state in UNRESOLVED]
    if back:
        statement = update(IncidentRow).where(col(IncidentRow.id).in_(back)).values(announced_at=None)
        session.connection().execute(statement)


def _link_findings(session: Session, incident: Incident) -> None:
    """Write the incident's id into the columns and the bodies of its findings."""
    statement = (
        update(FindingRow)
        .where(
            col(FindingRow.cluster_id) == incident.cluster_id,
            col(FindingRow.id).in_(incident.finding_ids),
        )
        .values(
            incident_id=incident.id,
            body=func.jsonb_set(FindingRow.body, array(["incident_id"]), func.to_jsonb(cast(incident.id, String))),
        )
    )
    session.connection().execute(statement)


def _unresolved(session: Session, cluster_id: str, current: set[str]) -> list[Incident]:
    """Those incidents that are not resolved and that this scan did not see."""
    query = select(IncidentRow).where(
        IncidentRow.cluster_id == cluster_id,
        col(IncidentRow.state).in_([state.value for state in UNRESOLVED]),
        col(IncidentRow.id).not_in(current),
    )
    return [from_document(Incident, row.body) for row in session.exec(query)]


def _findings_of(session: Session, incident_ids: Sequence[str]) -> dict[str, list[Finding]]:
    query = select(FindingRow).where(col(FindingRow.incident_id).in_(incident_ids))
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for row in session.exec(query):
        found[str(row.incident_id)].append(from_document(Finding, row.body))
    return found


def _write(session: Session, incidents: Sequence[Incident]) -> None:
    rows = [
        {
            "id": incident.id,
            "cluster_id": incident.cluster_id,
            "scan_id": incident.scan_id,
            "state": incident.state.value,
            "severity_rank": incident.severity.rank,
            "rank": incident.rank,
            "started_at": incident.started_at,
            "ended_at": incident.ended_at,
            "announced_at": None,
            "body": to_document(incident),
        }
        for incident in sorted(incidents, key=lambda each: each.id)
    ]
    if rows:
        session.connection().execute(upsert(IncidentRow, keep={"announced_at"}), rows)
