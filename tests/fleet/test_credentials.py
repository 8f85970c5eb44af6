"""What a cluster's reference holds: its form in a store, and which endpoint takes what of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from fleet.credentials import ClusterCredential, Credential, GivenCredential
from fleet.inventory.cluster import EndpointKind
from tests.showing import shown

CANARY = "canary-1f60ad"
TEXT = st.text(max_size=30)
SECRET = TEXT.map(SecretStr)
CREDENTIALS = st.builds(
    Credential,
    token=st.none() | SECRET,
    username=st.none() | TEXT,
    password=st.none() | SECRET,
    client_cert_pem=st.none() | TEXT,
    client_key_pem=st.none() | SECRET,
).filter(lambda credential: bool(credential.fields()))
ENDPOINTS = st.dictionaries(st.sampled_from([kind.value for kind in EndpointKind]), CREDENTIALS, max_size=3)


@settings(deadline=None)
@given(default=st.none() | CREDENTIALS, endpoints=ENDPOINTS)
def test_what_a_store_keeps_comes_back(default: Credential | None, endpoints: dict[str, Credential]) -> None:
    credential = ClusterCredential(default=default, endpoints=endpoints)
    fields = credential.fields()
    if fields:
        assert ClusterCredential.from_fields(fields) == credential


def test_an_endpoint_takes_its_own_or_the_default() -> None:
    default, own = Credential(token=SecretStr("default")), Credential(username="reader", password=SecretStr("own"))
    credential = ClusterCredential(default=default, endpoints={"loki": own})
    assert credential.for_endpoint(EndpointKind.LOKI) == own
    assert credential.for_endpoint(EndpointKind.TEMPO) == default
    assert ClusterCredential(endpoints={"loki": own}).for_endpoint(EndpointKind.TEMPO) is None
    assert credential.fields() == {"token": "default", "loki.username": "reader", "loki.password": "own"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "holds nothing"),
        ({"token": [CANARY]}, "default.token"),
        ({"secret": CANARY}, "default.secret"),
        ({"loki.secret": CANARY}, "endpoints.loki.secret"),
        ({"loki.more.token": CANARY}, "a word in lower case"),
        ({".token": CANARY}, "a word in lower case"),
        ({"loki.": CANARY}, "endpoints.loki"),
    ],
)
def test_what_is_no_credential_is_refused_without_its_values(fields: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words) as wrong:
        ClusterCredential.from_fields(fields)
    assert CANARY not in shown(wrong.value)


@pytest.mark.parametrize("wrong", [{"default": Credential()}, {"endpoints": {"loki": Credential()}}])
def test_an_empty_credential_is_not_taken_for_none(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="holds nothing"):
        ClusterCredential.model_validate(wrong)


def test_nothing_that_is_printed_shows_a_secret() -> None:
    secret = Credential(token=SecretStr(CANARY), password=SecretStr(CANARY), client_key_pem=SecretStr(CANARY))
    for thing in (secret, ClusterCredential(default=secret, endpoints={"loki": secret}), GivenCredential(secret)):
        assert CANARY not in f"{thing} {thing!r}"
    assert CANARY not in ClusterCredential(default=secret).model_dump_json()
    assert GivenCredential(secret).credential(refresh=True) is secret


def test_a_key_that_came_with_its_certificate_is_not_printed() -> None:
    both = Credential(client_cert_pem=f"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n{CANARY}")
    assert CANARY not in f"{both!r} {both} {ClusterCredential(default=both, endpoints={'loki': both})!r}"
