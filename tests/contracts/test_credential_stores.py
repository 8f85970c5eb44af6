"""What every home of credentials does alike: one suite, run on Vault's KV v2 and on Kubernetes Secrets."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from fleet.credentials import ClusterCredential, Credential
from fleet.errors import CredentialConflict, CredentialMissing, UsageError
from storage.credentials.cache import CACHE_SECONDS
from storage.credentials.store import CredentialStore, StoredVersion
from tests.contracts.credential_homes import Clock, Home
from tests.showing import shown

CANARY = "canary-6c1f0e"
WRITERS = 6


@pytest.fixture(params=["vault", pytest.param("kubernetes", marks=pytest.mark.needs("write"))])
def home(request: pytest.FixtureRequest) -> Home:
    home: Home = request.getfixturevalue(f"{request.param}_home")
    return home


@pytest.fixture
def store(home: Home) -> CredentialStore:
    return home.open()


@pytest.fixture
def ref(store: CredentialStore) -> Iterator[str]:
    ref = f"clusters/contract-{uuid.uuid4().hex[:12]}"
    yield ref
    store.delete(ref)


def token(value: str) -> ClusterCredential:
    return ClusterCredential(default=Credential(token=SecretStr(value)))


@pytest.mark.parametrize(
    "credential",
    [
        token("a-token"),
        ClusterCredential(default=Credential(username="reader", password=SecretStr("pässwörd \n:"))),
        ClusterCredential(
            default=Credential(
                client_cert_pem="-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
                client_key_pem=SecretStr("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n"),
            )
        ),
        ClusterCredential(
            default=Credential(token=SecretStr("default")),
            endpoints={
                "loki": Credential(token=SecretStr("of-loki")),
                "tempo": Credential(username="reader", password=SecretStr("of-tempo")),
            },
        ),
        ClusterCredential(endpoints={"prometheus": Credential(token=SecretStr("x" * 20_000))}),
    ],
    ids=["token", "basic", "certificate", "endpoints", "large"],
)
def test_every_kind_of_credential_comes_back(home: Home, ref: str, credential: ClusterCredential) -> None:
    home.open().put(ref, credential)
    assert home.open().get(ref) == credential


def test_where_nothing_is_nothing_is_found(store: CredentialStore, ref: str) -> None:
    with pytest.raises(CredentialMissing, match=ref.removeprefix("clusters/")) as missing:
        store.get(ref)
    assert not missing.value.retriable
    assert missing.value.hint
    assert store.version(ref) is None
    store.delete(ref)


def test_versions_are_counted(store: CredentialStore, ref: str) -> None:
    before = datetime.now(UTC) - timedelta(minutes=5)
    first = store.put(ref, token("one"))
    assert first.number == 1
    assert before < first.created_at < datetime.now(UTC) + timedelta(minutes=5)
    assert store.version(ref) == first
    second = store.put(ref, token("two"))
    assert second.number == 2
    assert second.created_at >= first.created_at
    assert store.version(ref) == second


def test_only_the_version_that_is_named_is_replaced(store: CredentialStore, ref: str) -> None:
    with pytest.raises(CredentialConflict):
        store.put(ref, token("too-early"), replaces=1)
    assert store.version(ref) is None
    assert store.put(ref, token("one"), replaces=0).number == 1
    with pytest.raises(CredentialConflict):
        store.put(ref, token("again"), replaces=0)
    assert store.put(ref, token("two"), replaces=1).number == 2
    with pytest.raises(CredentialConflict) as late:
        store.put(ref, token(CANARY), replaces=1)
    assert CANARY not in shown(late.value)
    assert store.get(ref) == token("two")
    assert store.put(ref, token("three")).number == 3


def test_of_several_that_replace_a_version_one_wins(home: Home, ref: str) -> None:
    home.open().put(ref, token("start"))
    begin = threading.Barrier(WRITERS)

    def replace(writer: int) -> StoredVersion | None:
        store = home.open()
        store.version(ref)
        begin.wait()
        try:
            return store.put(ref, token(f"writer-{writer}"), replaces=1)
        except CredentialConflict:
            return None

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = list(pool.map(replace, range(WRITERS)))
    [winner] = [writer for writer, version in enumerate(outcomes) if version]
    assert home.open().get(ref) == token(f"writer-{winner}")
    assert home.open().version(ref) == outcomes[winner]


def test_of_several_that_write_the_first_version_one_wins(home: Home, ref: str) -> None:
    def write(writer: int) -> StoredVersion | None:
        try:
            return home.open().put(ref, token(f"writer-{writer}"), replaces=0)
        except CredentialConflict:
            return None

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = list(pool.map(write, range(WRITERS)))
    [winner] = [writer for writer, version in enumerate(outcomes) if version]
    assert home.open().get(ref) == token(f"writer-{winner}")


def test_those_who_replace_whatever_there_is_all_do(home: Home, store: CredentialStore, ref: str) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        versions = list(pool.map(lambda writer: store.put(ref, token(f"writer-{writer}")), range(WRITERS)))
    assert sorted(version.number for version in versions) == list(range(1, WRITERS + 1))
    last = next(writer for writer, version in enumerate(versions) if version.number == WRITERS)
    assert home.open().get(ref) == token(f"writer-{last}")


def test_what_is_deleted_is_gone_and_may_be_written_again(store: CredentialStore, ref: str) -> None:
    store.put(ref, token("one"))
    store.put(ref, token("two"))
    assert store.get(ref) == token("two")
    store.delete(ref)
    store.delete(ref)
    assert store.version(ref) is None
    with pytest.raises(CredentialMissing):
        store.get(ref)
    assert store.put(ref, token("anew"), replaces=0).number == 1
    assert store.get(ref) == token("anew")


def test_a_source_gives_what_its_endpoint_takes(store: CredentialStore, ref: str) -> None:
    own = Credential(username="reader", password=SecretStr("of-loki"))
    default = Credential(token=SecretStr("default"))
    store.put(ref, ClusterCredential(default=default, endpoints={"loki": own}))
    assert store.source(ref, "loki").credential() == own
    assert store.source(ref, "prometheus").credential() == default
    store.put(ref, ClusterCredential(endpoints={"loki": own}))
    assert store.source(ref, "prometheus").credential() is None


def test_another_process_sees_a_new_version_within_a_minute_or_when_it_asks(home: Home, ref: str) -> None:
    clock, writer = Clock(), home.open()
    source = home.open(clock).source(ref, "prometheus")
    writer.put(ref, token("first"))
    assert source.credential() == Credential(token=SecretStr("first"))
    writer.put(ref, token("second"))
    clock.now += CACHE_SECONDS - 1
    assert source.credential() == Credential(token=SecretStr("first"))
    clock.now += 1
    assert source.credential() == Credential(token=SecretStr("second"))
    writer.put(ref, token("third"))
    assert source.credential(refresh=True) == Credential(token=SecretStr("third"))
    assert source.credential() == Credential(token=SecretStr("third"))


def test_one_sees_what_one_wrote_at_once(store: CredentialStore, ref: str) -> None:
    store.put(ref, token("first"))
    assert store.get(ref) == token("first")
    store.put(ref, token("second"))
    assert store.get(ref) == token("second")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "shop",
        "../a",
        "clusters/a/../b",
        "clusters/",
        "clusters/A",
        "clusters/a/b",
        "clusters/a?version=1",
        "clusters/a#b",
        "clusters/-a",
        f"clusters/{64 * 'a'}",
        "clusters/a\n",
    ],
)
def test_references_that_could_mean_another_path_are_refused(store: CredentialStore, wrong: str) -> None:
    attempts: list[Callable[[str], object]] = [
        store.get,
        store.version,
        store.delete,
        lambda ref: store.put(ref, token(CANARY)),
        lambda ref: store.source(ref, "loki"),
    ]
    for attempt in attempts:
        with pytest.raises(UsageError) as refused:
            attempt(wrong)
        assert CANARY not in shown(refused.value)


def test_a_credential_that_holds_nothing_is_refused(store: CredentialStore, ref: str) -> None:
    with pytest.raises(UsageError, match="holds nothing"):
        store.put(ref, ClusterCredential())
    assert store.version(ref) is None


def test_nothing_that_is_printed_or_logged_holds_a_secret(
    home: Home, ref: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = home.open()
    store.put(ref, ClusterCredential(default=Credential(token=SecretStr(CANARY))))
    source = store.source(ref, "loki")
    found = source.credential()
    assert found is not None
    assert found.token is not None
    assert found.token.get_secret_value() == CANARY
    said = [repr(store), str(store), repr(source), repr(found), str(found), repr(store.get(ref)), caplog.text]
    assert all(CANARY not in each for each in said)
