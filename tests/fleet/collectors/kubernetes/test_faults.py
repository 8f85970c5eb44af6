import gzip
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from fleet.collectors.kubernetes import KubernetesLimits, collect_inventory
from fleet.collectors.kubernetes.client import KubernetesClient
from fleet.credentials import Credential
from fleet.errors import (
    AnswerTooLarge,
    AnswerTruncated,
    Forbidden,
    ServerFailed,
    SourceError,
    SourceTimeout,
    Throttled,
    TlsFailed,
    Unauthorized,
    Unreachable,
    WrongService,
)
from fleet.inventory.cluster import Cluster, Endpoint, EndpointKind
from fleet.inventory.inventory import Inventory, Presence
from tests.fleet.collectors.kubernetes.conftest import QUICK, cluster_at
from tests.fleet.collectors.kubernetes.objects import EMPTY_LISTS, VERSION, groups, node, pod
from tests.fleet.collectors.kubernetes.server import (
    JSON,
    MISSING,
    TEXT,
    Api,
    Reply,
    Request,
    forbidden,
    make_certificate,
    on,
    once,
    serve,
    status,
)

Collect = Callable[..., Inventory]
PODS = "/api/v1/pods"


class Tokens:
    """A credential source that counts how often it was asked."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.asked: list[bool] = []

    def credential(self, *, refresh: bool = False) -> Credential:
        self.asked.append(refresh)
        return Credential(token=SecretStr(self._tokens[min(len(self.asked), len(self._tokens)) - 1]))


def five_pods() -> list[dict[str, object]]:
    return [pod(f"p{number}", "shop", on="w-1") for number in range(5)]


def test_a_missing_right_is_a_gap_that_names_it(api: Api, collect: Collect) -> None:
    api.lists["/api/v1/nodes"] = [node("w-1", "10.0.0.1")]
    api.interceptors.append(on(PODS, forbidden("pods")))
    inventory = collect()
    assert [(gap.part, gap.reason) for gap in inventory.gaps] == [
        ("pods", "missing right: list pods in the whole cluster")
    ]
    assert [each.name for each in inventory.nodes] == ["w-1"]


def test_groups_that_may_not_be_read_leave_capabilities_unknown(api: Api, collect: Collect) -> None:
    api.interceptors.append(on("/apis", forbidden("")))
    inventory = collect()
    # What nodes show does not rest on the groups; DPDK is bound to interfaces, too.
    known = {each.name for each in inventory.capabilities if each.presence is not Presence.UNKNOWN}
    assert known == {"gpus", "hugepages"}
    assert inventory.capabilities[0].reason == "missing right: get on the path /apis"
    assert inventory.platform == ""


def test_a_group_that_is_not_served_is_no_gap(api: Api, collect: Collect) -> None:
    for path in [path for path in api.lists if path.startswith("/apis/")]:
        del api.lists[path]
    inventory = collect()
    assert (inventory.workloads, inventory.gaps) == ([], [])


def test_nothing_but_refusals_is_a_failure(api: Api, collect: Collect) -> None:
    api.interceptors.append(lambda request: forbidden("everything"))
    with pytest.raises(Forbidden):
        collect()


@pytest.mark.parametrize(
    ("expired", "pages"),
    [
        # Without a token the list starts again, with one it goes on.
        (
            status(
                410, "The provided continue parameter is too old to display a consistent list result.", reason="Expired"
            ),
            5,
        ),
        (status(410, "too old", metadata={"continue": "2"}), 4),
    ],
)
def test_a_list_that_expired_is_read_whole(api: Api, collect: Collect, expired: Reply, pages: int) -> None:
    api.lists[PODS] = five_pods()
    api.interceptors.append(once(lambda seen: expired if seen.query.get("continue") == "2" else None))
    inventory = collect()
    assert [each.name for each in inventory.pods] == ["p0", "p1", "p2", "p3", "p4"]
    assert inventory.gaps == []
    assert len(api.asked(PODS)) == pages


def test_a_list_that_always_expires_is_given_up(api: Api, collect: Collect) -> None:
    api.lists[PODS] = five_pods()
    api.interceptors.append(lambda seen: status(410, "too old") if "continue" in seen.query else None)
    inventory = collect()
    assert [gap.part for gap in inventory.gaps] == ["pods"]
    assert len(api.asked(PODS)) == 6


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, b"Too many requests, please try again later.\n", TEXT | {"Retry-After": "1"}),
        status(429, "busy", details={"retryAfterSeconds": 1}),
        status(500, "error dialing backend"),
    ],
)
def test_a_server_that_asks_for_a_pause_gets_it(api: Api, collect: Collect, reply: Reply) -> None:
    api.interceptors.append(once(on(PODS, reply)))
    started = time.monotonic()
    assert collect().gaps == []
    assert time.monotonic() - started >= 1
    assert len(api.asked(PODS)) == 2


def test_a_pause_that_is_too_long_is_not_waited_for(api: Api, collect: Collect) -> None:
    api.interceptors.append(on(PODS, Reply(429, b"Too many requests", TEXT | {"Retry-After": "3600"})))
    started = time.monotonic()
    inventory = collect()
    assert time.monotonic() - started < 2
    assert [gap.part for gap in inventory.gaps] == ["pods"]
    with pytest.raises(Throttled) as caught, client_of(api) as client:
        client.get(PODS)
    assert caught.value.retry_after_seconds == 3600


def client_of(api: Api, credentials: Tokens | None = None, limits: KubernetesLimits = QUICK) -> KubernetesClient:
    return KubernetesClient(Endpoint(url=api.url, ca_pem=api.ca_pem), credentials, limits)


def unless(token: str) -> Callable[[Request], Reply | None]:
    refusal = status(401, "Unauthorized", reason="Unauthorized")
    return lambda request: None if request.authorization == f"Bearer {token}" else refusal


def test_a_token_that_expired_is_refreshed_once(api: Api, collect: Collect) -> None:
    api.interceptors.append(unless("new"))
    tokens = Tokens("old", "new")
    inventory = collect(tokens)
    assert (inventory.gaps, tokens.asked) == ([], [False, True])


def test_a_token_that_stays_wrong_is_unauthorized_and_not_shown(api: Api, collect: Collect) -> None:
    api.interceptors.append(unless("right"))
    tokens = Tokens("canary-1", "canary-2", "canary-3")
    with pytest.raises(Unauthorized) as caught:
        collect(tokens)
    assert tokens.asked == [False, True]
    assert len(api.requests) == 2
    assert "canary" not in str(caught.value)


def test_a_token_that_expires_for_good_in_the_middle_leaves_what_was_read(api: Api, collect: Collect) -> None:
    refused = status(401, "Unauthorized")
    api.lists["/api/v1/nodes"] = [node("w-1", "10.0.0.1")]
    api.interceptors.append(lambda request: refused if request.path in {PODS, "/api/v1/events"} else None)
    inventory = collect(Tokens("a", "b"))
    assert len(inventory.nodes) == 1
    assert {gap.part for gap in inventory.gaps} == {"pods", "events"}


@pytest.mark.parametrize("token", ["canary\nX-Other: 1", "canary\u2026", "canary\x00"])
def test_a_token_that_is_none_is_not_shown(api: Api, collect: Collect, token: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        collect(Tokens(token))
    assert "canary" not in f"{caught.value!r}{caught.value}{caught.value.__context__!r}"
    assert api.requests == []


def test_a_token_that_the_server_repeats_is_not_shown(api: Api, collect: Collect) -> None:
    api.interceptors.append(lambda request: status(500, f"bad header {request.authorization}"))
    with pytest.raises(ServerFailed, match=r"bad header Bearer \*\*\*") as caught:
        collect(Tokens("canary-1"), KubernetesLimits(attempts=1))
    assert "canary" not in str(caught.value)


def test_basic_credentials_are_sent(api: Api) -> None:
    class Basic:
        def credential(self, *, refresh: bool = False) -> Credential:
            return Credential(username="ann", password=SecretStr("pä:ss"))

    with KubernetesClient(Endpoint(url=api.url, ca_pem=api.ca_pem), Basic(), QUICK) as client:
        client.get("/version")
    assert api.requests[0].authorization == "Basic YW5uOnDDpDpzcw=="


def test_a_client_certificate_is_shown_and_its_key_left_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    api = Api(documents={"/version": VERSION})
    with serve(api, folder, client_ca=True) as running:
        certificate, dash, key = (folder / "server.pem").read_text().partition("-----BEGIN PRIVATE KEY-----")

        class Certificate:
            def credential(self, *, refresh: bool = False) -> Credential:
                return Credential(client_cert_pem=certificate, client_key_pem=SecretStr(dash + key))

        endpoint = Endpoint(url=running.url, ca_pem=running.ca_pem)
        with KubernetesClient(endpoint, Certificate(), QUICK) as client:
            assert json.loads(client.get("/version")) == VERSION
        assert running.client_certificates == 1
        with pytest.raises(SourceError), KubernetesClient(endpoint, None, QUICK) as client:
            client.get("/version")


def test_a_key_of_another_certificate_is_said_without_showing_it(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, name="one")
    make_certificate(tmp_path, name="two")
    _, dash, key = (tmp_path / "two.pem").read_text().partition("-----BEGIN PRIVATE KEY-----")
    source = Credential(client_cert_pem=certificate, client_key_pem=SecretStr(dash + key))

    class Certificate:
        def credential(self, *, refresh: bool = False) -> Credential:
            return source

    with pytest.raises(TlsFailed, match="no matching") as caught:
        collect_inventory(cluster_at("https://127.0.0.1:1"), Certificate(), QUICK)
    assert key.strip()[:40] not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "trusted", "words"),
    [
        ({}, False, "self-signed"),
        ({"days": -1}, True, "expired"),
        ({"host": "api.other.test"}, True, "another name"),
    ],
)
def test_faults_of_certificates_are_told_apart(
    tmp_path: Path, options: dict[str, int | str], trusted: bool, words: str
) -> None:
    with serve(Api(documents={"/version": VERSION}), tmp_path, **options) as api:  # type: ignore[arg-type]
        with pytest.raises(TlsFailed, match=words) as caught:
            collect_inventory(cluster_at(api.url, api.ca_pem if trusted else None), None, QUICK)
        assert caught.value.hint
        assert api.requests == []
        unverified = Endpoint(url=api.url, verify_tls=False)
        with KubernetesClient(unverified, None, QUICK) as client:
            assert json.loads(client.get("/version")) == VERSION


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}), WrongService),
        (Reply(302, b"", {"Location": "https://login.test/?token=x"}), Unauthorized),
        (MISSING, WrongService),
        (Reply(200, b'{"major": "1", "gitVer', JSON), AnswerTruncated),
        (Reply(200, b'{"major"', JSON, cut=True), AnswerTruncated),
        (Reply(200, b"not gzip at all", JSON | {"Content-Encoding": "gzip"}), AnswerTruncated),
        (Reply(503, b"<html>no backend</html>", {"Content-Type": "text/html"}), ServerFailed),
    ],
)
def test_answers_of_something_else_are_named(
    api: Api, collect: Collect, reply: Reply, error: type[SourceError]
) -> None:
    api.interceptors.append(lambda request: reply)
    with pytest.raises(error) as caught:
        collect(limits=KubernetesLimits(attempts=1))
    assert "login.test" not in str(caught.value)


def test_a_cluster_that_hangs_is_given_up_after_two_silences(api: Api, collect: Collect) -> None:
    release = threading.Event()
    api.interceptors.append(lambda request: MISSING if release.wait(20) else None)
    started = time.monotonic()
    try:
        with pytest.raises(SourceTimeout):
            collect(limits=KubernetesLimits(connect_seconds=1, first_seconds=0.5))
    finally:
        release.set()
    assert time.monotonic() - started < 5


def test_one_part_that_hangs_keeps_the_pages_before_it(api: Api, collect: Collect) -> None:
    release = threading.Event()
    api.lists[PODS] = five_pods()
    api.interceptors.append(lambda request: MISSING if request.query.get("continue") and release.wait(20) else None)
    try:
        inventory = collect(limits=KubernetesLimits(read_seconds=0.5, page_size=2))
    finally:
        release.set()
    assert [each.name for each in inventory.pods] == ["p0", "p1"]
    assert [gap.part for gap in inventory.gaps] == ["pods"]
    assert "no answer in time" in inventory.gaps[0].reason


def test_an_inventory_that_takes_too_long_ends_with_gaps(api: Api, collect: Collect) -> None:
    def slow(request: Request) -> None:
        time.sleep(0.4)

    api.interceptors.append(slow)
    inventory = collect(limits=KubernetesLimits(total_seconds=1.0))
    assert inventory.version == VERSION["gitVersion"]
    assert {"pods", "events"} <= {gap.part for gap in inventory.gaps}


def test_an_answer_beyond_the_budget_is_not_read_to_its_end(api: Api) -> None:
    bomb = gzip.compress(b'{"x": "' + b" " * 8_000_000 + b'"}')
    api.interceptors.append(on("/version", Reply(200, bomb, JSON | {"Content-Encoding": "gzip"})))
    with pytest.raises(AnswerTooLarge), client_of(api, limits=KubernetesLimits(page_bytes=2**20)) as client:
        client.get("/version")


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def test_nobody_there(closed_port: int) -> None:
    with pytest.raises(Unreachable, match="takes no connection"):
        collect_inventory(cluster_at(f"https://127.0.0.1:{closed_port}"), None, QUICK)
    with pytest.raises(Unreachable, match="not known"):
        collect_inventory(cluster_at("https://no-such-host.invalid"), None, QUICK)
    with pytest.raises(Unreachable, match="No Kubernetes API is registered"):
        collect_inventory(Cluster(name="east"), None, QUICK)


def test_an_address_with_a_path(tmp_path: Path) -> None:
    """A proxy's prefix (``/k8s/clusters/c-1``) stays before every path."""
    prefix = "/k8s/clusters/c-1"
    documents = {f"{prefix}/version": VERSION, f"{prefix}/apis": groups()}
    with serve(Api(documents=documents, lists={prefix + path: [] for path in EMPTY_LISTS}), tmp_path) as api:
        endpoint = Endpoint(url=f"{api.url}{prefix}/", ca_pem=api.ca_pem)
        inventory, _ = collect_inventory(
            Cluster(name="east", endpoints={EndpointKind.KUBERNETES: endpoint}), None, QUICK
        )
    assert inventory.gaps == []
    assert inventory.version == VERSION["gitVersion"]
