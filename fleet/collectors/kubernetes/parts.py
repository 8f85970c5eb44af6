"""Reading the parts of one cluster, several at a time: what fails is a gap; a cluster that answers nothing is given up.

Lists start in the order in which they are begun and are taken in the order in which they are asked for, so that an
inventory's gaps do not depend on which came first.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec

from fleet.collectors.kubernetes.answers import NotServed
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.collectors.kubernetes.groups import GroupList, ServedGroups
from fleet.collectors.kubernetes.kinds import BUILT_IN, Kind
from fleet.collectors.kubernetes.listing import ItemT, Listing, ObjectT, Reading, read_list
from fleet.collectors.transport.decoding import decoder_of
from fleet.errors import (
    AnswerTruncated,
    Forbidden,
    HeldBack,
    SourceError,
    SourceTimeout,
    TlsFailed,
    Unauthorized,
    Unreachable,
    WrongService,
)
from fleet.inventory.inventory import Gap

FormT = TypeVar("FormT", bound=msgspec.Struct)
ReadT = TypeVar("ReadT")

_HOPELESS = (Unreachable, TlsFailed, Unauthorized, HeldBack)
_TIMEOUTS_IN_VAIN = 2


@dataclass(frozen=True)
class Pending(Generic[ItemT]):
    """A list that is being read; None where the cluster does not have its group."""

    kind: Kind
    future: Future[Listing[ItemT]] | None


class Parts:
    """Reads parts and remembers which could not be read. A context manager, which calls off what was not taken.

    Attributes:
        gaps: one for each part that is not whole.
        absent: plural names of the kinds that the cluster does not have.
        counts: how many objects were kept, by plural name.
        groups: what the cluster serves; None where that could not be read.
        read: whether anything at all was read.
        first_error: the first failure, or None.
    """

    def __init__(self, client: KubernetesClient) -> None:
        self.gaps: list[Gap] = []
        self.absent: set[str] = set()
        self.counts: dict[str, int] = {}
        self.groups: ServedGroups | None = None
        self.read = False
        self.first_error: SourceError | None = None
        self._client = client
        self._timeouts = 0
        self._threads = ThreadPoolExecutor(client.limits.connections, thread_name_prefix="kubernetes")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def read_groups(self) -> None:
        """Read which groups there are: before any list is begun.

        Raises:
            fleet.errors.SourceError: nothing was read so far, and nothing will be.
        """
        answer = self.get("capabilities", "/apis", GroupList)
        self.groups = ServedGroups.of(answer) if answer is not None else None

    def get(self, part: str, path: str, form: type[FormT]) -> FormT | None:
        """One object, or None, where the part is now a gap.

        Raises:
            fleet.errors.SourceError: nothing was read so far, and nothing will be.
        """
        try:
            answer = decoder_of(form).decode(self._client.get(path))
        except SourceError as error:
            failure = self._foreign(path) if isinstance(error, NotServed) else error
            self._failed(part, failure, f"get on the path {path}")
            return None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._failed(part, self._half(path), "")
            return None
        self.read = True
        return answer

    def begin(self, reading: Reading[ObjectT, ItemT]) -> Pending[ItemT]:
        """Have a list read beside others. A group that the cluster does not serve is not asked for."""
        version = self._version_of(reading.kind)
        if version is None:
            return Pending(reading.kind, None)
        return Pending(reading.kind, self._threads.submit(read_list, self._client, version, reading))

    def beside(self, read: Callable[[KubernetesClient], ReadT]) -> Future[ReadT]:
        """Have something read beside the lists, by who says itself what could not be."""
        return self._threads.submit(read, self._client)

    def take(self, pending: Pending[ItemT]) -> list[ItemT]:
        """What could be read of a list; the rest is a gap. What the cluster does not have is empty, and no gap.

        Raises:
            fleet.errors.SourceError: nothing was read so far, and nothing will be.
            fleet.errors.StoreError: the credential could not be had anew.
        """
        kind = pending.kind
        if pending.future is None:
            # Without the list of groups nobody knows whether a kind is missing or merely not allowed.
            if self.groups is not None:
                self.absent.add(kind.plural)
            return []
        listing = pending.future.result()
        self._note(kind, listing)
        self.counts[kind.plural] = self.counts.get(kind.plural, 0) + len(listing.items)
        return listing.items

    def whole(self, *kinds: Kind) -> bool:
        """Whether lists that were taken have no gap: of what is missing the youngest is not known either."""
        plurals = {kind.plural for kind in kinds}
        return all(gap.part not in plurals for gap in self.gaps)

    def _version_of(self, kind: Kind) -> str | None:
        if self.groups is not None:
            return self.groups.version_of(kind)
        return kind.versions[0] if kind in BUILT_IN else None

    def _note(self, kind: Kind, listing: Listing[ItemT]) -> None:
        if listing.error is None and not listing.absent:
            self.read = True
        if listing.absent and not kind.group:
            listing.error = self._foreign(kind.path(kind.versions[0]))
        elif listing.absent:
            self.absent.add(kind.plural)
        if listing.error is not None:
            self._failed(kind.plural, listing.error, f"{kind.right} in the whole cluster")
        if listing.unreadable:
            self.gap(kind.plural, f"{listing.unreadable} of them could not be understood")
        if listing.cut_at is not None:
            self.gap(kind.plural, f"only the first {listing.cut_at} were read; there are more")

    def gap(self, part: str, reason: str) -> None:
        """Note why a part is not whole."""
        gap = Gap(part=part, reason=reason)
        if gap not in self.gaps:
            self.gaps.append(gap)

    def _failed(self, part: str, error: SourceError, right: str) -> None:
        self.first_error = self.first_error or error
        self._timeouts += isinstance(error, SourceTimeout)
        if not self.read and (isinstance(error, _HOPELESS) or self._timeouts >= _TIMEOUTS_IN_VAIN):
            raise error
        self.gap(part, f"missing right: {right}" if isinstance(error, Forbidden) else error.message)

    def _foreign(self, path: str) -> SourceError:
        url = self._client.endpoint.url
        return WrongService(
            f"{url}{path} does not exist, which every Kubernetes API has.",
            endpoint=url,
            hint="Check the address of the Kubernetes API.",
        )

    def _half(self, path: str) -> SourceError:
        url = self._client.endpoint.url
        return AnswerTruncated(f"{url}{path} did not send a whole answer.", endpoint=url)
