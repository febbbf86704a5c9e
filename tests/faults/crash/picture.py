"""What can be seen of a node when all is quiet, in terms that do not change from run to run."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, text

from shared.database.engine import Database
from shared.database.queue_tables import dead_letters, leases, outgoing, uploads
from shared.database.tables import (
    audit,
    checksums,
    dataset_events,
    dataset_files,
    datasets,
    events,
    export_files,
    exports,
    files,
    grants,
)
from shared.storage.port import ObjectStore
from tests.faults.crash.stories import Story

Picture = dict[str, Any]

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FACTS = (
    "state", "size", "inbox_location", "key_fingerprint", "archive_location", "archive_size", "plain_size",
    "backup_location", "accession", "error",
)  # fmt: skip


@dataclass(frozen=True)
class Names:
    """Names of files instead of their ids. Uploads that were given up have none: only their files remain."""

    known: Mapping[str, str]
    given_up: frozenset[str]

    def of(self, value: str) -> str:
        return _ID.sub(lambda found: self.known.get(found[0], found[0]), value)


def names(connection: Connection, story: Story) -> Names:
    """Name every file: one that was there by its path, one that came after it."""
    present = {file.id: f"<{file.path}>" for file in (*story.present, *story.released)}
    given_up = frozenset(connection.scalars(select(events.c.file_id).where(events.c.event == "abandoned")))
    came = [row for row in connection.execute(select(files.c.id, files.c.path)) if row.id not in present]
    uploaded = {row.id: f"<{row.path}, uploaded>" for row in came if row.id not in given_up}
    assert len(set(uploaded.values())) == len(uploaded), "a file was uploaded twice"
    return Names(present | uploaded, given_up)


def picture(database: Database, stores: Mapping[str, ObjectStore], story: Story) -> Picture:
    """Describe files, datasets, messages sent and kept, and objects."""
    with database.read() as connection:
        called = names(connection, story)
        return {
            **_files(connection, called),
            **_datasets(connection, called),
            **_exports(connection, called),
            "sent": _sent(connection, called),
            "left to others": Counter(
                called.of(f"{row.routing_key} {row.correlation_id}") for row in connection.execute(select(outgoing))
            ),
            "dead": Counter(called.of(f"{r.queue} {r.reason}") for r in connection.execute(select(dead_letters))),
            "leases": connection.execute(select(leases)).all(),
            "uploads": connection.execute(select(uploads)).all(),
            "objects": {name: dict(_objects(store, called)) for name, store in stores.items()},
            "unfinished": [upload for store in stores.values() for upload in store.unfinished_uploads()],
        }


def _files(connection: Connection, called: Names) -> Picture:
    rows = {called.of(row.id): row for row in connection.execute(select(files)) if row.id not in called.given_up}
    digests: dict[str, str] = {
        called.of(f"{row.file_id} {row.source} {row.algorithm}"): row.value
        for row in connection.execute(select(checksums))
    }
    happened = [row for row in connection.execute(select(events)) if row.file_id not in called.given_up]
    return {
        "files": {name: _row(row, called) for name, row in rows.items()},
        "headers": {name: _digest(row.header) for name, row in rows.items() if row.header},
        "checksums": {name: value for name, value in digests.items() if not _optional(name)},
        "events": Counter(called.of(f"{row.file_id} {row.service}: {row.event}") for row in happened),
    }


def _row(row: Any, called: Names) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in _FACTS}
    return found | {"accession": called.of(row.accession or "")}


def _optional(name: str) -> bool:
    """Tell whether a checksum of an upload is known only where one process has seen all of it."""
    return ", uploaded>" in name and name.endswith(("uploaded md5", "submitted sha256", "submitted md5"))


def _datasets(connection: Connection, called: Names) -> Picture:
    return {
        "datasets": {row.id: row.state for row in connection.execute(select(datasets))},
        "dataset files": Counter(called.of(row.file_id) for row in connection.execute(select(dataset_files))),
        "grants": sorted((row.user, row.dataset_id) for row in connection.execute(select(grants))),
        "dataset events": Counter(row.event for row in connection.execute(select(dataset_events))),
    }


def _exports(connection: Connection, called: Names) -> Picture:
    rows = connection.execute(select(exports)).all()
    records = connection.execute(select(audit)).all()
    return {
        "exports": {row.id: (row.listed_at is not None, row.refusal, row.removed_at) for row in rows},
        "export files": sorted(
            (row.export_id, called.of(row.file_id), row.state, row.reason)
            for row in connection.execute(select(export_files))
        ),
        "audit": Counter(
            called.of(f"{row.user} {row.action} {row.target} {row.file_id} {row.outcome} {row.bytes}")
            for row in records
        ),
    }


def _sent(connection: Connection, called: Names) -> Counter[str]:
    """Count what was sent, by its meaning; a message that is put off is still the same."""
    rows = connection.execute(text("SELECT * FROM sent_log WHERE attempt = 0")).all()
    return Counter(called.of(f"{r.destination} {r.correlation_id} {_meaning(r)}") for r in rows)


def _meaning(row: Any) -> str:
    body = json.loads(row.body)
    if row.destination in {"inbox", "ingest", "archived"}:
        body.pop("encrypted_checksums", None)
    return json.dumps(body, sort_keys=True)


def _objects(store: ObjectStore, called: Names) -> Iterator[tuple[str, str]]:
    for key in store.list():
        yield called.of(key), _content(store, key)


def _content(store: ObjectStore, key: str) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(2**20))
    with store.open(key) as body:
        while count := body.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sent_ids(database: Database, destination: str) -> set[str]:
    """Return the ids of all messages that were sent to a queue."""
    query = text("SELECT message_id FROM sent_log WHERE destination = :destination")
    with database.read() as connection:
        return {str(UUID(str(found))) for found in connection.scalars(query, {"destination": destination})}
