"""Which parts a stack has under given settings, and where everything is."""

from __future__ import annotations

from typing import TypeVar

from deployments.addresses import Addresses
from deployments.embedded.openbao import OpenBaoPart
from deployments.embedded.part import Part
from deployments.embedded.postgres import PostgresPart
from deployments.embedded.prefect_server import PrefectPart
from deployments.embedded.s3 import S3Part
from deployments.embedded.state import StateDirectory
from deployments.embedded.worker import WorkerPart
from deployments.settings import Settings

#: Servers of fleetscope's own data, and all there can be.
STORE_NAMES = frozenset({"postgres", "s3", "openbao"})
PART_NAMES = STORE_NAMES | {"prefect", "worker"}

_Part = TypeVar("_Part", bound=Part)


class Stack:
    """The parts of one stack. Constructing it starts nothing; it chooses ports and generates secrets.

    A part is embedded unless a setting names a service in its place. The embedded Prefect server keeps its own
    database in the embedded PostgreSQL even where fleetscope's database is elsewhere.

    Raises:
        StackError: the state directory cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state = state = StateDirectory(settings.state_dir)
        replaced = settings.prefect()
        needs_postgres = settings.postgres() is None or replaced is None
        self._postgres = PostgresPart(state, settings.postgres_port) if needs_postgres else None
        self._s3 = S3Part(state, settings.s3_port) if settings.s3() is None else None
        self._openbao = OpenBaoPart(state, settings.openbao_port) if settings.credentials() is None else None
        self._prefect = (
            PrefectPart(state, self._postgres.database("prefect"), settings.prefect_port)
            if replaced is None and self._postgres is not None
            else None
        )
        self._worker = WorkerPart(state, self.addresses, settings.deployments_module)

    def parts(self) -> list[Part]:
        """The embedded parts in the order of their start."""
        # PostgreSQL and Prefect make the longest chain, so that they come first.
        parts = (self._postgres, self._prefect, self._s3, self._openbao, self._worker)
        return [part for part in parts if part is not None]

    def needs(self, part: Part) -> list[str]:
        """Names of the parts that must be up before this one is started.

        The worker is not made to wait for the Prefect server: it loads its code while the server starts.
        """
        wanted = {"prefect": ("postgres",), "worker": ("postgres", "s3", "openbao")}.get(part.name, ())
        present = {other.name for other in self.parts()}
        return [name for name in wanted if name in present]

    def addresses(self) -> Addresses:
        """Where everything is. OpenBao's token exists only after its first start.

        Raises:
            StackError: the stack has never been started.
        """
        settings = self.settings
        postgres = settings.postgres() or _required(self._postgres).database("fleetscope")
        return Addresses(
            postgres=postgres,
            s3=settings.s3() or _required(self._s3).store,
            credentials=settings.credentials() or _required(self._openbao).vault,
            prefect=settings.prefect() or _required(self._prefect).api,
            state_directory=self.state.root,
        )


def _required(part: _Part | None) -> _Part:
    """A part that is there whenever no setting replaces it."""
    assert part is not None  # noqa: S101 - the constructor's own rule
    return part
