"""A Prometheus that counts what it is asked: how much at a time, and when."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

ONE = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()


@dataclass
class CountingServer:
    """Answers each request after ``seconds``; ``status`` may be changed under way.

    A request counts from when it was read until its answer is about to be sent: from then on its sender may go on.
    """

    seconds: float = 0.05
    status: int = 200
    body: bytes = ONE
    most_at_once: int = 0
    at_once: int = 0
    arrived: list[float] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        counting = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status = counting.count()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(counting.body)))
                self.end_headers()
                self.wfile.write(counting.body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that was killed."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def count(self) -> int:
        with self._lock:
            self.arrived.append(time.monotonic())
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self._stopped.wait(self.seconds)
        with self._lock:
            self.at_once -= 1
        return self.status

    def most_in(self, seconds: float) -> int:
        """The most requests that came in any stretch of so many seconds."""
        times = sorted(self.arrived)
        first, most = 0, 0
        for last, at in enumerate(times):
            while times[first] <= at - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most
