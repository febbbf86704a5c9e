"""How a process tells that it lives, that it can work, and what it does: an HTTP server apart from all fronts."""

import json
import socketserver
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6, socket
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from pydantic import Field

from shared.errors import StrongroomError
from shared.http.addresses import bound_address, listen
from shared.lifecycle import Part
from shared.settings import Settings

Check = Callable[[], None]
"""Asks a server; raises an error of shared/errors.py when it does not answer."""

CHECK_SECONDS = 5.0
_REQUEST_SECONDS = 10


class HealthSettings(Settings):
    """Where a process tells of itself."""

    metrics_address: str = Field(
        default="127.0.0.1:9100",
        description="Address of /metrics, /livez and /readyz, as host:port; an IPv6 host in brackets.",
    )


class Report(NamedTuple):
    """What the checks say: `ok`, or the error in words."""

    ready: bool
    checks: dict[str, str]


class Readiness:
    """Runs checks side by side, each on a thread of its own and each with a limit of `seconds`.

    A check that hangs is not started a second time while it does.
    """

    def __init__(self, checks: Mapping[str, Check], *, seconds: float = CHECK_SECONDS) -> None:
        self._probes = [_Probe(name, check) for name, check in checks.items()]
        self._seconds = seconds

    def report(self) -> Report:
        """Run all checks and say how they ended."""
        answers = {probe.name: probe.ask() for probe in self._probes}
        wait(answers.values(), timeout=self._seconds)
        checks = {
            name: answer.result() if answer.done() else f"no answer within {self._seconds:g} s"
            for name, answer in answers.items()
        }
        return Report(all(said == "ok" for said in checks.values()), checks)


class _Probe:
    """One check, of which at most one run is under way."""

    def __init__(self, name: str, check: Check) -> None:
        self.name = name
        self._check = check
        self._lock = threading.Lock()
        self._answer: Future[str] | None = None

    def ask(self) -> "Future[str]":
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                thread = threading.Thread(
                    target=self._run, args=(self._answer,), name=f"check-{self.name}", daemon=True
                )
                thread.start()
            return self._answer

    def _run(self, answer: "Future[str]") -> None:
        try:
            self._check()
        except StrongroomError as error:
            answer.set_result(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the process is not ready, and says so
            answer.set_result(type(error).__name__)
        else:
            answer.set_result("ok")


class HealthServer:
    """Serves `/metrics`, `/livez` (200 while all `parts` are alive) and `/readyz` (200 while all `checks` pass)."""

    def __init__(
        self,
        address: str,
        *,
        checks: Mapping[str, Check],
        parts: Sequence[Part] = (),
        registry: CollectorRegistry = REGISTRY,
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._listen = address
        self._parts = parts
        self._readiness = Readiness(checks, seconds=check_seconds)
        self._registry = registry
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; known after `start`."""
        return bound_address(self._server.socket)

    def start(self) -> None:
        """Bind and serve; raises ConfigurationError when the address cannot be had."""
        self._server = _Server(listen(self._listen), self._answers())
        self._thread.start()

    def stop(self) -> None:
        """End; a request under way is left alone."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def _answers(self) -> dict[str, Callable[[], "_Answer"]]:
        return {"/metrics": self._metrics, "/livez": self._livez, "/readyz": self._readyz}

    def _metrics(self) -> "_Answer":
        return _Answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self._registry))

    def _livez(self) -> "_Answer":
        dead = sorted(type(part).__name__ for part in self._parts if not part.alive)
        return _json(not dead, {"alive": not dead, "dead": dead})

    def _readyz(self) -> "_Answer":
        report = self._readiness.report()
        return _json(report.ready, report._asdict())


class _Answer(NamedTuple):
    status: HTTPStatus
    content_type: str
    body: bytes


def _json(fine: bool, content: Mapping[str, Any]) -> _Answer:
    status = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
    return _Answer(status, "application/json", json.dumps(content).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bound: socket, answers: Mapping[str, Callable[[], _Answer]]) -> None:
        self.address_family = AF_INET6 if bound.family == AF_INET6 else self.address_family
        # not HTTPServer's: that binds by itself, and asks the name service for this machine's name
        socketserver.BaseServer.__init__(self, bound.getsockname(), _Handler)
        self.socket = bound
        self.answers = answers


class _Handler(BaseHTTPRequestHandler):
    timeout = _REQUEST_SECONDS
    server: _Server

    def do_GET(self) -> None:  # the name is the standard library's
        answer = self.server.answers.get(self.path.partition("?")[0])
        found = answer() if answer else _Answer(HTTPStatus.NOT_FOUND, "text/plain", b"not found\n")
        self.send_response(found.status)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body)

    def version_string(self) -> str:
        return "strongroom"

    def log_message(self, *_: object) -> None:
        """Scrapes and probes come every few seconds: they are not logged."""
