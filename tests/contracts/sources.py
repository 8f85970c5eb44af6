"""The observability servers that the contracts are run on, as endpoints with their credentials."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from fleet.credentials import Credential, GivenCredential
from fleet.inventory.cluster import Endpoint, EndpointKind
from simulator.fleet import SimulatedFleet


@dataclass(frozen=True)
class Source:
    """A server of one kind; ``simulated`` where the environment names no real one."""

    endpoint: Endpoint
    credentials: GivenCredential
    simulated: bool


def variable_of(kind: EndpointKind) -> str:
    """Of the environment: it names a server of this kind."""
    return f"FLEETSCOPE_CONTRACT_{kind.name}"


def source_of(kind: EndpointKind, request: pytest.FixtureRequest) -> Source:
    """``FLEETSCOPE_CONTRACT_<KIND>``: a URL; ``…_TOKEN_FILE``, ``…_CA_FILE`` and ``…_TENANT`` beside it."""
    variable = variable_of(kind)
    url = os.environ.get(variable)
    if url:
        token, ca_pem = _text(f"{variable}_TOKEN_FILE"), _text(f"{variable}_CA_FILE")
        endpoint = Endpoint(url=url, ca_pem=ca_pem, tenant=os.environ.get(f"{variable}_TENANT", ""))
        return Source(endpoint, _given(token), simulated=False)
    fleet: SimulatedFleet = request.getfixturevalue("simulated")
    entry = fleet.registration["clusters"][0]
    return Source(
        Endpoint.model_validate(entry["endpoints"][kind.value]), _given(fleet.token(entry["name"])), simulated=True
    )


def _given(token: str | None) -> GivenCredential:
    return GivenCredential(Credential(token=SecretStr(token)) if token else None)


def _text(variable: str) -> str | None:
    file = os.environ.get(variable)
    return Path(file).read_text(encoding="utf-8").strip() if file else None
