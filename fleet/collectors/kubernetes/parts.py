"""Reading the parts of one cluster: what fails becomes a gap, and a cluster that answers nothing is given up early."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from fleet.collectors.kubernetes.answers import NotServed
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.collectors.kubernetes.listing import Kind, Listing, ObjectT, read_list
from fleet.errors import (
    AnswerTruncated,
    Forbidden,
    SourceError,
    SourceTimeout,
    TlsFailed,
    Unauthorized,
    Unreachable,
    WrongService,
)
from fleet.inventory.inventory import Gap

ItemT = TypeVar("ItemT")
FormT = TypeVar("FormT", bound=msgspec.Struct)

_HOPELESS = (Unreachable, TlsFailed, Unauthorized)
_TIMEOUTS_IN_VAIN = 2


class Parts:
    """Reads parts and remembers which could not be read.

    Attributes:
        gaps: one for each part that is not whole.
        read: whether anything at all was read.
        first_error: the first failure, or None.
    """

    def __init__(self, client: KubernetesClient) -> None:
        self.gaps: list[Gap] = []
        self.read = False
        self.first_error: SourceError | None = None
        self._client = client
        self._timeouts = 0

    def get(self, part: str, path: str, form: type[FormT]) -> FormT | SourceError:
        """One object, or the failure that made the part a gap.

        Raises:
            fleet.errors.SourceError: nothing was read so far, and nothing will be.
        """
        try:
            answer = msgspec.json.decode(self._client.get(path), type=form)
        except SourceError as error:
            failure = self._foreign(path) if isinstance(error, NotServed) else error
            return self._failed(part, failure, f"get on the path {path}")
        except msgspec.DecodeError:
            return self._failed(part, self._half(path), "")
        self.read = True
        return answer

    def list(
        self, kind: Kind[ObjectT], take: Callable[[ObjectT], ItemT | None], at_most: int | None = None
    ) -> list[ItemT]:
        """What could be read of a kind; the rest is a gap. A group that the cluster does not serve is empty, no gap.

        Raises:
            fleet.errors.SourceError: nothing was read so far, and nothing will be.
        """
        listing: Listing[ItemT] = read_list(self._client, kind, take, at_most)
        if listing.error is None and not listing.absent:
            self.read = True
        if listing.absent and not kind.group:
            listing.error = self._foreign(kind.path)
        if listing.error is not None:
            group = f"API group {kind.group}" if kind.group else "core API group"
            self._failed(kind.part, listing.error, f"list on {kind.part} ({group}) in the whole cluster")
        if listing.unreadable:
            self.gaps.append(Gap(part=kind.part, reason=f"{listing.unreadable} of them could not be understood"))
        if listing.cut_at is not None:
            self.gaps.append(Gap(part=kind.part, reason=f"only the first {listing.cut_at} were read; there are more"))
        return listing.items

    def _failed(self, part: str, error: SourceError, right: str) -> SourceError:
        self.first_error = self.first_error or error
        self._timeouts += isinstance(error, SourceTimeout)
        if not self.read and (isinstance(error, _HOPELESS) or self._timeouts >= _TIMEOUTS_IN_VAIN):
            raise error
        reason = f"missing right: {right}" if isinstance(error, Forbidden) else error.message
        self.gaps.append(Gap(part=part, reason=reason))
        return error

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
