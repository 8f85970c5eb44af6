"""The PostgreSQL database: connections, transactions, migrations, and its failures in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from fleet.errors import StoreError, StoreUnavailable, UsageError

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 60
POOL_SIZE = 4
POOL_OVERFLOW = 8

PASSING_CLASSES = ("08", "40", "53", "57P", "55P03", "57014", "25P03")
"""SQLSTATE prefixes of what may pass by itself: connection lost, deadlock, out of resources, shut down, timed out
(https://www.postgresql.org/docs/18/errcodes-appendix.html)."""
LACKS_RIGHT = "42501"
REFUSED_CONNECTIONS = {
    "password authentication failed": "Check the database user and password.",
    "no password supplied": "Give the database password.",
    "no pg_hba.conf entry": "The server's pg_hba.conf does not let this user in from here.",
    "does not exist": "Create the database and its user there, or correct the address.",
}
"""The server's reasons for not letting us in, which no retry changes. Read from the message, since libpq hands out no
SQLSTATE while it connects; a server that says them in another language counts as not reachable just now."""


class Database:
    """A PostgreSQL database; safe to share between threads. Connections are made when first needed.

    Args:
        dsn: ``postgresql://user@host:port/database``, options as its query string; never with a password.
        password: the user's password; it is handed to the driver alone and stands in no URL, message or repr.
        application_name: how the server's own views name these connections.

    Raises:
        UsageError: the DSN is none, is of another database, or carries a password.
    """

    def __init__(self, dsn: str, password: SecretStr | None = None, *, application_name: str = "fleetscope") -> None:
        self._url = _checked_url(dsn)
        self._password = password
        self._application_name = application_name

    def __repr__(self) -> str:
        return f"Database({self.address!r})"

    @property
    def address(self) -> str:
        """Host, port and database, as messages show them."""
        return f"{self._url.host or 'local socket'}:{self._url.port or 5432}/{self._url.database or ''}"

    @cached_property
    def engine(self) -> Engine:
        """The pool of connections."""
        engine = create_engine(
            self._url,
            pool_pre_ping=True,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_SECONDS,
                "application_name": self._application_name,
                "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s",
                # A host that vanished without a word is noticed after about half a minute.
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 30_000,
            },
        )
        event.listen(engine, "do_connect", self._give_password)
        return engine

    def _give_password(self, dialect: object, record: object, arguments: object, options: dict[str, Any]) -> None:
        if self._password is not None:
            options["password"] = self._password.get_secret_value()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back when anything is raised.

        Raises:
            StoreUnavailable: the database cannot be reached just now, or dropped the connection.
            StoreError: it refused the user or the statement.
        """
        with self._explained(), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def statements(self) -> Iterator[Connection]:
        """A connection whose statements are transactions of their own: for those that are one each.

        Raises:
            StoreUnavailable: the database cannot be reached just now, or dropped the connection.
            StoreError: it refused the user or the statement.
        """
        with self._explained(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def migrate(self) -> None:
        """Bring the tables to this version's form; several processes may call it at once.

        All migrations run in one transaction under an advisory lock: a killed one leaves nothing behind.

        Raises:
            StoreUnavailable: the database cannot be reached just now.
            StoreError: it refused the user or a statement.
        """
        with self._explained(), self.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('fleetscope:migrate', 0))"))
            config = Config()
            config.set_main_option("script_location", "storage:migrations")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def check(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            StoreUnavailable: the database cannot be reached just now.
            StoreError: it refused the user.
        """
        with self.session() as session:
            session.connection().execute(text("SELECT 1"))

    def now(self) -> datetime:
        """The server's time: the one clock that all hosts share.

        Raises:
            StoreUnavailable: the database cannot be reached just now.
            StoreError: it refused the user.
        """
        with self.session() as session:
            time: datetime = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
        return time.astimezone(UTC)

    def close(self) -> None:
        """Close the pooled connections; the next use opens new ones."""
        self.engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as failure:
            raise StoreUnavailable(
                f"All {POOL_SIZE + POOL_OVERFLOW} connections to PostgreSQL at {self.address} are in use.",
                hint="Run fewer tasks at once in this process.",
            ) from failure
        except DBAPIError as failure:
            # Not chained: the driver's exception holds the connection's options, and among them the password.
            raise self._explain(failure) from None
        except StatementError as failure:
            # Raised before anything was sent: a value that the database must not hold (a naive time).
            raise StoreError(f"Refused to store a value in PostgreSQL: {failure.orig}.") from failure

    def _explain(self, failure: DBAPIError) -> StoreError:
        sqlstate = getattr(failure.orig, "sqlstate", None) or ""
        said = (str(failure.orig).strip().splitlines() or [type(failure.orig).__name__])[0]
        if not sqlstate:
            for reason, hint in REFUSED_CONNECTIONS.items():
                if reason in said:
                    return StoreError(f"PostgreSQL at {self.address} let nobody in: {said}.", hint=hint)
        if isinstance(failure, OperationalError | InterfaceError) and not sqlstate:
            return self._unavailable(said)
        if failure.connection_invalidated or sqlstate.startswith(PASSING_CLASSES):
            return self._unavailable(said)
        hint = "The user lacks a right on the tables." if sqlstate == LACKS_RIGHT else ""
        return StoreError(f"PostgreSQL at {self.address} refused a statement: {said}.", hint=hint)

    def _unavailable(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"PostgreSQL at {self.address} cannot be reached just now: {why}.",
            hint="Check that it runs (`fleetscope status`) and that FLEETSCOPE_* names the right address.",
        )


def lock_cluster(session: Session, purpose: str, cluster_id: str) -> None:
    """Let one transaction at a time work on a cluster's rows of one kind; the lock ends with the transaction.

    Args:
        session: an open transaction.
        purpose: which rows (``findings``, ``incidents``).
        cluster_id: whose rows.
    """
    session.connection().execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"fleetscope:{purpose}:{cluster_id}"},
    )


def _checked_url(dsn: str) -> URL:
    try:
        url = make_url(dsn)
    except (ArgumentError, ValueError):
        # The text is not repeated: it may hold what should not be there.
        raise UsageError("The database address is not of the form postgresql://user@host:port/database.") from None
    if url.get_backend_name() != "postgresql":
        raise UsageError(f"The database must be PostgreSQL, not {url.get_backend_name()}.")
    if url.password is not None or "password" in url.query:
        raise UsageError("The database address carries a password.", hint="Give the password in its own setting.")
    return url.set(drivername="postgresql+psycopg")
