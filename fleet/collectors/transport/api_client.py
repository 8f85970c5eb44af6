"""What the clients of all APIs over HTTP have alike."""

from __future__ import annotations

from fleet.collectors.transport.closing import Closing
from fleet.collectors.transport.http import HttpTransport


class ApiClient(Closing):
    """A client of one API, over a transport of its own."""

    _transport: HttpTransport

    def close(self) -> None:
        """Close all connections; requests under way in other threads end with an error."""
        self._transport.close()
