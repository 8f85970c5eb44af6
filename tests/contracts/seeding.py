"""A plain HTTP client of a contract's server, for what a test puts there and our collectors only read."""

from __future__ import annotations

import ssl

import httpx

from tests.contracts.sources import Source


def api_of(source: Source) -> httpx.Client:
    """With the endpoint's authority, tenant and token."""
    headers = {"X-Scope-OrgID": source.endpoint.tenant} if source.endpoint.tenant else {}
    credential = source.credentials.given
    if credential is not None and credential.token is not None:
        headers["Authorization"] = f"Bearer {credential.token.get_secret_value()}"
    trusted = ssl.create_default_context(cadata=source.endpoint.ca_pem)
    return httpx.Client(base_url=source.endpoint.url, headers=headers, verify=trusted, timeout=30)
