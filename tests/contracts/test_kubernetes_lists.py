"""Lists: pages that fit together, selectors, forms, and what is not there."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fleet.collectors.kubernetes import KubernetesLimits
from fleet.collectors.kubernetes.answers import ListExpired, NotServed
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.credentials import GivenCredential
from tests.contracts.kubernetes_server import KubernetesServer, Object, Place

pytestmark = pytest.mark.needs("write")
SEEDED = 7


@pytest.fixture(scope="module")
def seeded(place: Place) -> Iterator[Place]:
    """ConfigMaps ``list-0`` to ``list-6``, labelled even or odd."""
    for number in range(SEEDED):
        labels = {"suite": "lists", "parity": "odd" if number % 2 else "even"}
        place.config_map(f"list-{number}", {"n": str(number)}, labels=labels)
    yield place
    place.http.delete(place.path("configmaps"), params={"labelSelector": "suite=lists"})


def listed(place: Place, **parameters: Any) -> Object:
    answer = place.http.get(place.path("configmaps"), params=parameters)
    assert answer.status_code == 200, answer.text
    document: Object = answer.json()
    return document


def names(document: Object) -> list[str]:
    return [item["metadata"]["name"] for item in document["items"]]


def status(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert (body["kind"], body["status"], body["code"]) == ("Status", "Failure", answer.status_code)
    return answer.status_code, body.get("reason", "")


def test_pages_are_one_list_at_one_revision(seeded: Place) -> None:
    pages = [listed(seeded, limit=3)]
    while token := pages[-1]["metadata"].get("continue"):
        if len(pages) == 1:
            # What is written between two pages is of a later revision.
            seeded.config_map("list-later", labels={"suite": "lists"})
        pages.append(listed(seeded, limit=3, **{"continue": token}))
    found = [name for page in pages for name in names(page)]
    assert [name for name in found if name.startswith("list-")] == [f"list-{number}" for number in range(SEEDED)]
    assert found == sorted(found)
    assert len({page["metadata"]["resourceVersion"] for page in pages}) == 1
    assert all(len(page["items"]) <= 3 for page in pages)
    remaining = pages[0]["metadata"].get("remainingItemCount")
    assert remaining in {None, len(found) - 3}
    assert all("kind" not in item for page in pages for item in page["items"])
    assert "list-later" in names(listed(seeded))


def test_selectors(seeded: Place) -> None:
    odd = [f"list-{number}" for number in range(SEEDED) if number % 2]
    assert names(listed(seeded, labelSelector="parity=odd,suite=lists")) == odd
    assert names(listed(seeded, labelSelector="suite in (lists),parity notin (even),parity")) == odd
    assert names(listed(seeded, fieldSelector="metadata.name=list-2")) == ["list-2"]
    limited = listed(seeded, labelSelector="suite=lists", limit=1)
    assert limited["metadata"]["continue"]
    assert "remainingItemCount" not in limited["metadata"]
    assert listed(seeded, labelSelector="suite=nothing")["items"] == []


@pytest.mark.parametrize(
    "parameters", [{"limit": "abc"}, {"fieldSelector": "data.n=1"}, {"labelSelector": "==="}, {"continue": "garbage"}]
)
def test_bad_parameters(seeded: Place, parameters: dict[str, str]) -> None:
    answer = seeded.http.get(seeded.path("configmaps"), params=parameters)
    assert status(answer) == (400, "BadRequest")


def test_what_is_not_there(seeded: Place) -> None:
    http = seeded.http
    missing = http.get("/apis/nothing.fleetscope.example/v1/things")
    assert (missing.status_code, missing.text.strip()) == (404, "404 page not found")
    assert missing.headers["content-type"].startswith("text/plain")
    assert status(http.get("/api/v1/nothings")) == (404, "NotFound")
    absent = http.get(seeded.path("configmaps", "absent"))
    assert status(absent) == (404, "NotFound")
    assert absent.json()["message"] == 'configmaps "absent" not found'
    assert absent.json()["details"] == {"name": "absent", "kind": "configmaps"}
    assert http.get("/api/v1/namespaces/fleetscope-nowhere/configmaps").json()["items"] == []


def test_metadata_alone_and_tables(seeded: Place) -> None:
    def asked(form: str) -> Object:
        accept = {"Accept": f"application/json;as={form};g=meta.k8s.io;v=v1"}
        answer = seeded.http.get(seeded.path("configmaps"), params={"limit": 2}, headers=accept)
        document: Object = answer.json()
        return document

    partial = asked("PartialObjectMetadataList")
    assert (partial["kind"], partial["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    assert {item["kind"] for item in partial["items"]} == {"PartialObjectMetadata"}
    assert all(set(item) == {"kind", "apiVersion", "metadata"} for item in partial["items"])
    table = asked("Table")
    assert table["kind"] == "Table"
    assert table["columnDefinitions"][0]["name"] == "Name"
    assert [row["cells"][0] for row in table["rows"]] == names(partial)
    assert partial["metadata"]["continue"]
    assert table["metadata"]["continue"]


def old_token(start: str) -> str:
    """A continue token of the first revision, in the form that API servers give since 1.9."""
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": 1, "start": f"{start}\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def test_an_old_token_gives_one_to_go_on_with(seeded: Place) -> None:
    parameters: dict[str, str | int] = {"limit": 2, "continue": old_token("list-2")}
    answer = seeded.http.get(seeded.path("configmaps"), params=parameters)
    if answer.status_code == 200:
        pytest.skip("the server has not compacted its first revision yet")
    assert status(answer) == (410, "Expired")
    further = answer.json()["metadata"]["continue"]
    assert names(listed(seeded, limit=2, **{"continue": further})) == ["list-3", "list-4"]


def test_our_client_pages_and_tells_expired_from_absent(contract_kubernetes: KubernetesServer, seeded: Place) -> None:
    credentials = GivenCredential(contract_kubernetes.credential)
    limits = KubernetesLimits(page_size=2)
    with KubernetesClient(contract_kubernetes.endpoint, credentials, limits) as client:
        page = json.loads(client.get(seeded.path("configmaps"), {"limit": 2}))
        following = json.loads(
            client.get(seeded.path("configmaps"), {"limit": 2, "continue": page["metadata"]["continue"]})
        )
        assert len(names(page)) == 2
        assert not set(names(page)) & set(names(following))
        with pytest.raises(NotServed):
            client.get("/apis/nothing.fleetscope.example/v1/things")
        old: dict[str, str | int] = {"limit": 2, "continue": old_token("list-2")}
        try:
            client.get(seeded.path("configmaps"), old)
        except ListExpired as expired:
            assert expired.token
