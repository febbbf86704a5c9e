"""What a store does, for Prometheus."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TypeVar

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from shared.errors import ConfigurationError, StrongroomError
from shared.storage.errors import IncompleteBody, ObjectMissing, StoreUnavailable, UploadMissing
from shared.storage.port import ObjectStore, Part, Parts, Reader, Stat, UnfinishedUpload, unwrapped

Item = TypeVar("Item")

_OUTCOMES: tuple[tuple[type[StrongroomError], str], ...] = (
    (ObjectMissing, "missing"),
    (UploadMissing, "missing"),
    (IncompleteBody, "incomplete"),
    (StoreUnavailable, "unavailable"),
    (ConfigurationError, "refused"),
)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class StoreMetrics:
    """The metrics of all stores of a process, in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "strongroom_store_requests_total",
            "Operations on an object store, by outcome",
            ("store", "operation", "outcome"),
            registry=registry,
        )
        self.seconds = Histogram(
            "strongroom_store_seconds",
            "Duration of operations on an object store; of open: until the answer begins",
            ("store", "operation"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.bytes = Counter(
            "strongroom_store_bytes_total",
            "Bytes of bodies moved through this process; copies inside a store are not among them",
            ("store", "direction"),
            registry=registry,
        )


PROCESS_METRICS = StoreMetrics(REGISTRY)


class MeteredStore:
    """A store that counts and times what is asked of it; `wrapped` is the store itself."""

    def __init__(self, store: ObjectStore, metrics: StoreMetrics = PROCESS_METRICS) -> None:
        self.wrapped = store
        self._metrics = metrics
        self._written = metrics.bytes.labels(store.name, "written")
        self._read = metrics.bytes.labels(store.name, "read")

    @property
    def name(self) -> str:
        """Name of the store."""
        return self.wrapped.name

    def put(self, key: str, source: Reader, size: int) -> Stat:
        """Pass on, and count the bytes that were stored."""
        with self._measured("put"):
            stat = self.wrapped.put(key, source, size)
        self._written.inc(size)
        return stat

    @contextmanager
    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Pass on, and count the bytes as they are read; one that breaks off is a failed `read`."""
        with ExitStack() as stack:
            with self._measured("open"):
                body = stack.enter_context(self.wrapped.open(key, offset, length))
            yield _MeteredBody(body, self)

    def stat(self, key: str) -> Stat:
        """Pass on."""
        with self._measured("stat"):
            return self.wrapped.stat(key)

    def delete(self, key: str) -> None:
        """Pass on."""
        with self._measured("delete"):
            self.wrapped.delete(key)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Pass on; the time of the caller between two keys is not measured."""
        return self._iterated("list", self.wrapped.list(prefix))

    def can_copy_from(self, source: ObjectStore) -> bool:
        """Pass on; no request."""
        return self.wrapped.can_copy_from(unwrapped(source))

    def copy_range(
        self, source: ObjectStore, source_key: str, offset: int, length: int, key: str, *, head: bytes = b""
    ) -> Stat:
        """Pass on; the few bytes that go through this process beside a head are not counted."""
        with self._measured("copy"):
            return self.wrapped.copy_range(unwrapped(source), source_key, offset, length, key, head=head)

    def presigned_get(self, key: str, expires: timedelta) -> str | None:
        """Pass on; no request."""
        return self.wrapped.presigned_get(key, expires)

    def check(self) -> None:
        """Pass on."""
        with self._measured("check"):
            self.wrapped.check()

    def start_upload(self, key: str) -> str:
        """Pass on."""
        with self._measured("start_upload"):
            return self.wrapped.start_upload(key)

    def put_part(self, key: str, upload_id: str, number: int, body: bytes | bytearray | memoryview) -> Part:
        """Pass on, and count the bytes that were stored."""
        with self._measured("put_part"):
            part = self.wrapped.put_part(key, upload_id, number, body)
        self._written.inc(part.size)
        return part

    def list_parts(self, key: str, upload_id: str) -> Parts:
        """Pass on."""
        with self._measured("list_parts"):
            return self.wrapped.list_parts(key, upload_id)

    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> Stat:
        """Pass on."""
        with self._measured("complete_upload"):
            return self.wrapped.complete_upload(key, upload_id, parts)

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Pass on."""
        with self._measured("abort_upload"):
            self.wrapped.abort_upload(key, upload_id)

    def unfinished_uploads(self, key: str | None = None) -> Iterator[UnfinishedUpload]:
        """Pass on; the time of the caller between two uploads is not measured."""
        return self._iterated("unfinished_uploads", self.wrapped.unfinished_uploads(key))

    def count_read(self, body: Reader, buffer: memoryview) -> int:
        """Read once from a body of this store."""
        try:
            count = body.readinto(buffer)
        except StrongroomError as error:
            self._count("read", outcome_of(error))
            raise
        self._read.inc(count)
        return count

    @contextmanager
    def _measured(self, operation: str) -> Iterator[None]:
        began = time.perf_counter()
        outcome = "error"
        try:
            yield
            outcome = "ok"
        except StrongroomError as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._time(operation, time.perf_counter() - began)
            self._count(operation, outcome)

    def _iterated(self, operation: str, items: Iterator[Item]) -> Iterator[Item]:
        """Measure one listing as a whole: the sum of the time its items take, and how it ended."""
        seconds = 0.0
        outcome = "ok"
        try:
            began = time.perf_counter()
            for item in items:
                seconds += time.perf_counter() - began
                yield item
                began = time.perf_counter()
            seconds += time.perf_counter() - began
        except StrongroomError as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._time(operation, seconds)
            self._count(operation, outcome)

    def _time(self, operation: str, seconds: float) -> None:
        self._metrics.seconds.labels(self.name, operation).observe(seconds)

    def _count(self, operation: str, outcome: str) -> None:
        self._metrics.requests.labels(self.name, operation, outcome).inc()


class _MeteredBody:
    def __init__(self, body: Reader, store: MeteredStore) -> None:
        self._body = body
        self._store = store

    def readinto(self, buffer: memoryview, /) -> int:
        return self._store.count_read(self._body, buffer)


def outcome_of(error: StrongroomError) -> str:
    """Return the label of an operation that failed."""
    return next((name for kind, name in _OUTCOMES if isinstance(error, kind)), "error")
