"""Lines of several clusters as they come, each cluster by a thread of its own, until somebody has seen enough."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fleet.collectors.loki.client import LokiClient
from fleet.collectors.loki.federated import named_lines
from fleet.collectors.loki.logql import AnyLogQuery
from fleet.collectors.loki.tail import LogTail, TailPiece
from fleet.errors import CredentialMissing, FleetscopeError, SourceError, StoreUnavailable
from fleet.frames.coverage import CoverageStatus
from fleet.frames.log_frame import LogFrame
from fleet.inventory.cluster import Cluster, EndpointKind
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.query.asking import Access, access_to, tell_gap, unregistered
from interfaces.cli.query.log_answers import Lines, opened
from interfaces.cli.tables import printable
from interfaces.cli.terminal import err
from interfaces.cli.workspace import ended_by_sigterm
from storage.stores import Stores

_WAITING_PIECES = 256
_POLL_SECONDS = 0.2
_END_SECONDS = 10.0


@dataclass(frozen=True)
class _Ended:
    """A cluster's tail came to its end: by a fault, or because it was called off."""

    cluster: str
    fault: FleetscopeError | None = None


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
        self._pieces: queue.Queue[tuple[str, TailPiece] | _Ended] = queue.Queue(_WAITING_PIECES)
        self._tails: list[LogTail] = []
        self._failed: set[str] = set()

    def run(self, show: Callable[[LogFrame], None]) -> ExitCode:
        """Show lines until Ctrl-C, or until no cluster can be followed any more.

        Returns:
            FINE; GAPS where a cluster was lost for good, COULD_NOT_RUN where all were.
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
        if len(self._failed) == len(self._clusters):
            return ExitCode.COULD_NOT_RUN
        return ExitCode.GAPS if self._failed else ExitCode.FINE

    def _show(self, show: Callable[[LogFrame], None]) -> None:
        while len(self._failed) < len(self._clusters):
            try:
                come = self._pieces.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(come, _Ended):
                self._end(come)
                continue
            cluster, piece = come
            if len(piece.frame):
                show(named_lines(piece.frame, cluster))
            for note in piece.notes:
                err().print(f"[yellow]{cluster}[/]: {printable(note)}", soft_wrap=True)

    def _end(self, ended: _Ended) -> None:
        if isinstance(ended.fault, StoreUnavailable):
            raise ended.fault
        if ended.cluster not in self._failed:
            tell_gap(ended.cluster, CoverageStatus.UNKNOWN, str(ended.fault))
        self._failed.add(ended.cluster)

    def _cluster(self, cluster: Cluster) -> None:
        """One cluster's thread."""
        access = access_to(self._stores, cluster, EndpointKind.LOKI)
        try:
            if access is None:
                raise SourceError(unregistered(cluster.name, EndpointKind.LOKI))
            self._follow(access)
        except (SourceError, CredentialMissing, StoreUnavailable) as error:
            self._hand_over(_Ended(cluster.name, error))

    def _follow(self, access: Access) -> None:
        with opened(access, self._lines.window) as tenants:
            readable = [tenant.client for tenant in tenants if tenant.fault is None]
            for tenant in tenants:
                if tenant.fault is not None:
                    note = f"tenant {tenant.name} is not followed: {tenant.fault}"
                    self._hand_over((access.cluster.name, TailPiece(LogFrame.empty(), notes=[note])))
            tails = [(client, query) for client in readable for query in self._lines.queries(client)]
            others = [
                threading.Thread(target=self._tail_in_thread, args=(access.cluster.name, *each), daemon=True)
                for each in tails[1:]
            ]
            for thread in others:
                thread.start()
            try:
                self._tail(access.cluster.name, *tails[0])
            finally:
                for thread in others:
                    thread.join()

    def _tail_in_thread(self, cluster: str, client: LokiClient, query: AnyLogQuery) -> None:
        try:
            self._tail(cluster, client, query)
        except (SourceError, CredentialMissing, StoreUnavailable) as error:
            self._hand_over(_Ended(cluster, error))

    def _tail(self, cluster: str, client: LokiClient, query: AnyLogQuery) -> None:
        since = self._lines.window.start if self._past else None
        with LogTail(client, query, since=since) as tail:
            self._tails.append(tail)
            if self._closed.is_set():
                return
            for piece in tail:
                self._hand_over((cluster, piece))

    def _hand_over(self, come: tuple[str, TailPiece] | _Ended) -> None:
        """Wait for room: where lines come faster than they are read, the server waits, or drops some and says so."""
        while not self._closed.is_set():
            try:
                self._pieces.put(come, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
