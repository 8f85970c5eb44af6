"""One login at Vault that all threads of a process share, kept alive for as long as it is used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from threading import Lock
from typing import TypeVar

import hvac
from hvac.exceptions import Forbidden, Unauthorized
from pydantic import SecretStr

from fleet.errors import StoreError
from storage.credentials.vault_login import VaultLogin, VaultToken, issued
from storage.credentials.vault_server import Answered, Failure, VaultServer

# A token is renewed when this part of its life is left, so that a server that is away for a while costs nothing.
_LEFT = 1 / 3
# Answers count whole seconds: less is no gain.
_GAIN_SECONDS = 1.0

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Held:
    """The token in use; times are the clock's, in seconds."""

    token: SecretStr
    renewable: bool
    expires_at: float = inf
    act_at: float = inf

    @classmethod
    def from_now(cls, token: VaultToken, now: float) -> _Held:
        if token.lifetime_seconds is None:
            return cls(token.value, renewable=False)
        expires_at = now + token.lifetime_seconds
        return cls(token.value, token.renewable, expires_at, expires_at - token.granted_seconds * _LEFT)


class VaultSession:
    """Asks a server with a token that is logged in for, renewed, and replaced as it has to be.

    Args:
        server: whom to ask.
        login: how to come by a token.
        clock: monotonic seconds.
    """

    def __init__(self, server: VaultServer, login: VaultLogin, clock: Callable[[], float] = time.monotonic) -> None:
        self.server = server
        self._login = login
        self._clock = clock
        self._lock = Lock()
        self._held: _Held | None = None

    def ask(self, question: Callable[[hvac.Client], T], path: str) -> Answered[T] | Failure:
        """Put a question; a token that turns out to have ended is replaced, once.

        Returns:
            What the server gave; or its failure, other than a refusal of access.

        Raises:
            StoreError: access to ``path`` is refused, or there is no way to log in.
            StoreUnavailable: the server cannot be reached, or is sealed, when logging in.
        """
        token = self._token()
        answer = self.server.ask(question, token)
        if not isinstance(answer, Forbidden | Unauthorized):
            return answer
        if self._is_valid(token):
            raise self._not_covered(path)
        fresh = self._replaced(token)
        if fresh == token:
            raise StoreError(
                f"{self.server.place} does not accept the token any more: it is expired, revoked or not its own.",
                hint=self._login.remedy,
            )
        answer = self.server.ask(question, fresh)
        if isinstance(answer, Forbidden | Unauthorized):
            raise self._not_covered(path)
        return answer

    def ask_once(self, question: Callable[[hvac.Client], T]) -> Answered[T] | Failure:
        """Put a question whose refusal does not matter.

        Raises:
            StoreError: there is no way to log in.
            StoreUnavailable: the server cannot be reached, or is sealed, when logging in.
        """
        return self.server.ask(question, self._token())

    def _not_covered(self, path: str) -> StoreError:
        return StoreError(
            f"{self.server.place} refused access to {path}: the token is valid, and no policy of it covers this.",
            hint="Give its policy create, read and update on MOUNT/data/clusters/*, read and delete on "
            "MOUNT/metadata/clusters/*; or correct FLEETSCOPE_VAULT_MOUNT and FLEETSCOPE_VAULT_NAMESPACE.",
        )

    def _is_valid(self, token: SecretStr) -> bool:
        """Whether the server still knows the token: a 403 alone says neither that nor the opposite."""
        found = self.server.ask(lambda client: client.auth.token.lookup_self(), token)
        if isinstance(found, Answered):
            return True
        if isinstance(found, Forbidden | Unauthorized):
            return False
        raise self.server.unavailable(found)

    def _token(self) -> SecretStr:
        held = self._held
        if held is not None and self._stands(held):
            if self._clock() < held.act_at:
                return held.token
            # While it is still good, one thread sees to its renewal and the others go on.
            if self._clock() < held.expires_at and self._lock.locked():
                return held.token
        with self._lock:
            self._held = self._kept_alive()
            return self._held.token

    def _stands(self, held: _Held) -> bool:
        return self._login.stands_by(held.token)

    def _kept_alive(self) -> _Held:
        """The token to use now: as it is, renewed, or a new one. The lock is held."""
        held, now = self._held, self._clock()
        if held is None or not self._stands(held) or now >= held.expires_at:
            return self._logged_in()
        if now >= held.act_at:
            return self._renewed(held) or self._logged_in_early(held)
        return held

    def _logged_in(self) -> _Held:
        now = self._clock()
        return _Held.from_now(self._login.log_in(self.server), now)

    def _renewed(self, held: _Held) -> _Held | None:
        """The token with a longer life; None when renewing does not help (any more)."""
        if not held.renewable:
            return None
        now = self._clock()
        found = self.server.ask(lambda client: client.auth.token.renew_self(), held.token)
        if not isinstance(found, Answered):
            return None
        longer = _Held.from_now(issued(self.server.part(found, "auth")), now)
        return longer if longer.expires_at >= held.expires_at + _GAIN_SECONDS else None

    def _logged_in_early(self, held: _Held) -> _Held:
        """A new token before the old one ends; the old one for as long as there is no other."""
        now = self._clock()
        try:
            fresh = self._logged_in()
        except StoreError as failure:
            _log.warning("%s The token in use lasts for %.0f s.", failure, held.expires_at - now)
            return replace(held, act_at=now + (held.expires_at - now) * _LEFT)
        if fresh.token != held.token:
            return fresh
        _log.warning(
            "%s: the token ends in %.0f s and cannot be renewed. %s",
            self.server.place,
            held.expires_at - now,
            self._login.remedy,
        )
        return replace(held, act_at=held.expires_at)

    def _replaced(self, refused: SecretStr) -> SecretStr:
        """Another token than the refused one: that of the thread that was faster, or from a login."""
        with self._lock:
            if self._held is None or self._held.token == refused:
                self._held = self._logged_in()
            return self._held.token
