"""The ground that a node stands on, seen from outside: made anew for every run, and looked at when all is quiet."""

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, update

from services.inbox.inbox import Inbox
from services.inbox.open_uploads import OpenUploads
from services.inbox.reconcile import Reconciler
from shared.broker.commit import Routing, UnitWriter
from shared.broker.committer import Committer
from shared.broker.unit import Unit
from shared.crypto.keys import write_key_pair
from shared.database.engine import Database
from shared.database.queue_tables import leases, uploads
from shared.database.records import ChecksumSource, File
from shared.database.states import FileState
from shared.database.tables import dataset_files, datasets, exports, files, grants
from shared.database.types import now
from shared.lifecycle import running
from shared.storage.port import ObjectStore
from tests.faults.crash.picture import Picture, picture
from tests.faults.crash.stories import DATASET, KEY, READER, USER, Sealed, Sent, Step, Story
from tests.faults.crash.task import Point, Task, Wanted
from tests.stack.rows import FILE_ROW
from tests.unit.pipeline.objects import both

STORES = ("inbox", "archive", "backup", "exports")
CONSUMED = ("from_cega", "ingest", "archived", "accession", "mappings", "cleanup", "exports")


class World(ABC):
    """Files, messages and servers of one story."""

    routing: Routing
    database: Database
    stores: Mapping[str, ObjectStore]
    broker_url: str | None = None

    def __init__(self, folder: Path, story: Story) -> None:
        self.folder = folder
        self.story = story
        self.log, self.output = folder / "effects", folder / "output"
        answered = ("inbox", "verified") if "orchestrate" in story.services else ()
        self.consumed = (*CONSUMED, *answered)
        self._key = folder / "archive.sec"
        write_key_pair(KEY, self._key, folder / "archive.pub", None)
        for file in story.coming:
            (folder / file.path).write_bytes(file.content)

    @abstractmethod
    def begin(self) -> None:
        """Make everything as it is at the beginning of the story."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the settings of the services."""

    @abstractmethod
    def owed(self) -> int:
        """Count the messages that are still to be acted on."""

    @abstractmethod
    def check_queues(self) -> bool:
        """Check what stands in the queues of a broker after a run; False if something is still to be taken."""

    def task(self, point: Point | None, *, resumes: bool = False) -> Task:
        """Return what a node is to do."""
        wanted = tuple(
            Wanted(user=USER, path=file.path, content=str(self.folder / file.path)) for file in self.story.coming
        )
        return Task(
            database_url=self.database.url.render_as_string(hide_password=False),
            broker_url=self.broker_url,
            values={**self.settings(), "archive_keys": [str(self._key)]},
            services=self.story.services,
            uploads=wanted,
            log=str(self.log),
            output=str(self.output),
            point=point,
            resumes=resumes,
        )

    def send(self, step: Step) -> None:
        """Send messages and write into the database, as another process does."""
        unit = Unit("outside")
        for one in step:
            if isinstance(one, Sent):
                unit.send_raw(one.queue, one.body, one.correlation_id, queue=one.queue)
            else:
                unit.add(one.statement, **one.values)
        if step:
            UnitWriter(self.database, self.routing).write([unit])

    def quiet(self) -> bool:
        """Tell whether all files have come, all messages were acted on, and what was given up is gone."""
        return self._all_came() and not self.owed() and not self._to_be_removed()

    def _to_be_removed(self) -> int:
        with self.database.read() as connection:
            return connection.scalar(select(func.count()).where(exports.c.removed_at.is_not(None))) or 0

    def _all_came(self) -> bool:
        present = {file.id for file in (*self.story.present, *self.story.released)}
        query = select(files.c.path).where(files.c.inbox_location.is_not(None), files.c.id.not_in(present))
        with self.database.read() as connection:
            return {file.path for file in self.story.coming} <= set(connection.scalars(query))

    def end_leases(self) -> None:
        """Make leases run out, as they do after a while."""
        with self.database.write() as connection:
            connection.execute(update(leases).values(expires_at=now() - timedelta(seconds=1)))

    def age_uploads(self) -> None:
        """Make uploads as old as they are after an hour, when nobody can be at them."""
        with self.database.write() as connection:
            connection.execute(update(uploads).values(touched_at=now() - timedelta(hours=1)))

    def picture(self) -> Picture:
        """Describe what there is, days later, when the inbox was swept."""
        committer = Committer(UnitWriter(self.database, self.routing), on_commit=lambda _units: None)
        inbox = Inbox(self.database, committer, self.stores["inbox"], OpenUploads(1))
        with running([committer]):
            Reconciler(inbox, patience=timedelta(days=14)).reconcile(now() + timedelta(days=3))
        return picture(self.database, self.stores, self.story)

    def fill(self, database: Database) -> None:
        """Register what is there at the beginning, and keep a log of all that is ever sent."""
        with database.write() as connection:
            for statement in _sent_log(sqlite=database.is_sqlite):
                connection.exec_driver_sql(statement)
        unit = Unit("inbox")
        for file in self.story.present:
            unit.add(FILE_ROW, **vars(uploaded(file, self.stores["inbox"].name)))
            unit.checksums(file.id, ChecksumSource.UPLOADED, both(file.content))
        UnitWriter(database, self.routing).write([unit])
        release(database, self.story.released)

    def fill_stores(self, stores: Mapping[str, ObjectStore]) -> None:
        for file in self.story.present:
            stores["inbox"].put(file.id, io.BytesIO(file.content), len(file.content))
        for file in self.story.released:
            stores["archive"].put(file.id, io.BytesIO(file.body), len(file.body))


