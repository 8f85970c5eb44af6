"""What was kept long enough goes, by the command and by the deployment, and both say what went."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from fleet.frames.coverage import Coverage
from tests.e2e.installation import Installation
from tests.storage.entities import coverage, hours

LONG_AGO = datetime(2020, 3, 1, tzinfo=UTC)
CLUSTER = "00000000e001"


@pytest.fixture
def old(installation: Installation) -> Coverage:
    """A chunk of long ago and the object that it names."""
    key = f"frames/{CLUSTER}/prometheus/x/30s/old.parquet"
    digest = installation.stores.objects.put(key, b"x" * 4096, "text/plain")
    chunk = coverage(
        hours(0, 1).model_copy(update={"start": LONG_AGO, "end": LONG_AGO + timedelta(hours=1)}),
        cluster_id=CLUSTER,
        object_key=key,
        object_hash=digest,
        object_bytes=4096,
        collected_at=LONG_AGO + timedelta(hours=1),
    )
    installation.stores.coverage.put([chunk])
    return chunk


def rows(installation: Installation, old: Coverage) -> int:
    return len(installation.stores.coverage.list(old.window, cluster_ids=[CLUSTER]))


def test_expire_tells_first_and_then_deletes(installation: Installation, old: Coverage) -> None:
    usage = installation.fleetscope("data", "usage", "--json").json
    frames = next(each for each in usage["kinds"] if each["kind"] == "frames")
    assert frames["days"] == 30
    assert frames["rows"] >= 1
    assert frames["oldest"] == "2020-03-01T00:00:00Z"
    told = installation.fleetscope("data", "expire", "--dry-run", "--json")
    assert told.code == 0, told.err
    assert rows(installation, old) == 1
    done = installation.fleetscope("data", "expire", "--json")
    assert {each["kind"]: each["rows"] for each in done.json["expired"]}["frames"] == 1
    assert (told.json["dry_run"], done.json["dry_run"]) == (True, False)
    assert [each["rows"] for each in told.json["expired"]] == [each["rows"] for each in done.json["expired"]]
    assert rows(installation, old) == 0
    shown = installation.fleetscope("data", "expire")
    assert "kept for citations" in shown.out
    assert "0 rows and 0 objects went." in shown.err
    assert "30 days" in installation.fleetscope("data", "usage").out


def test_the_deployment_expires_and_its_artifact_says_what_went(installation: Installation, old: Coverage) -> None:
    with installation.prefect() as api:
        run = api.start_run("expire-data/daily")
        assert api.wait_for(run)["type"] == "COMPLETED"
        [artifact] = api.call("POST", "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})
    assert artifact["key"] == "expired-data"
    lines = {line["kind"]: line for line in json.loads(artifact["data"])}
    assert lines["frames"]["rows"] == 1
    assert lines["changes"]["rows"] == 0
    assert rows(installation, old) == 0
