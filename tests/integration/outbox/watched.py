"""A store that tells how many of its bodies are being read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.storage.port import ObjectStore, Reader


class WatchedStore:
    """Passes everything on to a real store, and counts the bodies that are open."""

    def __init__(self, wrapped: ObjectStore) -> None:
        self._wrapped = wrapped
        self._lock = threading.Lock()
        self.open_bodies = 0

    @contextmanager
    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[Reader]:
        self._count(1)
        try:
            with self._wrapped.open(key, offset, length) as body:
                yield body
        finally:
            self._count(-1)

    def __getattr__(self, name: str) -> object:
        return getattr(self._wrapped, name)

    def _count(self, change: int) -> None:
        with self._lock:
            self.open_bodies += change
