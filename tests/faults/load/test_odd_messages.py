"""Messages that come again, too early, or about files that can't be archived, between those of many other files."""

import json
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from shared.broker.unit import Unit
from shared.crypto.keys import generate
from shared.database.queue_tables import outgoing
from shared.database.states import FileState
from shared.database.tables import events
from shared.identifiers import FileId, wire_path
from tests.faults.figures import Note
from tests.faults.load.audit import check_all, conclude
from tests.faults.load.load import SMALL, USER, path_of, until
from tests.faults.load.scale import Scale
from tests.faults.load.site import Site, site_on
from tests.stack.handles import PostgresServer, RabbitMQ, S3Server
from tests.stack.process import Home

AGAIN = 3


@pytest.fixture(scope="module")
def site(home: Home, rabbitmq: RabbitMQ, postgres: PostgresServer, minio: S3Server) -> Iterator[Site]:
    services = ("ingest", "verify", "finalize", "orchestrate")
    with site_on(home, rabbitmq, postgres, minio, replicas=2, services=services) as site:
        yield site
        check_all(site.load)
        site.check_queues()


def test_triggers_that_come_again_change_nothing(site: Site, scale: Scale, note: Note) -> None:
    some = site.load.put(scale.files)
    site.load.tell(some)
    for _ in range(AGAIN):
        _send(site, "ingest", "ingest", some)
    _conclude(site, some, "every trigger sent again", scale, note, times=AGAIN * len(some))
    _send(site, "ingest", "ingest", some)
    until("the triggers to be taken", lambda: not _owed(site))
    assert _happened(site, some, "submitted") == _happened(site, some, "archived") == len(some)


def test_accession_ids_that_come_too_early_wait_for_their_files(site: Site, scale: Scale, note: Note) -> None:
    some = site.load.put(scale.files)
    site.load.register(some)
    for file in some:
        # as orchestrate will give it
        _send(site, "accession", "accession", [file], accession_id=f"urn:strongroom:{file}", decrypted_checksums=[])
    early: set[str] = set()
    until("all of them to be put off", lambda: _put_off(site, early) >= set(some))
    site.publish(some)
    _conclude(site, some, "accession id before the file is verified", scale, note, times=len(some))


def test_files_for_another_key_are_in_nobodys_way(site: Site, scale: Scale, note: Note) -> None:
    stranger = generate().public
    foreign = [site.load.put_one(SMALL, stranger) for _ in range(scale.files // 4)]
    some = site.load.put(scale.files)
    site.load.tell([*foreign, *some])
    _conclude(site, some, "file for another key", scale, note, times=len(foreign))
    told: list[str] = []
    until("all refusals to be told", lambda: len(_refusals(site, told)) >= len(foreign))
    assert sorted(told) == sorted(foreign)
    assert set(site.load.states(foreign).values()) == {FileState.ERROR}
    assert _happened(site, foreign, "error") == len(foreign)
    _send(site, "ingest", "cancel", foreign)
    until("them to be gone", lambda: set(site.load.states(foreign).values()) == {FileState.CANCELLED})
    for file in foreign:
        del site.load.sent[file]


def _send(site: Site, queue: str, kind: str, some: Collection[FileId], **fields: Any) -> None:
    unit = Unit("test")
    for file in some:
        body = {"type": kind, "user": USER, "filepath": wire_path(USER, path_of(file)), **fields}
        unit.send_raw(queue, json.dumps(body), file, queue=queue)
    site.load.write(unit)


def _owed(site: Site) -> bool:
    with site.load.database.read() as connection:
        rows = connection.scalar(select(func.count()).select_from(outgoing)) or 0
    return rows > 0 or any(site.backlog().values())


def _put_off(site: Site, known: set[str]) -> set[str]:
    """Add to those known the files whose accession ids were put off so far."""
    query = select(outgoing.c.correlation_id).where(outgoing.c.queue == "accession", outgoing.c.attempt > 0)
    with site.load.database.read() as connection:
        known |= set(connection.scalars(query))
    return known


def _refusals(site: Site, known: list[str]) -> list[str]:
    """Add to those known the files that were refused since."""
    known += [str(message.correlation_id) for message in site.taken("error")]
    return known


def _happened(site: Site, some: Collection[FileId], event: str) -> int:
    query = select(events.c.file_id).where(events.c.event == event)
    with site.load.database.read() as connection:
        return sum(file in some for file in connection.scalars(query))


def _conclude(site: Site, some: Collection[FileId], fault: str, scale: Scale, note: Note, *, times: int) -> None:
    figures: dict[str, Any] = {"patience": scale.patience, "completions": site.completions}
    conclude(site.load, some, fault=fault, times=times, note=note, **figures)
