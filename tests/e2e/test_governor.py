"""The product's collectors ask the governor, and what it counts is shown."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import text

from fleet.inventory.cluster import EndpointKind
from tests.e2e.installation import Installation
from tests.storage.governor.counting_server import CountingServer


def test_an_endpoint_that_is_left_alone_is_not_asked_and_shown(installation: Installation) -> None:
    with CountingServer() as server:
        added = installation.fleetscope("cluster", "add", "governed", "--prometheus", server.url, "--json")
        assert added.code == 0, added.err
        cluster = installation.stores.clusters.by_name("governed")
        governor = installation.stores.governor.of(cluster, EndpointKind.PROMETHEUS)
        assert governor is not None
        for _ in range(10):
            with governor.admit(server.url, 10.0, threading.Event()) as admission:
                admission.spent(0, 0.1, failed=True)
        # The first pause is as long as a scan takes to start.
        longer = "UPDATE governed_endpoints SET open_until = open_until + interval '100 s' WHERE endpoint = :url"
        with installation.stores.database.statements() as connection:
            connection.execute(text(longer), {"url": server.url})

        scanned = installation.fleetscope("scan", "--cluster", "governed", "--last", "1h", "--json")
        assert scanned.code == 3
        assert server.arrived == []
        [coverage] = scanned.json["coverage"]
        assert coverage["status"] == "unknown"
        assert "failed again and again: it is left alone for another" in coverage["reasons"][0]

        status = installation.fleetscope("status", "--json")
        assert status.code == 0
        [load] = [each for each in status.json["endpoints"] if each["endpoint"] == server.url]
        assert load["breaker"] in {"open", "half-open"}
        assert (load["admitted"], load["failed"], load["opened"]) == (10, 10, 1)
        assert load["held_back"] >= 1
        assert server.url in installation.fleetscope("status").out
        shown = installation.fleetscope("cluster", "show", "governed", "--json").json
        assert [each["endpoint"] for each in shown["endpoint_loads"]] == [server.url]
        assert "breaker" in installation.fleetscope("cluster", "show", "governed").out

        # Validating asks all the same: that is how one learns that it is back.
        validated = installation.fleetscope("cluster", "validate", "governed", "--json").json
        assert validated["validation"]["endpoints"][0]["message"]
        assert server.arrived
        installation.fleetscope("cluster", "remove", "governed")


def test_a_budget_of_an_endpoint_is_registered_from_a_file(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    text = """
        clusters:
          - name: budgeted
            endpoints:
              prometheus: {url: "https://prometheus.example", budget: {concurrency: 2, requests_per_second: BOUND}}
    """
    file.write_text(text.replace("BOUND", "5"), encoding="utf-8")
    added = installation.fleetscope("cluster", "add", "--file", file, "--json")
    assert added.code == 0, added.err
    own = added.json[0]["endpoints"]["prometheus"]["budget"]
    assert own == {"concurrency": 2, "requests_per_second": 5, "bytes_per_minute": None}
    file.write_text(text.replace("BOUND", "7"), encoding="utf-8")
    planned = installation.fleetscope("cluster", "apply", "--file", file, "--dry-run")
    assert "endpoints.prometheus.budget.requests_per_second" in planned.out
    file.write_text(text.replace("BOUND", "0"), encoding="utf-8")
    refused = installation.fleetscope("cluster", "add", "--file", file)
    assert refused.code == 2
    assert "requests_per_second" in refused.err
    installation.fleetscope("cluster", "remove", "budgeted")
