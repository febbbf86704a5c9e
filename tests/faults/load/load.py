"""Files sent to a node: put into its inbox and told of, as the inbox does it, without the time that SFTP takes."""

import hashlib
import io
import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from shared.broker.commit import Routing, UnitWriter
from shared.broker.unit import Unit
from shared.crypto.keys import PublicKey
from shared.crypto.streams import encrypt_stream
from shared.database.engine import Conflict, Database, DatabaseAway
from shared.database.states import FileState
from shared.database.tables import files
from shared.identifiers import FileId, new_file_id, wire_path
from shared.messages.inbox import InboxUpload
from shared.storage.port import ObjectStore
from tests.stack.rows import FILE_ROW

USER = "submitter"
SMALL = 100_000
LARGE = 9_000_000
"""Bytes of plaintext; files of LARGE take leases and are copied by the store."""
ONE_IN = 20
"""One file in so many is a large one."""
HEADER = 124


@dataclass(frozen=True)
class Sent:
    """What must be found of a file at the end: bytes of the upload, SHA-256 of all of it and of what is archived."""

    size: int
    whole: str
    body: str

    @classmethod
    def of(cls, sealed: bytes) -> "Sent":
        """Take down what was sealed."""
        return cls(len(sealed), hashlib.sha256(sealed).hexdigest(), hashlib.sha256(sealed[HEADER:]).hexdigest())


@dataclass
class Load:
    """All files sent to one node. `routing`: as its units are routed."""

    database: Database
    routing: Routing
    stores: Mapping[str, ObjectStore]
    reader: PublicKey
    sent: dict[FileId, Sent] = field(default_factory=dict)

    def put(self, count: int, *, large: bool = True) -> list[FileId]:
        """Put files into the inbox, of which nobody knows yet; `large`: some of them are."""
        return [self.put_one(LARGE if large and len(self.sent) % ONE_IN == 0 else SMALL) for _ in range(count)]

    def put_one(self, size: int, reader: PublicKey | None = None) -> FileId:
        """Put a file of so many bytes of plaintext into the inbox; for the archive, unless `reader` is another."""
        file, sealed = new_file_id(), _seal(size, reader or self.reader)
        self.stores["inbox"].put(file, io.BytesIO(sealed), len(sealed))
        self.sent[file] = Sent.of(sealed)
        return file

    def tell(self, some: Collection[FileId]) -> None:
        """Register files that were put into the inbox, and tell of them, as soon as the database answers."""
        unit = Unit("test")
        for file in some:
            self._register(file, unit)
            unit.send(self.message(file), file)
        self.write(unit)

    def register(self, some: Collection[FileId]) -> None:
        """Register files that were put into the inbox, and tell nobody."""
        unit = Unit("test")
        for file in some:
            self._register(file, unit)
        self.write(unit)

    def write(self, unit: Unit) -> None:
        """Commit a unit, as soon as the database answers."""
        until("the database", lambda: self._written(unit))

    def message(self, file: FileId) -> InboxUpload:
        """Return what the inbox tells of a file."""
        return InboxUpload(user=USER, filepath=wire_path(USER, path_of(file)), filesize=self.sent[file].size)

    def ready(self, some: Collection[FileId]) -> int:
        """Count the files that are ready; 0 while the database is away."""
        return sum(state is FileState.READY for state in self.states(some).values())

    def states(self, some: Collection[FileId]) -> dict[FileId, FileState]:
        """Give the states of files; none while the database is away."""
        try:
            with self.database.read() as connection:
                rows = connection.execute(select(files.c.id, files.c.state)).all()
        except DatabaseAway:
            return {}
        wanted = set(some)
        return {row.id: FileState(row.state) for row in rows if row.id in wanted}

    def _register(self, file: FileId, unit: Unit) -> None:
        row = {"user": USER, "path": path_of(file), "state": "uploaded", "size": self.sent[file].size}
        location = self.stores["inbox"].name
        unit.add(FILE_ROW, id=file, inbox_location=location, registered_at=unit.at, changed_at=unit.at, **row)

    def _written(self, unit: Unit) -> bool:
        with suppress(Conflict):  # it was written when the database went away
            try:
                UnitWriter(self.database, self.routing).write([unit])
            except DatabaseAway:
                return False
        return True


@dataclass
class Supply:
    """Keeps many files in flight while a fault strikes again and again."""

    load: Load
    want: int
    large: bool = True
    some: list[FileId] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)
    """how many files were in flight each time that the fault struck"""

    def fill(self) -> None:
        """Send files until as many are in flight as are wanted."""
        new = self.load.put(self.want - self._unfinished(), large=self.large)
        self.load.tell(new)
        self.some += new

    def strike(self, blow: Callable[[], object]) -> None:
        """Let the fault happen."""
        self.in_flight.append(self._unfinished())
        blow()

    def _unfinished(self) -> int:
        return len(self.some) - self.load.ready(self.some)


def path_of(file: FileId) -> str:
    """Return where a file is in its submitter's inbox."""
    return f"{file}.c4gh"


def until(what: str, reached: Callable[[], Any], seconds: float = 120) -> Any:
    """Poll until `reached` returns something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)
    return found


def pass_time(seconds: float) -> None:
    """Let a fault last."""
    end = time.monotonic() + seconds
    until("time to pass", lambda: time.monotonic() > end, seconds + 60)


def _seal(size: int, reader: PublicKey) -> bytes:
    sealed = io.BytesIO()
    encrypt_stream(io.BytesIO(os.urandom(size)), sealed.write, [reader])
    return sealed.getvalue()
