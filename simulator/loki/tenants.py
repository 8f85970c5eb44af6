"""Whose logs a request sees: those of the gateway's tenant, of ``X-Scope-OrgID``, or of a server that has but one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.answers import RefusedError, Request, text_answer
from simulator.cluster import SimulatedCluster
from simulator.loki.bulk import bulk_of
from simulator.loki.entries import Source
from simulator.loki.pushed import PushedLogs, Pushes
from simulator.loki.query import Matcher
from simulator.loki.story import story_of
from simulator.loki.view import View, matching

OPENSHIFT = ("application", "infrastructure", "audit")
"""The tenants of OpenShift's logging, each with the logs whose ``log_type`` is called the same."""
PLATFORM = "platform"
"""The tenant that has a cluster's logs where Loki has several and the platform is not OpenShift."""
_ONLY = "fake"
_NONE = ""
"""The log type of nothing."""
_SIGN = re.compile(r"[A-Za-z0-9!_.*'()-]")


@dataclass(frozen=True)
class Logs:
    """The logs of one cluster that a tenant sees; of the story those of ``log_type``, all where that is None."""

    cluster: SimulatedCluster
    tenant: str
    log_type: str | None = None

    @property
    def pushed(self) -> PushedLogs:
        """What was pushed for the tenant."""
        return self.cluster.state(Pushes).of(self.tenant)

    def view(self, matchers: Sequence[Matcher]) -> View:
        """What a selector chooses."""
        return View([*self._told(matchers), (self.pushed, matchers)])

    def flushed(self, matchers: Sequence[Matcher], start_ns: int, end_ns: int) -> tuple[int, int, int]:
        """Streams, entries and bytes of what was pushed, as far as the index knows of it."""
        return self.pushed.flushed(matching(self.pushed.labels, matchers), start_ns, end_ns)

    def told(self, matchers: Sequence[Matcher]) -> View:
        """What a selector chooses of all that nobody pushed."""
        return View(self._told(matchers))

    def _told(self, matchers: Sequence[Matcher]) -> list[tuple[Source, Sequence[Matcher]]]:
        bulk = bulk_of(matchers, self.cluster.timeline.anchor)
        found: list[tuple[Source, Sequence[Matcher]]] = [] if bulk is None else [(bulk, matchers)]
        if self.log_type != _NONE:
            own = [Matcher("log_type", "=", self.log_type)] if self.log_type else []
            found.append((story_of(self.cluster), [*matchers, *own]))
        return found


def logs_of(cluster: SimulatedCluster, request: Request, gateway_tenant: str | None) -> Logs:
    """The logs that a request is about.

    Raises:
        RefusedError: the server has several tenants and the request names none (401), a name that is none (400) or
            more than one (500).
    """
    if gateway_tenant is not None:
        return Logs(cluster, gateway_tenant, gateway_tenant)
    if not cluster.multi_tenant:
        return Logs(cluster, _ONLY)
    tenant = request.headers.get("x-scope-orgid", "")
    if not tenant:
        raise RefusedError(text_answer("no org id\n", 401))
    if "|" in tenant:
        raise RefusedError(text_answer("multiple org IDs present", 500))
    wrong = next((sign for sign in tenant if not _SIGN.fullmatch(sign)), None)
    if wrong is not None:
        raise RefusedError(text_answer(f"tenant ID '{tenant}' contains unsupported character '{wrong}'", 400))
    if cluster.layout.profile.openshift:
        return Logs(cluster, tenant, tenant if tenant in OPENSHIFT else _NONE)
    return Logs(cluster, tenant, None if tenant == PLATFORM else _NONE)
