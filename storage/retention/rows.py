"""Results whose time is over: scans, findings, incidents, investigations, reports, inventories, changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from storage.database import Database
from storage.retention.expired import Expired
from storage.retention.lifetimes import DataKind, Lifetimes

_BATCH = 500
_STRUCK = "cluster_id NOT IN (SELECT id FROM clusters)"
"""Nobody looks into a cluster any more that was struck from the registry: what is open there is never resolved."""


@dataclass(frozen=True)
class _Rule:
    """When a table's rows expire.

    Attributes:
        table: of which.
        expired: the condition, before ``:cutoff``.
        beside: deletes what only makes sense with rows that went, by their ids.
    """

    table: str
    expired: str
    beside: tuple[str, ...] = ()


_RULES: dict[DataKind, _Rule] = {
    DataKind.SCANS: _Rule(
        "scans",
        # Reports are written on the last scan that ended, however long ago that was.
        "created_at < :cutoff AND created_at < (SELECT max(created_at) FROM scans WHERE state LIKE 'completed%')",
        (
            "DELETE FROM finding_sightings WHERE scan_id = ANY (:ids)",
            "DELETE FROM incident_sightings WHERE scan_id = ANY (:ids)",
            "DELETE FROM cluster_levels WHERE scan_id = ANY (:ids)",
            "DELETE FROM model_uses WHERE scan_id = ANY (:ids)",
        ),
    ),
    DataKind.FINDINGS: _Rule(
        "findings",
        f"end_at < :cutoff AND (state = 'resolved' OR {_STRUCK})",
        ("DELETE FROM finding_sightings WHERE seen_id = ANY (:ids)",),
    ),
    DataKind.INCIDENTS: _Rule(
        "incidents",
        # An incident outlives its findings, none of which ever names one that is gone.
        f"""
        coalesce(ended_at, started_at) < :cutoff AND (state = 'resolved' OR {_STRUCK})
            AND NOT EXISTS (SELECT 1 FROM findings WHERE findings.incident_id = incidents.id)
        """,  # noqa: S608 - made of constants
        ("DELETE FROM incident_sightings WHERE seen_id = ANY (:ids)",),
    ),
    DataKind.INVESTIGATIONS: _Rule(
        "investigations",
        """
        created_at < :cutoff AND NOT EXISTS (
            SELECT 1 FROM incidents WHERE incidents.id = investigations.incident_id AND incidents.state <> 'resolved'
        )
        """,
    ),
    DataKind.REPORTS: _Rule(
        "reports",
        """
        created_at < :cutoff AND NOT EXISTS (
            SELECT 1 FROM outbox WHERE outbox.report_id = reports.id AND outbox.state = 'pending'
        )
        """,
        ("DELETE FROM outbox WHERE report_id = ANY (:ids)",),
    ),
    DataKind.INVENTORIES: _Rule(
        "inventories",
        f"""
        observed_at < :cutoff AND ({_STRUCK} OR observed_at < (
            SELECT max(observed_at) FROM inventories AS newest WHERE newest.cluster_id = inventories.cluster_id
        ))
        """,  # noqa: S608 - made of constants
    ),
    DataKind.CHANGES: _Rule("changes", "at < :cutoff"),
}


class ExpiringRows:
    """Rows that name no chunk. What an expired report's row named is deleted by the next sweep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expire(self, lifetimes: Lifetimes, now: datetime, *, dry_run: bool) -> list[Expired]:
        """Delete the rows whose time is over, some at a time; a rerun goes on.

        Rows that somebody is just writing are left to the next run.

        Args:
            lifetimes: how long each kind is kept.
            now: the current time (aware).
            dry_run: only count.
        """
        found = []
        for kind, rule in _RULES.items():
            cutoff = lifetimes.cutoff(kind, now)
            rows = self._count(rule, cutoff) if dry_run else self._delete(rule, cutoff)
            found.append(Expired(kind=kind, older_than=cutoff, rows=rows))
        if not dry_run:
            self._forget_endpoints(lifetimes.cutoff(DataKind.SCANS, now))
        return found

    def _count(self, rule: _Rule, cutoff: datetime) -> int:
        query = text(f"SELECT count(*) FROM {rule.table} WHERE {rule.expired}")  # noqa: S608 - made of constants
        with self._database.session() as session:
            return int(session.connection().execute(query, {"cutoff": cutoff}).scalar_one())

    def _delete(self, rule: _Rule, cutoff: datetime) -> int:
        named = "id" if rule.beside else "1"
        statement = text(
            f"""
            DELETE FROM {rule.table} WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM {rule.table} WHERE {rule.expired} LIMIT {_BATCH} FOR UPDATE SKIP LOCKED
            )) RETURNING {named}
            """  # noqa: S608 - made of constants
        )
        rows = 0
        while True:
            with self._database.session() as session:
                gone = list(session.connection().execute(statement, {"cutoff": cutoff}).scalars())
                for beside in rule.beside if gone else ():
                    session.connection().execute(text(beside), {"ids": gone})
            if not gone:
                return rows
            rows += len(gone)

    def _forget_endpoints(self, cutoff: datetime) -> None:
        """What the governor counted of endpoints that were not asked for as long as scans are kept."""
        with self._database.session() as session:
            session.connection().execute(
                text("DELETE FROM governed_endpoints WHERE counted_at < :cutoff"), {"cutoff": cutoff}
            )
