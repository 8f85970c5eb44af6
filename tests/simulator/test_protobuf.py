"""The protobuf form of objects, as newer clients send some of them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from simulator.fleet import FleetOptions, SimulatedFleet
from tests.simulator.conftest import Api, api

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"


@pytest.fixture(scope="module")
def kubernetes() -> Iterator[Api]:
    with SimulatedFleet(FleetOptions(clusters=1, faults=())) as running:
        yield api(running, running.names[0], "kubernetes")


def field(number: int, value: str | bytes) -> bytes:
    """A field of text, bytes or an inner message (all shorter than 128 bytes)."""
    data = value.encode() if isinstance(value, str) else value
    assert len(data) < 128
    return bytes([number << 3 | 2, len(data)]) + data


def number(at: int, value: int) -> bytes:
    return bytes([at << 3, value])


def body(api_version: str, kind: str, message: bytes) -> bytes:
    return b"k8s\0" + field(1, field(1, api_version) + field(2, kind)) + field(2, message) + field(3, "") + field(4, "")


def post(client: Api, path: str, content: bytes) -> httpx.Response:
    return client.http.post(path, content=content, headers={"Content-Type": MEDIA_TYPE})


def test_a_review(kubernetes: Api) -> None:
    attributes = field(1, "shop") + field(2, "list") + field(3, "") + field(5, "pods")
    message = field(1, field(1, "")) + field(2, field(1, attributes)) + field(3, number(1, 0))
    content = body("authorization.k8s.io/v1", "SelfSubjectAccessReview", message)
    answer = post(kubernetes, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", content)
    assert (answer.status_code, answer.json()["status"]["allowed"]) == (201, True)
    assert answer.json()["spec"] == {"resourceAttributes": {"namespace": "shop", "verb": "list", "resource": "pods"}}


def test_a_secret_with_labels(kubernetes: Api) -> None:
    label = field(11, field(1, "tier") + field(2, "gold"))
    data = field(2, field(1, "a") + field(2, b"\xff\x00"))
    message = field(1, field(1, "made") + label) + data + field(3, "Opaque") + number(5, 1)
    answer = post(kubernetes, "/api/v1/namespaces/shop/secrets", body("v1", "Secret", message))
    made = answer.json()
    assert answer.status_code == 201
    assert (made["metadata"]["labels"], made["data"], made["immutable"]) == ({"tier": "gold"}, {"a": "/wA="}, True)


def test_what_cannot_be_read(kubernetes: Api) -> None:
    path = "/api/v1/namespaces/shop/pods"
    unknown = post(kubernetes, path, body("v1", "Pod", field(1, field(1, "p"))))
    assert (unknown.status_code, unknown.json()["reason"]) == (415, "UnsupportedMediaType")
    for content in (b"", b"{}", b"k8s\0\x12\x7f", b"k8s\0\x80"):
        broken = post(kubernetes, path, content)
        assert (broken.status_code, broken.json()["reason"]) == (400, "BadRequest")
