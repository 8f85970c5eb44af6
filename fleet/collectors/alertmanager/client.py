"""A client of Alertmanager's API v2, on top of the shared transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fleet.collectors.alertmanager.answers import decode_alerts, decode_groups, decode_silences
from fleet.collectors.transport import HttpTransport, TransportLimits
from fleet.collectors.transport.api_client import ApiClient
from fleet.collectors.transport.governor import Governor
from fleet.credentials import CredentialSource
from fleet.frames.alerts import Alert, AlertGroup, Silence
from fleet.inventory.cluster import Endpoint

# Alertmanager takes what it cannot read for false: all four are always said.
_ALL = [("active", "true"), ("silenced", "true"), ("inhibited", "true"), ("unprocessed", "true")]
_Decoded = TypeVar("_Decoded")


class AlertmanagerClient(ApiClient):
    """One endpoint's API; threads may share it. A context manager.

    The API has no pages: an answer holds all there is, up to the limits' bytes. All methods raise kinds of SourceError,
    and what the credential source and the governor raise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialSource | None = None,
        limits: TransportLimits | None = None,
        *,
        governor: Governor | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._transport = HttpTransport(endpoint, credentials, limits, governor=governor)

    def alerts(self) -> list[Alert]:
        """All alerts that are there now, silenced and inhibited ones too."""
        return self._get("/api/v2/alerts", _ALL, decode_alerts)

    def silences(self) -> list[Silence]:
        """All silences, with those that expired lately."""
        return self._get("/api/v2/silences", [], decode_silences)

    def groups(self) -> list[AlertGroup]:
        """How alerts are grouped for their receivers."""
        return self._get("/api/v2/alerts/groups", [each for each in _ALL if each[0] != "unprocessed"], decode_groups)

    def _get(self, path: str, form: list[tuple[str, str]], decode: Callable[[bytearray, str], _Decoded]) -> _Decoded:
        with self._transport.answer(path, form, post=False) as answer:
            return decode(answer.body, self.endpoint.url)
