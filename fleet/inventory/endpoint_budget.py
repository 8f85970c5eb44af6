"""What this installation may ask of an endpoint, all of its processes together."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Concurrency = Annotated[int, Field(ge=1, le=100)]
RequestsPerSecond = Annotated[int, Field(ge=1, le=1000)]
BytesPerMinute = Annotated[int, Field(ge=1 << 20)]


class EndpointBudget(BaseModel):
    """An endpoint's own bounds; what is None is as for every endpoint of its kind.

    Attributes:
        concurrency: requests under way at a time.
        requests_per_second: requests in any one second.
        bytes_per_minute: of answers, as they come over the network; counted when an answer has come, so that the
            answers under way come on top.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    concurrency: Concurrency | None = None
    requests_per_second: RequestsPerSecond | None = None
    bytes_per_minute: BytesPerMinute | None = None


class Budget(EndpointBudget):
    """Bounds with nothing left open."""

    concurrency: Concurrency
    requests_per_second: RequestsPerSecond
    bytes_per_minute: BytesPerMinute

    def with_own(self, own: EndpointBudget | None) -> Budget:
        """This budget, with what an endpoint's own says instead."""
        return self if own is None else self.model_copy(update=own.model_dump(exclude_none=True))