def uploaded(file: Sealed, store: str) -> File:
    """Return the row of a file that was uploaded."""
    values: dict[str, Any] = dict.fromkeys(File.__dataclass_fields__)
    values |= {"id": file.id, "user": USER, "path": file.path, "state": FileState.UPLOADED, "size": len(file.content)}
    return File(**{**values, "inbox_location": store, "registered_at": now(), "changed_at": now()})


def release(database: Database, released: Sequence[Sealed]) -> None:
    """Register files that are ready in a dataset that was granted to a reader."""
    at = now()
    rows = [
        {
            "id": file.id, "user": USER, "path": file.path, "state": FileState.READY.value, "header": file.header,
            "archive_size": len(file.body), "plain_size": len(file.plain), "accession": file.accession,
            "registered_at": at, "changed_at": at,
        }
        for file in released
    ]  # fmt: skip
    if not rows:
        return
    with database.write() as connection:
        connection.execute(insert(files), rows)
        connection.execute(insert(datasets).values(id=DATASET, state="released", registered_at=at, changed_at=at))
        members = [{"dataset_id": DATASET, "file_id": file.id, "added_at": at} for file in released]
        connection.execute(insert(dataset_files), members)
        connection.execute(insert(grants).values(user=READER, dataset_id=DATASET, granted_at=at))


def _sent_log(*, sqlite: bool) -> Iterator[str]:
    """Yield what makes a table that keeps every row that ever was in `outgoing`."""
    columns = "message_id, destination, correlation_id, body, attempt"
    values = "NEW.message_id, coalesce(NEW.queue, NEW.routing_key), NEW.correlation_id, NEW.body, NEW.attempt"
    keep = f"INSERT INTO sent_log ({columns}) VALUES ({values});"
    yield "CREATE TABLE sent_log (message_id TEXT, destination TEXT, correlation_id TEXT, body TEXT, attempt INTEGER)"
    if sqlite:
        yield f"CREATE TRIGGER keep_sent AFTER INSERT ON outgoing BEGIN {keep} END"
        return
    yield f"CREATE FUNCTION keep_sent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {keep} RETURN NEW; END $$"
    yield "CREATE TRIGGER keep_sent AFTER INSERT ON outgoing FOR EACH ROW EXECUTE FUNCTION keep_sent()"
