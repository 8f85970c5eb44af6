"""Lines of several clusters as they come, each cluster by a thread of its own, until somebody has seen enough."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fleet.collectors.loki.federated import named_lines
from fleet.collectors.loki.gateway import LogTenant
from fleet.collectors.loki.logql import AnyLogQuery
from fleet.collectors.loki.tail import LogTail, TailPiece
from fleet.errors import CredentialMissing, FleetscopeError, SourceError, StoreUnavailable
from fleet.frames.coverage import CoverageStatus
from fleet.frames.log_frame import LogFrame
from fleet.inventory.cluster import Cluster, EndpointKind
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.query.asking import Access, access_to, tell_gap, unregistered
from interfaces.cli.query.log_answers import Lines, opened, told
from interfaces.cli.tables import printable
from interfaces.cli.terminal import err
from interfaces.cli.workspace import ended_by_sigterm
from storage.stores import Stores

_WAITING_PIECES = 256
_POLL_SECONDS = 0.2
_END_SECONDS = 10.0


@dataclass(frozen=True)
class _Lost:
    """One of a cluster's tails came to its end, or could not begin: why, in words that name the tenant."""

    cluster: str
    reason: str
    fault: FleetscopeError


class Following:
    """Tails of several clusters at a time.

    Args:
        stores: where the clusters' endpoints and credentials are.
        clusters: which.
        lines: which lines.
        past: show those of the window first.
    """

    def __init__(self, stores: Stores, clusters: Sequence[Cluster], lines: Lines, *, past: bool) -> None:
        self._stores = stores
        self._clusters = clusters
        self._lines = lines
        self._past = past
        self._closed = threading.Event()
        self._pieces: queue.Queue[tuple[str, TailPiece] | _Lost] = queue.Queue(_WAITING_PIECES)
        self._tails: list[LogTail] = []
        # Those of each cluster that go on; how many there are is known once its tenants are.
        self._going_on = {each.name: 1 for each in clusters}
        self._gaps = False

    def run(self, show: Callable[[LogFrame], None]) -> ExitCode:
        """Show lines until Ctrl-C, or until no cluster can be followed any more.

        Returns:
            FINE; GAPS where a cluster or one of its tenants was lost for good, COULD_NOT_RUN where all were.
        """
        threads = [threading.Thread(target=self._cluster, args=(each,), daemon=True) for each in self._clusters]
        with ended_by_sigterm():
            try:
                for thread in threads:
                    thread.start()
                self._show(show)
            except KeyboardInterrupt:
                err().print("stopped")
            finally:
                self._closed.set()
                for tail in list(self._tails):
                    tail.close()
                for thread in threads:
                    thread.join(_END_SECONDS)
        if not any(self._going_on.values()):
            return ExitCode.COULD_NOT_RUN
        return ExitCode.GAPS if self._gaps else ExitCode.FINE

    def _show(self, show: Callable[[LogFrame], None]) -> None:
        while any(self._going_on.values()):
            try:
                come = self._pieces.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(come, _Lost):
                self._tell(come)
                continue
            cluster, piece = come
            if len(piece.frame):
                show(named_lines(piece.frame, cluster))
            for note in piece.notes:
                err().print(f"[yellow]{cluster}[/]: {printable(note)}", soft_wrap=True)

    def _tell(self, lost: _Lost) -> None:
        if isinstance(lost.fault, StoreUnavailable):
            raise lost.fault
        self._gaps = True
        self._going_on[lost.cluster] -= 1
        status = CoverageStatus.PARTIAL if self._going_on[lost.cluster] else CoverageStatus.UNKNOWN
        tell_gap(lost.cluster, status, lost.reason)

    def _cluster(self, cluster: Cluster) -> None:
        """One cluster's thread."""
        access = access_to(self._stores, cluster, EndpointKind.LOKI)
        try:
            if access is None:
                raise SourceError(unregistered(cluster.name, EndpointKind.LOKI))
            self._follow(access)
        except (SourceError, CredentialMissing, StoreUnavailable) as error:
            self._hand_over(_Lost(cluster.name, str(error), error))

    def _follow(self, access: Access) -> None:
        name = access.cluster.name
        with opened(access, self._lines.window) as tenants:
            tails = [
                (tenant, query)
                for tenant in tenants
                if tenant.fault is None
                for query in self._lines.queries(tenant.client)
            ]
            unreadable = [(told(each, str(each.fault)), each.fault) for each in tenants if each.fault is not None]
            if not tails:
                raise SourceError("; ".join(reason for reason, _ in unreadable))
            self._going_on[name] = len(tails) + len(unreadable)
            for reason, fault in unreadable:
                self._hand_over(_Lost(name, reason, fault))
            threads = [threading.Thread(target=self._tail, args=(name, *each), daemon=True) for each in tails]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _tail(self, cluster: str, tenant: LogTenant, query: AnyLogQuery) -> None:
        """One tail's thread."""
        since = self._lines.window.start if self._past else None
        try:
            with LogTail(tenant.client, query, since=since) as tail:
                self._tails.append(tail)
                if self._closed.is_set():
                    return
                for piece in tail:
                    self._hand_over((cluster, piece))
        except (SourceError, CredentialMissing, StoreUnavailable) as error:
            self._hand_over(_Lost(cluster, told(tenant, str(error)), error))

    def _hand_over(self, come: tuple[str, TailPiece] | _Lost) -> None:
        """Wait for room: where lines come faster than they are read, the server waits, or drops some and says so."""
        while not self._closed.is_set():
            try:
                self._pieces.put(come, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
