"""Health: checks really run, side by side, and a hanging one is told, not waited for."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection

from prometheus_client import CollectorRegistry, Counter

from shared.errors import TransientError
from shared.health import HealthServer, Readiness


class Dummy:
    """A part that can die."""

    def __init__(self) -> None:
        self.alive = True

    def start(self) -> None:
        self.alive = True

    def stop(self) -> None:
        self.alive = False


def fine() -> None:
    """Pass."""


def away() -> None:
    raise TransientError("the server is away")


def broken() -> None:
    raise KeyError("secret")


@contextmanager
def serving(checks: Mapping[str, Callable[[], None]], *parts: Dummy) -> Iterator[HealthServer]:
    registry = CollectorRegistry()
    Counter("things_total", "Things.", registry=registry).inc(3)
    server = HealthServer("127.0.0.1:0", checks=checks, parts=parts, registry=registry, check_seconds=0.3)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def get(server: HealthServer, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(*server.address, timeout=5)
    connection.request("GET", path)
    with connection.getresponse() as answer:
        return answer.status, answer.read()


def test_ready_while_all_checks_pass() -> None:
    with serving({"database": fine, "store": fine}) as server:
        status, body = get(server, "/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "checks": {"database": "ok", "store": "ok"}})


def test_failing_check_is_named_with_its_error() -> None:
    with serving({"database": fine, "store": away, "broker": broken}) as server:
        status, body = get(server, "/readyz")
    assert status == 503
    assert json.loads(body) == {
        "ready": False,
        "checks": {"database": "ok", "store": "the server is away", "broker": "KeyError"},
    }


def test_hanging_check_has_a_limit_and_is_not_started_again() -> None:
    release, starts = threading.Event(), []

    def hang() -> None:
        starts.append(1)
        release.wait(10)

    readiness = Readiness({"database": fine, "store": hang}, seconds=0.1)
    began = time.monotonic()
    reports = [readiness.report() for _ in range(3)]
    assert time.monotonic() - began < 2
    assert {report.checks["store"] for report in reports} == {"no answer within 0.1 s"}
    assert [report.ready for report in reports] == [False] * 3
    assert len(starts) == 1
    release.set()


def test_checks_run_side_by_side() -> None:
    meeting = threading.Barrier(3)

    def meet() -> None:
        meeting.wait(5)

    readiness = Readiness(dict.fromkeys("abc", meet), seconds=5)
    assert readiness.report().ready


def test_alive_until_a_part_dies() -> None:
    part = Dummy()
    with serving({}, part, Dummy()) as server:
        assert get(server, "/livez")[0] == 200
        part.alive = False
        status, body = get(server, "/livez")
    assert (status, json.loads(body)) == (503, {"alive": False, "dead": ["Dummy"]})


def test_metrics_are_served() -> None:
    with serving({}) as server:
        status, body = get(server, "/metrics")
        assert get(server, "/other")[0] == 404
        assert server.alive
    assert (status, b"things_total 3.0" in body) == (200, True)
    assert not server.alive
