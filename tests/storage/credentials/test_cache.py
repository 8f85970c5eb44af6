"""How long a credential is remembered, and when it is not."""

from __future__ import annotations

from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from storage.credentials.cache import CACHE_SECONDS, CredentialCache
from tests.contracts.credential_homes import Clock

REF = "clusters/shop-eu"


def token(value: str) -> ClusterCredential:
    return ClusterCredential(default=Credential(token=SecretStr(value)))


def test_what_was_read_before_a_write_ended_does_not_hide_it() -> None:
    """A reader asks the store, another thread writes, and only then does the reader have its answer."""
    cache = CredentialCache(Clock())

    def slow_read() -> ClusterCredential:
        cache.forget(REF)
        return token("old")

    assert cache.get(REF, slow_read) == token("old")
    assert cache.get(REF, lambda: token("new")) == token("new")


def test_a_slow_answer_is_as_old_as_its_question() -> None:
    clock = Clock()
    cache = CredentialCache(clock)

    def slow_read() -> ClusterCredential:
        clock.now += 50
        return token("old")

    cache.get(REF, slow_read)
    clock.now += CACHE_SECONDS - 51
    assert cache.get(REF, lambda: token("new")) == token("old")
    clock.now += 1
    assert cache.get(REF, lambda: token("new")) == token("new")


def test_secrets_that_nobody_asks_for_do_not_stay_in_memory() -> None:
    clock = Clock()
    cache = CredentialCache(clock)
    for number in range(5):
        cache.get(f"clusters/c{number}", lambda: token("any"))
    assert repr(cache) == "CredentialCache(5 references)"
    clock.now += CACHE_SECONDS
    cache.get(REF, lambda: token("any"))
    assert repr(cache) == "CredentialCache(1 references)"
