"""Each query of a pack asked once, of servers that are well and of those that are not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleet.collectors.prometheus import PrometheusClient, PrometheusLimits
from fleet.collectors.prometheus.trial import QueryTrial, try_pack
from fleet.collectors.transport import TransportLimits
from fleet.frames.coverage import CoverageStatus
from fleet.inventory.cluster import Endpoint
from tests.fleet.collectors.prometheus.byte_server import ByteServer, Reply, Request, reply
from tests.fleet.collectors.prometheus.packs import pack_of
from tests.fleet.collectors.prometheus.test_collect_faults import FakeApi, matrix, success

AT = datetime(2026, 2, 1, 12, tzinfo=UTC)
PACK = pack_of(
    ("plain", "a", ["a"]),
    ("renamed", "b", ["b"]),
    ("gone", "c", ["c", "a"]),
    ("refused", "d", ["a"]),
    ("partial", "e", ["a"]),
    ("empty", "f", ["a"]),
    renamed=("older", ["b_old"]),
    gone=("c2", ["c_old"]),
)


class Mixed(FakeApi):
    """Answers one query well and others not."""

    def special(self, request: Request, query: str) -> Reply | None:
        instant = not request.target.startswith("/api/v1/query_range")
        if query == "d":
            return reply('{"status":"error","errorType":"bad_data","error":"parse error"}', 400)
        if query in {"e", "f"}:
            warnings = {"warnings": ["a store did not answer"]} if query == "e" else {}
            return success({"resultType": "vector", "result": []}, **warnings) if instant else matrix([], **warnings)
        if instant and query in {"a", "older"}:
            sample = {"metric": {"node": "n1"}, "value": [AT.timestamp(), "0.5"]}
            return success({"resultType": "vector", "result": [sample]})
        return None


def tried(server: ByteServer) -> dict[str, QueryTrial]:
    limits = PrometheusLimits(transport=TransportLimits(attempts=1))
    with PrometheusClient(Endpoint(url=server.url), None, limits) as client:
        return {trial.query_id: trial for trial in try_pack(client, PACK, AT)}


def test_each_query_tells_how_it_went() -> None:
    with ByteServer(Mixed(["a", "b_old"])) as server:
        found = tried(server)
    assert {name: trial.status.value for name, trial in found.items()} == {
        "plain": "ok", "renamed": "ok", "gone": "absent", "refused": "unknown", "partial": "partial", "empty": "ok",
    }  # fmt: skip
    plain, renamed = found["plain"], found["renamed"]
    assert (plain.form, plain.promql, plain.series, plain.value) == (1, "a", 1, 0.5)
    assert plain.labels == {"node": "n1"}
    assert plain.seconds > 0
    assert (renamed.form, renamed.promql) == (2, "older")
    assert (found["gone"].form, found["gone"].reason) == (None, "the server has no metric c; nor c_old")
    assert "parse error" in found["refused"].reason
    assert (found["empty"].series, found["empty"].value) == (0, None)


@pytest.mark.parametrize(("code", "words"), [(401, "credential"), (503, "503")])
def test_a_server_that_answers_nothing_is_asked_little(code: int, words: str) -> None:
    with ByteServer(lambda request, number: reply("no", code, "text/plain")) as server:
        found = tried(server)
        assert len(server.requests) <= 2
    assert {trial.status for trial in found.values()} == {CoverageStatus.UNKNOWN}
    assert all(words in trial.reason for trial in found.values())
