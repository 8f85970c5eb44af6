"""The Prefect server (API and UI) on the embedded PostgreSQL, behind basic auth."""

from __future__ import annotations

import base64
import http.client
import secrets
import signal
import sys
from importlib.metadata import version
from typing import ClassVar
from urllib.parse import quote

from deployments.addresses import PostgresAddress, PrefectAddress
from deployments.embedded.part import Part
from deployments.embedded.state import StateDirectory

_PROBE_SECONDS = 2.0
# Where people look for Prefect's UI; taken when it is free at the first start.
_USUAL_PORT = 4200
_ENGINE = "postgresql+asyncpg"
_RUN_RETENTION_DAYS = 30
_DAY_SECONDS = 86_400


class PrefectPart(Part):
    """Serves Prefect's API under ``/api`` and its UI beside it."""

    name: ClassVar[str] = "prefect"
    # It holds nothing that PostgreSQL does not: when its supervisor is gone there is nothing to wait for.
    death_signal: ClassVar[signal.Signals] = signal.SIGKILL
    stop_seconds: ClassVar[float] = 10.0
    start_seconds: ClassVar[float] = 120.0

    def __init__(self, state: StateDirectory, database: PostgresAddress, port: int | None = None) -> None:
        super().__init__(state)
        self.port = state.ports({"prefect": port}, usual={"prefect": _USUAL_PORT})["prefect"]
        self._database = database

    @property
    def address(self) -> str:
        """See ``Part``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ports(self) -> dict[str, int]:
        """See ``Part``."""
        return {"prefect": self.port}

    @property
    def version(self) -> str:
        """See ``Part``."""
        return version("prefect")

    @property
    def api(self) -> PrefectAddress:
        """The server as clients need it."""
        auth_file = self.state.secret_file("prefect-auth", lambda: f"fleetscope:{secrets.token_urlsafe(24)}")
        return PrefectAddress(
            api_url=f"{self.address}/api", auth=auth_file.read_text(encoding="utf-8"), auth_file=auth_file
        )

    def prepare(self) -> None:
        """Make Prefect's home."""
        (self.state.root / "prefect").mkdir(mode=0o700, exist_ok=True)

    def command(self) -> list[str]:
        """See ``Part``: the application in this process' own uvicorn, as ``prefect server start`` has it."""
        return [
            sys.executable,
            "-m",
            "uvicorn",
            "--factory",
            "prefect.server.api.server:create_app",
            "--host=127.0.0.1",
            f"--port={self.port}",
            "--timeout-keep-alive=5",
            "--timeout-graceful-shutdown=3",
            "--log-level=warning",
            "--no-access-log",
        ]

    def environment(self) -> dict[str, str]:
        """See ``Part``."""
        url = self._database.dsn.replace(
            "postgresql://prefect@", f"{_ENGINE}://prefect:{quote(self._database.password)}@"
        )
        return {
            "PREFECT_HOME": str(self.state.root / "prefect"),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": url,
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_API_AUTH_STRING": self.api.auth,
            "PREFECT_API_AUTH_STRING": self.api.auth,
            "PREFECT_SERVER_UI_API_URL": f"{self.address}/api",
            # The newer UI asks a third party's server whenever it is opened, analytics switched off or not.
            "PREFECT_SERVER_UI_V2_ENABLED": "false",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
            # A killed server must not forget who holds a deployment's slot.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            # How soon a queued run looks again for a free slot (Prefect's own default is 30 s).
            "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "4",
            # Runs and their logs go after a month; events after a week, which is Prefect's own default.
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(_RUN_RETENTION_DAYS * _DAY_SECONDS),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }

    def is_ready(self) -> bool:
        """See ``Part``: asks with the password, so that another's server on this port is not taken for ours."""
        token = base64.b64encode(self.api.auth.encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PROBE_SECONDS)
        try:
            connection.request("GET", "/api/admin/version", headers={"Authorization": f"Basic {token}"})
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
