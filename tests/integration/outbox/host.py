"""An outbox that serves, and files that readers may or may not read."""

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import crypt4gh.lib
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, insert, select, update

from services.outbox.settings import OutboxSettings
from services.outbox.wiring import parts
from shared.access.tokens import TokenIssuer
from shared.broker.local import local_node
from shared.crypto.header import open_header, read_header, seal_header
from shared.crypto.keys import PrivateKey, PublicKey, generate
from shared.database.engine import Database
from shared.database.tables import checksums, dataset_files, datasets, events, files, grants
from shared.database.types import now
from shared.http.server import HttpFront
from shared.identifiers import FileId, new_file_id
from shared.lifecycle import running
from shared.storage.port import ObjectStore
from shared.storage.s3_stream import S3StreamingStore
from shared.storage.settings import S3Settings
from shared.storage.streams import StreamingStore
from shared.storage.threaded_streams import ThreadedStore
from tests.integration.outbox.watched import WatchedStreams

ARCHIVE_KEY = generate()
READER_KEY = generate()
READER = "reader@example.org"


@dataclass(frozen=True)
class Sample:
    """A file in the archive, and what it was before."""

    id: FileId
    accession: str
    plain: bytes
    body_size: int

    @property
    def size(self) -> int:
        """Bytes of a download: the header for one reader, and the body."""
        return 124 + self.body_size


class OutboxHost:
    """An outbox on a database and a store."""

    def __init__(self, url: str, archive: ObjectStore, folder: Path, s3: S3Settings | None = None) -> None:
        """`s3`: the account of an archive in S3."""
        self.database = Database(url)
        self.archive = archive
        self.s3 = s3
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.issuer = TokenIssuer(pem)
        self.token_key = folder / "token.pem"
        self.token_key.write_bytes(pem)
        self.front: HttpFront

    @contextmanager
    def up(self, **changes: Any) -> Iterator["OutboxHost"]:
        """Serve for the length of a block."""
        node = local_node(self.database)
        settings = OutboxSettings.model_validate(
            {
                "outbox_address": "127.0.0.1:0",
                "token_keys": (self.token_key,),
                "archive": "dir:/unused",
                "exports": "s3://exports",
                "archive_keys": (self.token_key,),
                **changes,
            }
        )
        self.streams = WatchedStreams(self._streams())
        audit, self.front = parts(node, settings, self.streams, self.archive.check, [ARCHIVE_KEY])
        with running([*node.parts, audit, self.front]):
            yield self
        self.threads.shutdown()

    def _streams(self) -> StreamingStore:
        self.threads = ThreadPoolExecutor(32, thread_name_prefix="outbox")
        if self.s3 is None:
            return ThreadedStore(self.archive, self.threads)
        return S3StreamingStore(self.s3, self.archive.name)

    @property
    def url(self) -> str:
        """Base of all addresses."""
        host, port = self.front.address
        return f"http://{host}:{port}"

    def token(self, user: str = READER, ttl: timedelta = timedelta(minutes=5)) -> str:
        """Issue a token."""
        return self.issuer.issue(user, ttl)

    def add_file(
        self,
        plain: bytes,
        *,
        path: str = "run 1/sample.bam.c4gh",
        state: str = "ready",
        user: str = "submitter@example.org",
    ) -> Sample:
        """Archive a file as ingest and verify would have left it."""
        header, body = encrypted(plain, ARCHIVE_KEY.public)
        file = new_file_id()
        accession = f"EGAF{int.from_bytes(os.urandom(4), 'big'):011}"
        self.archive.put(file, io.BytesIO(body), len(body))
        row = {
            "id": file,
            "user": user,
            "path": path,
            "state": state,
            "header": header,
            "archive_size": len(body),
            "plain_size": len(plain),
            "accession": accession,
            "registered_at": now(),
            "changed_at": now(),
        }
        digests = [
            ("archived", "sha256", hashlib.sha256(body).hexdigest()),
            ("plain", "sha256", hashlib.sha256(plain).hexdigest()),
            ("plain", "md5", hashlib.md5(plain, usedforsecurity=False).hexdigest()),
        ]
        with self.database.write() as connection:
            connection.execute(insert(files).values(row))
            names = ("source", "algorithm", "value")
            connection.execute(insert(checksums), [dict(zip(names, d, strict=True), file_id=file) for d in digests])
        return Sample(file, accession, plain, len(body))

    def add_dataset(self, name: str, *samples: Sample, state: str = "released") -> None:
        """Make a dataset."""
        with self.database.write() as connection:
            connection.execute(insert(datasets).values(id=name, state=state, registered_at=now(), changed_at=now()))
            for sample in samples:
                connection.execute(insert(dataset_files).values(dataset_id=name, file_id=sample.id, added_at=now()))

    def add_to_dataset(self, name: str, sample: Sample) -> None:
        """Add a file to a dataset."""
        with self.database.write() as connection:
            connection.execute(insert(dataset_files).values(dataset_id=name, file_id=sample.id, added_at=now()))

    def edit(self, sample: Sample, edits: Sequence[int]) -> None:
        """Give a file an edit list."""
        with self.database.write() as connection:
            header = connection.execute(select(files.c.header).where(files.c.id == sample.id)).scalar_one()
            edited = seal_header(open_header(header, [ARCHIVE_KEY]).data_keys, [ARCHIVE_KEY.public], edits)
            connection.execute(update(files).where(files.c.id == sample.id).values(header=edited))

    def set_dataset(self, name: str, state: str) -> None:
        """Put a dataset into another state."""
        with self.database.write() as connection:
            connection.execute(update(datasets).where(datasets.c.id == name).values(state=state))

    def grant(self, dataset: str, user: str = READER, *, until: datetime | None = None) -> None:
        """Let a user read a dataset."""
        with self.database.write() as connection:
            connection.execute(insert(grants).values(user=user, dataset_id=dataset, until=until, granted_at=now()))

    def revoke(self, dataset: str) -> None:
        """Take all grants of a dataset back."""
        with self.database.write() as connection:
            connection.execute(delete(grants).where(grants.c.dataset_id == dataset))

    def offer(self, plain: bytes, dataset: str = "EGAD00000000001") -> Sample:
        """Make a file that the reader may read."""
        sample = self.add_file(plain)
        self.add_dataset(dataset, sample)
        self.grant(dataset)
        return sample

    def downloads(self, sample: Sample) -> list[str]:
        """Return the reasons of the events `downloaded` of a file, oldest first."""
        query = (
            select(events.c.reason)
            .where(events.c.file_id == sample.id, events.c.event == "downloaded")
            .order_by(events.c.id)
        )
        with self.database.read() as connection:
            return [str(reason) for (reason,) in connection.execute(query)]


def encrypted(plain: bytes, reader: PublicKey) -> tuple[bytes, bytes]:
    """Encrypt as the stock tool does; return header and body."""
    out = io.BytesIO()
    crypt4gh.lib.encrypt([(0, generate().secret, reader.raw)], io.BytesIO(plain), out)
    out.seek(0)
    return read_header(out), out.read()


def decrypted(stream: bytes, reader: PrivateKey = READER_KEY) -> bytes:
    """Decrypt as the stock tool does."""
    out = io.BytesIO()
    crypt4gh.lib.decrypt([(0, reader.secret, None)], io.BytesIO(stream), out)
    return out.getvalue()
