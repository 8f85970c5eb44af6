"""Whether a Korrel8r correlates, and what. Format: its REST API v1alpha1, read in korrel8r's source (pkg/rest)."""

from __future__ import annotations

from functools import partial

import msgspec

from fleet.collectors.transport import HttpTransport
from fleet.collectors.transport.deadline import Deadline
from fleet.collectors.transport.decoding import decoder_of
from fleet.collectors.transport.faults import clean_words
from fleet.collectors.transport.probing import Seen, get_json, probe_limits, timed
from fleet.credentials import CredentialSource
from fleet.inventory.cluster import Endpoint


class _Domain(msgspec.Struct):
    name: str


# An engine without domains answers null.
_DOMAINS: msgspec.json.Decoder[list[_Domain] | None] = decoder_of(list[_Domain] | None)


def probe(endpoint: Endpoint, credentials: CredentialSource | None, deadline: Deadline) -> Seen:
    """Ask for the domains that it knows; its API does not say a version. Raises as ``Probe`` says."""
    with HttpTransport(endpoint, credentials, probe_limits(deadline)) as transport:
        ask = partial(get_json, transport, "/api/v1alpha1/domains", [], _DOMAINS, deadline)
        domains, latency_seconds = timed(ask)
    names = clean_words(", ".join(sorted(domain.name for domain in domains or [])))
    return Seen(latency_seconds, message=f"domains: {names}" if names else "no domains")
