"""The query governor as collectors see it: whom they ask before each request, and tell what came of it.

Who keeps the budgets, over threads, processes and hosts, is not their business (``storage.governor`` does, in
PostgreSQL). Without a governor nothing is held back, which is for benchmarks and tests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from fleet.errors import SourceError
from fleet.inventory.cluster import Endpoint, EndpointKind
from fleet.inventory.endpoint_budget import Budget

_MIB = 1 << 20

DEFAULT_BUDGETS: Mapping[EndpointKind, Budget] = {
    EndpointKind.KUBERNETES: Budget(concurrency=6, requests_per_second=50, bytes_per_minute=1024 * _MIB),
    EndpointKind.PROMETHEUS: Budget(concurrency=6, requests_per_second=100, bytes_per_minute=4096 * _MIB),
    EndpointKind.ALERTMANAGER: Budget(concurrency=2, requests_per_second=10, bytes_per_minute=256 * _MIB),
    EndpointKind.LOKI: Budget(concurrency=4, requests_per_second=20, bytes_per_minute=4096 * _MIB),
    EndpointKind.TEMPO: Budget(concurrency=4, requests_per_second=50, bytes_per_minute=2048 * _MIB),
    EndpointKind.KORREL8R: Budget(concurrency=2, requests_per_second=10, bytes_per_minute=256 * _MIB),
}
"""What a server of each kind is asked at most, unless its registration says otherwise (``Endpoint.budget``)."""


class Admission(Protocol):
    """One request that may be made now."""

    @property
    def waited_seconds(self) -> float:
        """How long it was held back before."""
        ...

    def spent(self, answer_bytes: int, seconds: float, failed: bool) -> None:
        """Say what came of it.

        Args:
            answer_bytes: of the answer, as they came over the network.
            seconds: that it took.
            failed: by a fault of the server or of the way to it; a refused query is an answer.
        """
        ...


class Governor(Protocol):
    """Keeps the budgets of one endpoint, or of several."""

    def admit(
        self, endpoint_url: str, seconds: float, called_off: threading.Event
    ) -> AbstractContextManager[Admission]:
        """Wait until a request to the endpoint may be made; the context is the request, and ends with its answer.

        A context that ends without ``spent`` tells nothing of the endpoint.

        Args:
            endpoint_url: as it is registered.
            seconds: to wait at most.
            called_off: once it is set, nobody wants the answer any more.

        Raises:
            OverBudget: the time was not enough, or it was called off.
            BreakerOpen: the endpoint failed again and again, and is not asked just now.
            StoreUnavailable: where the budgets are kept cannot be reached: nothing is asked without them.
        """
        ...


@dataclass
class Request:
    """A request under way, and what of its answer has come so far.

    Attributes:
        waited_seconds: how long it was held back.
        answer_bytes: to be counted by whoever reads the answer.
    """

    waited_seconds: float = 0.0
    answer_bytes: int = 0


@contextmanager
def governed(
    governor: Governor | None, endpoint: Endpoint, seconds: float, called_off: threading.Event
) -> Iterator[Request]:
    """One request, held back by the governor where there is one, and accounted for at its end.

    Raises:
        HeldBack, StoreUnavailable: as ``Governor.admit``.
    """
    if governor is None:
        yield Request()
        return
    with governor.admit(endpoint.url, seconds, called_off) as admission:
        request = Request(admission.waited_seconds)
        began = time.monotonic()
        try:
            yield request
        except SourceError as error:
            if not called_off.is_set():
                # What may pass by itself is the server's fault, or the network's.
                admission.spent(request.answer_bytes, time.monotonic() - began, failed=error.retriable)
            raise
        admission.spent(request.answer_bytes, time.monotonic() - began, failed=False)
