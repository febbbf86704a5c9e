"""Numbers every effect of a node's process, and ends the process before or after one of them."""

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import services.export.expiry
from shared.broker.commit import UnitWriter
from shared.broker.consuming import RabbitSource
from shared.broker.embedded import EmbeddedSource
from shared.broker.leases import LeaseKeeper
from shared.broker.publishing import Publisher
from shared.broker.relay import Relay
from shared.broker.unit import Unit
from shared.storage.directory import DirectoryStore
from shared.storage.multipart import S3Requests
from shared.storage.s3 import S3Store
from tests.faults.crash.task import Point

CRASHED = 66
"""Exit code of a process that was ended at its effect."""

_UPLOADS = ("start_upload", "put_part", "list_parts", "complete_upload", "abort_upload")
_WATCHED: dict[Any, Sequence[str]] = {
    services.export.expiry: ("forget",),
    EmbeddedSource: ("settle", "hand_back"),
    RabbitSource: ("settle", "hand_back"),
    Publisher: ("publish",),
    Relay: ("_note",),
    LeaseKeeper: ("claim", "abandon"),
    DirectoryStore: ("put", "stat", "delete", "copy_range", *_UPLOADS),
    S3Store: ("put", "stat", "delete", "copy_range", *_UPLOADS),
    # what the two that move bodies do one by one
    S3Requests: ("start", "put_part", "copy_part", "_complete"),
}


class Effects:
    """Counts; `log` gets a line for each effect, and those of the process that ended at `point` end with it."""

    def __init__(self, log: str, point: Point | None) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._point = point
        self._count = 0
        self._lock = threading.Lock()

    @contextmanager
    def effect(self, label: str) -> Iterator[None]:
        """Number what is done in the block."""
        with self._lock:
            self._count += 1
            number = self._count
            os.write(self._log, f"{label}\n".encode())
        self._end_at(Point(number, "before"))
        try:
            yield
        finally:
            self._end_at(Point(number, "after"))

    def _end_at(self, here: Point) -> None:
        if here == self._point:
            os._exit(CRASHED)

    def number_all(self) -> None:
        """Put a counter around every effect that this process can have."""
        for owner, names in _WATCHED.items():
            for name in names:
                self._wrap(owner, name, f"{owner.__name__}.{name}")
        self._wrap_commits()
        self._wrap_relay()
        for store in (DirectoryStore, S3Store):
            self._wrap_open(store)

    def _wrap(self, owner: Any, name: str, label: str) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def numbered(*arguments: Any, **named: Any) -> Any:
            with self.effect(label):
                return original(*arguments, **named)

        setattr(owner, name, numbered)

    def _wrap_open(self, owner: Any) -> None:
        original = owner.open

        @contextmanager
        def numbered(*arguments: Any, **named: Any) -> Iterator[Any]:
            with self.effect(f"{owner.__name__}.open"), original(*arguments, **named) as body:
                yield body

        owner.open = numbered

    def _wrap_commits(self) -> None:
        original = UnitWriter.write

        def numbered(writer: UnitWriter, units: Sequence[Unit]) -> None:
            with self.effect(f"commit {'+'.join(sorted(unit.service for unit in units))}"):
                original(writer, units)

        UnitWriter.write = numbered  # type: ignore[method-assign, assignment]

    def _wrap_relay(self) -> None:
        original: Callable[[Relay], int] = Relay._publish_some

        def numbered(relay: Relay) -> int:
            settled = original(relay)
            if settled:
                with self.effect("Relay committed"):
                    pass
            return settled

        Relay._publish_some = numbered  # type: ignore[method-assign, assignment]
