"""The simulated fleet: one HTTPS server on 127.0.0.1 that is many clusters."""

from __future__ import annotations

import json
import logging
import socket
import tempfile
import time
from collections.abc import Hashable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import uvicorn
import yaml

from simulator.access import Access, rights
from simulator.cluster import SimulatedCluster
from simulator.faults import plan_story, spread
from simulator.layout import PROFILES, build_layout
from simulator.neighbourhood import Neighbourhood
from simulator.options import CERTIFICATE_FAULTS, BrokenMode, FleetOptions, last_full_hour, mode_of
from simulator.pack import read_pack
from simulator.recent import Recent
from simulator.registration import cluster_names, ensure_token, kubeconfig_of, new_token, registration_of
from simulator.rendering import warm_up
from simulator.server import Application
from simulator.timeline import Timeline
from simulator.tls import ensure_certificates, write_faulty_certificate, write_secret
from simulator.truth import truth_of

__all__ = ["FleetOptions", "SimulatedFleet"]

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_KEPT_PODS = 60_000
"""Of so many pods the timelines are kept, which is some 150 MiB."""
_KEPT_BYTES = 128 * 2**20


class SimulatedFleet:
    """Runs the fleet in a thread of its own.

    Attributes:
        directory: holds ``ca.pem``, ``<cluster>.token``, ``registration.yaml``, ``truth.json``, ``kubeconfig`` and
            ``control.token``. Certificates and tokens that are there are used again. A temporary one is made at the
            start.
        names: the clusters' names.
        url: the server's address, known once it is started.
    """

    def __init__(self, options: FleetOptions) -> None:
        self._options = options
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.directory = options.directory or Path()
        self.anchor = (options.anchor or last_full_hour(datetime.now(UTC))).astimezone(UTC)
        self.names = cluster_names(options.clusters)
        self.url = ""
        self._profiles = {name: PROFILES[index % len(PROFILES)] for index, name in enumerate(self.names)}
        # The first cluster manages the others.
        self._profiles[self.names[0]] = replace(self._profiles[self.names[0]], hub=True)
        self._faults = spread(options.seed, self.names, options.faults)
        self._pack = read_pack(options.pack)
        self._timelines = Recent[str, Timeline](_KEPT_PODS, lambda made: made.weight)
        self._renderings = Recent[Hashable, Any](_KEPT_BYTES, lambda made: made.weight)
        self._clusters = {name: self._made(name) for name in self.names}
        self._servers: dict[str, _Listener] = {}
        self._application: Application | None = None

    def start(self) -> Self:
        """Writes the files and serves; returns when requests are answered.

        Raises:
            OSError: the port is taken or the directory cannot be written.
            RuntimeError: the server did not come up.
        """
        if self._options.directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="simulated-fleet-")
            self.directory = Path(self._temporary.name)
        self.directory.mkdir(parents=True, exist_ok=True)
        ensure_certificates(self.directory)
        tokens = {name: ensure_token(self.directory / f"{name}.token") for name in self.names}
        self._application = Application(
            self._clusters,
            {name: Access([tokens[name]], rights(self._options.denied.get(name, ()))) for name in self.names},
            dict(self._options.broken),
            ensure_token(self.directory / "control.token"),
        )
        warm_up()
        self._servers["server"] = _Listener(self._application, self.directory, "server", self._options.port)
        self.url = self._servers["server"].url
        for fault in sorted(CERTIFICATE_FAULTS & set(self._options.broken.values())):
            write_faulty_certificate(self.directory, fault)
            self._servers[fault] = _Listener(self._application, self.directory, fault, 0)
        try:
            for server in self._servers.values():
                server.start()
            self._write_documents()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends the server; a temporary directory goes with it. May be called again."""
        if self._application is not None:
            self._application.stop()
        for server in self._servers.values():
            server.stop()
        self._servers.clear()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def registration(self) -> dict[str, Any]:
        """The document by which the product registers the clusters."""
        platforms = {name: profile.name for name, profile in self._profiles.items()}
        ca_pem = (self.directory / "ca.pem").read_text(encoding="ascii")
        return registration_of(self.names, platforms, self._url, ca_pem, self.directory.resolve())

    @cached_property
    def truth(self) -> dict[str, Any]:
        """The labelled faults."""
        timelines = (self._clusters[name].timeline for name in self.names)
        return truth_of(self._options.seed, self.anchor.timestamp(), timelines)

    def token(self, name: str) -> str:
        """The bearer token of a cluster's file; the first of its tokens."""
        return self._running.access[name].tokens[0]

    def rotate_token(self, name: str) -> str:
        """Gives a cluster a new token and writes it to its file; the old one is refused from now on."""
        path = self.directory / f"{name}.token"
        path.unlink()
        self._running.access[name].tokens[0] = ensure_token(path)
        return self.token(name)

    def issue_token(self, name: str) -> str:
        """Gives a cluster a further token, which is valid beside the others."""
        token = new_token()
        self._running.access[name].tokens.append(token)
        return token

    def revoke_token(self, name: str, token: str) -> None:
        """Refuses a further token from now on.

        Raises:
            ValueError: it is none of the cluster's further tokens.
        """
        access = self._running.access[name]
        if token not in access.tokens[1:]:
            raise ValueError(f"{name} was not issued this token")
        access.tokens.remove(token)

    def deny(self, name: str, *denied: str) -> None:
        """Takes rights (``list pods``, ``create pods/exec``, …) from a cluster's tokens, beside those taken before.

        Raises:
            ValueError: one of them is no right.
        """
        self._running.access[name].denied += rights(denied)

    def allow(self, name: str) -> None:
        """Gives a cluster's tokens all their rights back."""
        self._running.access[name].denied = ()

    def compact(self, name: str) -> None:
        """Forgets a cluster's old revisions: continue tokens and watches from before are answered with 410."""
        self._running.compact(name)

    def end_tails(self, name: str) -> None:
        """Closes a cluster's live tails, as Loki does with those that lasted too long."""
        self._running.end_tails(name)

    def expire_continue(self, name: str, times: int = 1) -> None:
        """Lets the next continue tokens that a cluster is shown, so many of them, be too old (410)."""
        self._running.expire_continue(name, times)

    def set_broken(self, name: str, mode: BrokenMode | None) -> None:
        """Breaks a cluster (``name``) or one of its APIs (``name/api``) from now on, or mends it.

        Raises:
            ValueError: faults of certificates must be chosen before the start.
        """
        if mode in CERTIFICATE_FAULTS:
            raise ValueError(f"{mode} must be chosen before the start")
        self._running.set_broken(name, mode)

    def requests(self) -> dict[str, Any]:
        """What was asked since the start or the last reset: by cluster, API and path, with samples and CPU seconds."""
        return self._running.requests()

    def reset_requests(self) -> None:
        """Sets the counts to zero."""
        self._running.reset()

    @property
    def _running(self) -> Application:
        if self._application is None:
            raise RuntimeError("the fleet is not started")
        return self._application

    def _url(self, name: str, api: str) -> str:
        mode = mode_of(self._options.broken, name, api)
        server = self._servers[mode if mode in CERTIFICATE_FAULTS else "server"]
        return f"{server.url}/{name}/{api}"

    def _made(self, name: str) -> SimulatedCluster:
        timeline = partial(self._timelines.get, name, partial(self._timeline, name))
        spans = self._options.bulk_spans
        return SimulatedCluster(
            name,
            self._pack,
            self._renderings,
            self._neighbourhood,
            timeline,
            bulk_spans=spans,
            multi_tenant=name in self._options.multi_tenant,
            thanos=name in self._options.thanos,
        )

    def _neighbourhood(self) -> Neighbourhood:
        ca_pem = (self.directory / "ca.pem").read_text(encoding="ascii")
        return Neighbourhood(ca_pem, {name: self._url(name, "kubernetes") for name in self.names}, self._profiles)

    def _timeline(self, name: str) -> Timeline:
        options, anchor = self._options, self.anchor.timestamp()
        layout = build_layout(options.seed, name, self._profiles[name], options.nodes, options.workloads, options.pods)
        kinds = self._faults.get(name, [])
        # Every other faulty cluster has a fault that goes on.
        ongoing = name in list(self._faults)[::2]
        story = plan_story(layout, kinds, anchor, ongoing=ongoing)
        return Timeline(layout, story, anchor)

    def _write_documents(self) -> None:
        registration = self.registration
        kubeconfig = kubeconfig_of(registration, (self.directory / "ca.pem").resolve())
        (self.directory / "registration.yaml").write_text(yaml.safe_dump(registration, sort_keys=False))
        (self.directory / "truth.json").write_text(json.dumps(self.truth, indent=2) + "\n")
        write_secret(self.directory / "kubeconfig", yaml.safe_dump(kubeconfig, sort_keys=False).encode())


class _Server(uvicorn.Server):
    """A server that drops its clients when it stops: they may keep idle connections for as long as they like."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)


class _Listener:
    """One uvicorn server on a port of 127.0.0.1 in a thread."""

    def __init__(self, application: Application, directory: Path, certificate: str, port: int) -> None:
        # With the protocol named, asyncio turns Nagle's algorithm off; else each small answer takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self.url = f"https://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            application,
            http="h11",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            backlog=512,
            ssl_certfile=directory / f"{certificate}.pem",
            ssl_keyfile=directory / f"{certificate}.key",
        )
        self._server = _Server(config)
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="simulator-server", daemon=True)
        logging.getLogger("uvicorn.error").addFilter(_is_news)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the simulator's server did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._socket.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Answers that are cut in the middle on purpose are no news."""
    return "without completing response" not in record.getMessage()
