"""One question to several clusters at a time; one that is broken is an answer that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fleet.errors import CredentialMissing, SourceError
from fleet.frames.coverage import Coverage, CoverageStatus
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.tables import STATUS_STYLE, printable
from interfaces.cli.terminal import err, parse_labels, print_json
from interfaces.cli.workspace import open_workspace

if TYPE_CHECKING:
    from fleet.collectors.transport import Governor
    from fleet.credentials import CredentialSource
    from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
    from storage.stores import Stores

_AT_ONCE = 8
FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class Access:
    """What a client of one of a cluster's endpoints is made of."""

    cluster: Cluster
    endpoint: Endpoint
    credentials: CredentialSource | None
    governor: Governor | None


@dataclass(frozen=True)
class Seen(Generic[FoundT]):
    """What was found, and how much of what was asked for that is."""

    found: FoundT
    status: CoverageStatus = CoverageStatus.OK
    reason: str = ""

    @classmethod
    def of(cls, found: FoundT, coverage: Coverage) -> Seen[FoundT]:
        """What a collector found."""
        return cls(found, coverage.status, coverage.reason)

    @classmethod
    def perhaps_incomplete(cls, found: FoundT, reasons: Sequence[str]) -> Seen[FoundT]:
        """What was found, and why it may not be all."""
        return cls(found, CoverageStatus.PARTIAL if reasons else CoverageStatus.OK, "; ".join(reasons))


@dataclass(frozen=True)
class Answer(Generic[FoundT]):
    """What one cluster answered; ``found`` is None where it could not be seen at all."""

    cluster: str
    status: CoverageStatus
    reason: str = ""
    endpoint: str = ""
    found: FoundT | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The coverage as ``--json`` has it."""
        return {"cluster": self.cluster, "status": self.status, "reason": self.reason, "endpoint": self.endpoint}


def access_to(stores: Stores, cluster: Cluster, kind: EndpointKind) -> Access | None:
    """How to reach one of a cluster's endpoints; None where none of this kind is registered."""
    endpoint = cluster.endpoints.get(kind)
    if endpoint is None:
        return None
    source = stores.credentials.source(cluster.credential_ref, kind) if cluster.credential_ref else None
    return Access(cluster, endpoint, source, stores.governor.of(cluster, kind))


@dataclass(frozen=True)
class Asking:
    """The clusters that one command asks, and how it answers.

    Attributes:
        stores: where endpoints and credentials are.
        clusters: which; at least one.
        json: print JSON instead of text.
        allow_gaps: what could not be seen does not change the exit code.
    """

    stores: Stores
    clusters: Sequence[Cluster]
    json: bool
    allow_gaps: bool

    def run(
        self,
        kind: EndpointKind,
        ask: Callable[[Access], Seen[FoundT]],
        show: Callable[[Sequence[Answer[FoundT]]], None],
        document: Callable[[Sequence[Answer[FoundT]]], Any] | None = None,
    ) -> ExitCode:
        """Ask the clusters' endpoints of a kind, some at a time; print what was found, and what was not seen.

        Args:
            kind: of the endpoints.
            ask: asks one of them; what it raises of a cluster's faults is that cluster's answer.
            show: prints the answers, which come in the clusters' order, for people.
            document: makes of them what ``--json`` prints; None where ``show`` does that, too.

        Raises:
            StoreUnavailable: one of our own stores cannot be reached.
        """
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="query") as threads:
            answers = list(threads.map(partial(_one, self.stores, kind, ask), self.clusters))
        if self.json and document is not None:
            print_json(document(answers))
        elif any(answer.found is not None for answer in answers):
            show(answers)
        for answer in answers:
            if answer.status is not CoverageStatus.OK:
                tell_gap(answer.cluster, answer.status, answer.reason)
        return exit_code(answers, allow_gaps=self.allow_gaps)


@contextmanager
def asking(
    names: Sequence[str] | None, selector: Sequence[str] | None, *, json: bool, allow_gaps: bool
) -> Iterator[Asking]:
    """The chosen clusters, as long as the stores are open.

    Raises:
        UsageError: there is no such cluster.
    """
    with open_workspace() as stores:
        clusters = stores.clusters.chosen(names or [], parse_labels(list(selector or [])))
        yield Asking(stores, clusters, json, allow_gaps)


def _one(stores: Stores, kind: EndpointKind, ask: Callable[[Access], Seen[FoundT]], cluster: Cluster) -> Answer[FoundT]:
    access = access_to(stores, cluster, kind)
    if access is None:
        return Answer(cluster.name, CoverageStatus.UNKNOWN, unregistered(cluster.name, kind))
    url = access.endpoint.url
    try:
        seen = ask(access)
    except (SourceError, CredentialMissing) as error:
        return Answer(cluster.name, CoverageStatus.UNKNOWN, str(error), url)
    found = None if seen.status is CoverageStatus.UNKNOWN else seen.found
    return Answer(cluster.name, seen.status, seen.reason, url, found)


def unregistered(name: str, kind: EndpointKind) -> str:
    """Why a cluster without such an endpoint cannot be asked, and what to do about it."""
    return f"No {kind.value} is registered: `fleetscope cluster endpoints {name} --store` looks for it."


def tell_gap(cluster: str, status: CoverageStatus, reason: str) -> None:
    """Say in a line on standard error what was not seen whole, and why."""
    style = STATUS_STYLE[status]
    err().print(f"[{style}]{status.value}[/] [bold]{cluster}[/]: {printable(reason)}", soft_wrap=True)


def exit_code(answers: Sequence[Answer[Any]], *, allow_gaps: bool) -> ExitCode:
    """COULD_NOT_RUN where nothing was seen of any cluster, GAPS where something was not, otherwise FINE."""
    if all(answer.status is CoverageStatus.UNKNOWN for answer in answers):
        return ExitCode.COULD_NOT_RUN
    whole = all(answer.status.final for answer in answers)
    return ExitCode.FINE if whole or allow_gaps else ExitCode.GAPS
