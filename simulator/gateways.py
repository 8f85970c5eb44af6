"""OpenShift's gateways before Loki and Tempo: one path a tenant, behind which only some of the server's paths lie."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from simulator.answers import RefusedError, Request, json_answer, text_answer
from simulator.cluster import SimulatedCluster


@dataclass(frozen=True)
class Gateway:
    """A gateway: where its tenants' paths begin, which tenants it has, and what it lets through.

    Attributes:
        prefix: with ``{tenant}`` where the tenant's name stands.
        tenants: their names.
        routed: matches the server's own paths that are let through.
    """

    prefix: str
    tenants: Collection[str]
    routed: re.Pattern[str]

    def behind(self, cluster: SimulatedCluster, request: Request) -> Request:
        """The request as the server behind the gateway sees it; as it is where it did not come this way.

        Raises:
            RefusedError: there is no such tenant (401), or the path is not let through (404).
        """
        match = self._match(cluster, request)
        if match is None:
            return request
        if match[1] not in self.tenants:
            error = "tenant not found, have you registered it?"
            body = {"status": "error", "errorType": "observatorium-api", "error": error}
            raise RefusedError(json_answer(body, 401))
        if not self.routed.fullmatch(match[2]):
            raise RefusedError(text_answer("404 page not found\n", 404))
        return replace(request, path=match[2])

    def tenant_of(self, cluster: SimulatedCluster, request: Request) -> str | None:
        """The tenant through whose path a request came; None where it did not come this way."""
        match = self._match(cluster, request)
        return None if match is None else match[1]

    def _match(self, cluster: SimulatedCluster, request: Request) -> re.Match[str] | None:
        before, after = self.prefix.split("{tenant}")
        if not cluster.layout.profile.openshift:
            return None
        return re.fullmatch(f"{re.escape(before)}([^/]+){re.escape(after)}(/.*)", request.path)
