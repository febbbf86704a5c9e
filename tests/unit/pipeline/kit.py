"""A node without a broker: SQLite, folders, real keys, and the handlers of all services of the pipeline."""

import io
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import select

from services.finalize.finalize import Finalize
from services.finalize.handler import FinalizeHandler
from services.ingest.cancel import Cancel
from services.ingest.handler import IngestHandler
from services.ingest.ingest import Ingest
from services.ingest.queries import registration
from services.ingest.stores import Stores
from services.mapper.handler import CleanupHandler, MappingsHandler
from services.orchestrate.decide import AccessionPattern
from services.orchestrate.handler import InboxHandler, VerifiedHandler
from services.verify.handler import VerifyHandler
from services.verify.verify import Verify
from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.committer import Committer
from shared.broker.delivery import Delivery
from shared.broker.intake import Load
from shared.broker.leases import LeaseKeeper
from shared.broker.outcomes import Outcome, Patience, settle_error
from shared.broker.runner import Handler, nothing
from shared.broker.unit import Unit
from shared.crypto.cores import Cores
from shared.crypto.keys import PrivateKey, generate
from shared.database.engine import Conflict, Database
from shared.database.queue_tables import dead_letters, outgoing
from shared.database.records import ChecksumSource, File, file_by_id
from shared.database.statements import SIDECAR_KEEP
from shared.database.states import FileState
from shared.database.tables import checksums, dataset_files, datasets, events
from shared.database.types import now
from shared.identifiers import FileId, new_file_id, wire_path
from shared.messages.catalogue import CATALOGUES, IdRules
from shared.storage.directory import DirectoryStore
from shared.storage.metered import MeteredStore, StoreMetrics
from shared.storage.port import ObjectStore
from tests.stack.rows import FILE_ROW
from tests.unit.crypto.reference import data, make_file
from tests.unit.pipeline.objects import both

