"""What an Alertmanager knows now, and how much of it was seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from fleet.collectors.alertmanager.client import AlertmanagerClient
from fleet.errors import CredentialMissing, SourceError
from fleet.frames.alerts import AlertFrame
from fleet.frames.coverage import Coverage, CoverageStatus, QueryCoverage, combine
from fleet.frames.window import Window

SIGNAL = "alerts"
COLLECTOR = "alertmanager"
_Seen = TypeVar("_Seen")


def collect_alerts(client: AlertmanagerClient, cluster_id: str, window: Window) -> tuple[AlertFrame, Coverage]:
    """Alerts, silences and groups as they are now.

    A broken endpoint never raises: coverage says what was not seen. Each of the three is a query of its own there; once
    the alerts themselves could not be read, the others are not asked for.

    Args:
        client: of the cluster's endpoint; it is not closed.
        cluster_id: whose coverage this is.
        window: of the collection that this belongs to; Alertmanager keeps no past.

    Raises:
        StoreUnavailable: our own credential store, or where budgets are kept, cannot be reached.
    """
    asking = _Asking()
    frame = AlertFrame(
        at=datetime.now(UTC),
        alerts=asking.ask("alerts", client.alerts),
        silences=asking.ask("silences", client.silences),
        groups=asking.ask("groups", client.groups),
    )
    return frame, asking.coverage(client, cluster_id, window, frame.at)


class _Asking:
    def __init__(self) -> None:
        self._queries: list[QueryCoverage] = []
        self._fault: SourceError | CredentialMissing | None = None

    def ask(self, what: str, ask: Callable[[], list[_Seen]]) -> list[_Seen]:
        """What there is of one kind; nothing, and a query that is unknown, after a failure."""
        if self._queries and self._queries[0].status is CoverageStatus.UNKNOWN:
            self._queries.append(self._queries[0].model_copy(update={"query_id": what}))
            return []
        try:
            seen = ask()
        except (SourceError, CredentialMissing) as error:
            self._fault = self._fault or error
            self._queries.append(QueryCoverage(query_id=what, status=CoverageStatus.UNKNOWN, reason=str(error)))
            return []
        self._queries.append(QueryCoverage(query_id=what, status=CoverageStatus.OK, series=len(seen)))
        return seen

    def coverage(self, client: AlertmanagerClient, cluster_id: str, window: Window, at: datetime) -> Coverage:
        status = combine([query.status for query in self._queries])
        missing = [query for query in self._queries if query.status is CoverageStatus.UNKNOWN]
        reason = ""
        if missing:
            whole = status is CoverageStatus.UNKNOWN
            reason = missing[0].reason if whole else "; ".join(f"no {each.query_id}: {each.reason}" for each in missing)
        return Coverage(
            cluster_id=cluster_id,
            signal=SIGNAL,
            collector=COLLECTOR,
            window=window,
            step_seconds=0,
            status=status,
            reason=reason,
            error=type(self._fault).__name__ if self._fault is not None else "",
            endpoint=client.endpoint.url,
            queries=self._queries,
            collected_at=at,
        )
