from __future__ import annotations

import pytest

from tests.fleet.collectors.prometheus.certificates import Authority, KeyPair


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def server_pair(authority: Authority) -> KeyPair:
    return authority.issue()