USER = "ann@example.org"
CATALOGUE = CATALOGUES[IdRules.ISOLATED]
KEY = generate()
SMALL = 100_000
LARGE = 9 * 2**20


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as its submitter knows it."""

    file: File
    plain: bytes
    header: bytes
    body: bytes

    @property
    def id(self) -> FileId:
        return self.file.id

    @property
    def content(self) -> bytes:
        return self.header + self.body

    @property
    def path(self) -> str:
        return wire_path(USER, self.file.path)


@dataclass
class Result:
    """What became of a delivery, and what it sent: bodies by routing key, newest last."""

    outcome: Outcome
    sent: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


class Archive:
    """All services of the pipeline on one database and three folders."""

    def __init__(self, folder: Path, database: Database, key: PrivateKey = KEY) -> None:
        self.database = database
        self.registry = CollectorRegistry()
        self.metrics = StoreMetrics(self.registry)
        self.inbox, self.archive, self.backup = (
            MeteredStore(DirectoryStore(folder / name, name=name), self.metrics)
            for name in ("inbox", "archive", "backup")
        )
        self.committer = Committer(UnitWriter(database, to_exchange), on_commit=lambda _units: None)
        self.committer.start()
        self.leases = LeaseKeeper(self.committer)
        self.committer.commit(registration((key,)))
        self.keys = (key,)
        self.backup_store: ObjectStore = self.backup

    def close(self) -> None:
        self.committer.stop()

    # ---- handlers

    @property
    def ingest(self) -> Handler:
        stores = Stores(self.inbox, self.archive, self.backup_store)
        return IngestHandler(
            database=self.database,
            catalogue=CATALOGUE,
            ingest=Ingest(stores=stores, keys=self.keys, leases=self.leases),
            cancel=Cancel(stores=stores, leases=self.leases),
        )

    @property
    def verify(self) -> Handler:
        verify = Verify(archive=self.archive, keys=self.keys, leases=self.leases, cores=Cores(2))
        return VerifyHandler(catalogue=CATALOGUE, verify=verify)

    @property
    def finalize(self) -> Handler:
        finalize = Finalize(archive=self.archive, backup=self.backup_store, leases=self.leases, catalogue=CATALOGUE)
        return FinalizeHandler(catalogue=CATALOGUE, finalize=finalize)

    @property
    def mapper(self) -> Handler:
        return MappingsHandler(database=self.database, catalogue=CATALOGUE, patience=timedelta(seconds=5))

    @property
    def cleanup(self) -> Handler:
        return CleanupHandler(database=self.database, catalogue=CATALOGUE, inbox=self.inbox)

    @property
    def orchestrate_inbox(self) -> Handler:
        return InboxHandler(catalogue=CATALOGUE)

    @property
    def orchestrate_verified(self) -> Handler:
        pattern = AccessionPattern("EGAF{number:011d}")
        return VerifiedHandler(database=self.database, catalogue=CATALOGUE, pattern=pattern)

    # ---- what the runner does, without threads

    def deliver(self, handler: Handler, message: object, correlation_id: str | None = None, **delivery: Any) -> Result:
        """Decide and commit one delivery; `message` is a JSON object, or the body itself."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.settle(handler, Delivery(queue="test", body=body, correlation_id=correlation_id, **delivery))

    def settle(self, handler: Handler, delivery: Delivery) -> Result:
        unit, outcome = Unit("test"), Outcome.DONE
        try:
            handler(self._known(handler, delivery), unit)
        except Exception as error:  # noqa: BLE001 - as the runner does
            unit = Unit("test", file=unit.file, lease=unit.lease)
            outcome = settle_error(error, delivery, unit, Patience())
        if unit.lease is not None:
            self.leases.release_with(unit.lease, unit)
            self.leases.forget(unit.lease)
        before = self._last_sent()
        try:
            self.committer.commit(unit)
        except Conflict:
            return self.settle(handler, replace(delivery, races_lost=delivery.races_lost + 1))
        return Result(outcome, self._sent_after(before))

    def _known(self, handler: Handler, delivery: Delivery) -> Delivery:
        load: Load = getattr(handler, "load", nothing)
        with self.database.read() as connection:
            return replace(delivery, known=load(connection, [delivery])[0])

    def _last_sent(self) -> int:
        with self.database.read() as connection:
            return max(connection.scalars(select(outgoing.c.id)), default=0)

    def _sent_after(self, before: int) -> dict[str, list[dict[str, Any]]]:
        sent: dict[str, list[dict[str, Any]]] = {}
        with self.database.read() as connection:
            for row in connection.execute(select(outgoing).where(outgoing.c.id > before).order_by(outgoing.c.id)):
                sent.setdefault(row.routing_key, []).append(json.loads(row.body))
        return sent

    # ---- files

    def upload(
        self, size: int = SMALL, *, content: bytes | None = None, size_known: bool = True, reader: PrivateKey = KEY
    ) -> Upload:
        """Put a file into the inbox, as the inbox service does; `content` replaces what is stored."""
        plain = data(size)
        header, body = make_file(plain, [reader])
        stored = header + body if content is None else content
        file = self._register(len(header + body) if size_known else None)
        self.inbox.put(file.id, io.BytesIO(stored), len(stored))
        return Upload(file=file, plain=plain, header=header, body=body)

    def _register(self, size: int | None, state: FileState = FileState.UPLOADED) -> File:
        at, file_id = now(), new_file_id()
        values: dict[str, Any] = dict.fromkeys(File.__dataclass_fields__)
        values |= {"id": file_id, "user": USER, "path": f"run 1/{file_id}.c4gh", "state": state, "size": size}
        values |= {"inbox_location": "inbox", "registered_at": at, "changed_at": at}
        unit = Unit("inbox")
        unit.add(FILE_ROW, **values)
        self.committer.commit(unit)
        return File(**values)

    def registered(self) -> File:
        """Return a file that is still being uploaded."""
        return self._register(None, FileState.REGISTERED)

    def uploaded_checksums(self, upload: Upload) -> None:
        """Record what the inbox computed while the file came in."""
        unit = Unit("inbox")
        unit.checksums(upload.id, ChecksumSource.UPLOADED, both(upload.content))
        self.committer.commit(unit)

    def sidecar(self, upload: Upload, ending: str, value: str) -> None:
        """Record a checksum file beside the upload; `ending` is `.c4gh.sha256`, `.md5` and so on."""
        unit = Unit("inbox")
        path, algorithm = upload.file.path.removesuffix(".c4gh") + ending, ending.rpartition(".")[2]
        row = {"user": USER, "path": path, "algorithm": algorithm, "value": value.lower(), "size": 64, "at": unit.at}
        unit.add(SIDECAR_KEEP, **row)
        self.committer.commit(unit)

    def file(self, upload: Upload | File) -> File:
        with self.database.read() as connection:
            found = file_by_id(connection, upload.id)
        assert found is not None
        return found

    def state(self, upload: Upload | File) -> str:
        return self.file(upload).state.value

    def happened(self, upload: Upload | File) -> list[str]:
        with self.database.read() as connection:
            query = select(events.c.event).where(events.c.file_id == upload.id).order_by(events.c.id)
            return list(connection.scalars(query))

    def checksums(self, upload: Upload) -> dict[str, dict[str, str]]:
        with self.database.read() as connection:
            rows = connection.execute(select(checksums).where(checksums.c.file_id == upload.id)).all()
        return {
            source: {r.algorithm: r.value for r in rows if r.source == source} for source in {r.source for r in rows}
        }

    def dataset(self, dataset: str) -> tuple[str, set[str]]:
        """Return the state of a dataset and its files."""
        with self.database.read() as connection:
            state = connection.scalar(select(datasets.c.state).where(datasets.c.id == dataset))
            files = connection.scalars(select(dataset_files.c.file_id).where(dataset_files.c.dataset_id == dataset))
            return str(state), set(files)

    def dead(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.scalars(select(dead_letters.c.body)))

    # ---- steps of a file's life

    def trigger(self, upload: Upload, kind: str = "ingest", **fields: Any) -> Result:
        message = {"type": kind, "user": USER, "filepath": upload.path, **fields}
        return self.deliver(self.ingest, message, upload.id)

    def check(self, upload: Upload, **fields: Any) -> Result:
        message = {
            "user": USER, "filepath": upload.path, "file_id": upload.id, "archive_path": upload.id,
            "encrypted_checksums": [], **fields,
        }  # fmt: skip
        return self.deliver(self.verify, message, upload.id)

    def give(self, upload: Upload, accession: str, **delivery: Any) -> Result:
        message = {
            "type": "accession", "user": USER, "filepath": upload.path, "accession_id": accession,
            "decrypted_checksums": [{"type": name, "value": value} for name, value in both(upload.plain).items()],
        }  # fmt: skip
        return self.deliver(self.finalize, message, upload.id, **delivery)

    def map(self, dataset: str, *accessions: str, **delivery: Any) -> Result:
        message = {"type": "mapping", "dataset_id": dataset, "accession_ids": accessions}
        return self.deliver(self.mapper, message, **delivery)

    def change(self, kind: str, dataset: str, **delivery: Any) -> Result:
        return self.deliver(self.mapper, {"type": kind, "dataset_id": dataset}, **delivery)

    def archived(self, size: int = SMALL) -> Upload:
        upload = self.upload(size)
        assert self.trigger(upload).outcome is Outcome.DONE
        return upload

    def verified(self, size: int = SMALL) -> Upload:
        upload = self.archived(size)
        assert self.check(upload).outcome is Outcome.DONE
        return upload

    def ready(self, accession: str, size: int = SMALL) -> Upload:
        upload = self.verified(size)
        assert self.give(upload, accession).outcome is Outcome.DONE
        return upload
