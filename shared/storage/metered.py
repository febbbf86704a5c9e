"""What a store does, for Prometheus."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

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


class MeteredStore:
    """A store that counts and times what is asked of it; `wrapped` is the store itself."""

    def __init__(self, store: ObjectStore, metrics: StoreMetrics) -> None:
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
        """Pass on, and count the bytes as they are read; a body that breaks off counts as a request of its own."""
        opening = self.wrapped.open(key, offset, length)
        with self._measured("open"):
            body = opening.__enter__()
        with _closing(opening):
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

    def copy_range(self, source: ObjectStore, source_key: str, offset: int, length: int, key: str) -> Stat:
        """Pass on; no byte goes through this process."""
        with self._measured("copy"):
            return self.wrapped.copy_range(unwrapped(source), source_key, offset, length, key)
