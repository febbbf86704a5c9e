"""What happens to a node while its process is ended: files that are there, files that come, and messages.

All messages of a step are sent at once; the next step begins when everything of it has come to an end.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from services.outbox.exports.queries import EXPORT_ADD, EXPORT_REMOVE
from shared.crypto.header import read_header
from shared.crypto.keys import PrivateKey, generate
from shared.database.statements import Statement
from shared.database.types import now
from shared.identifiers import FileId, wire_path
from shared.storage.sizes import MIB
from tests.unit.crypto.reference import data, make_file

USER = "ann@example.org"
KEY = generate()
STRANGER = generate()
DATASET = "dataset-of-ann"
READER = "bob@example.org"
READER_KEY = generate()
CENTRAL = ("intercept", "ingest", "verify", "finalize", "mapper")
STANDALONE = (*CENTRAL, "orchestrate")


@dataclass(frozen=True)
class Sealed:
    """A Crypt4GH file as its submitter knows it; the id is that of its upload, if the story begins with it there."""

    path: str
    plain: bytes
    content: bytes

    @property
    def id(self) -> FileId:
        return FileId(str(uuid5(NAMESPACE_URL, self.path)))

    @property
    def header(self) -> bytes:
        return read_header(io.BytesIO(self.content))

    @property
    def body(self) -> bytes:
        return self.content[len(self.header) :]

    @property
    def accession(self) -> str:
        return f"accession-of-{self.path}"


@dataclass(frozen=True)
class Sent:
    """A message that comes from outside, to a queue."""

    queue: str
    body: str
    correlation_id: str | None = None


@dataclass(frozen=True)
class Noted:
    """What another process writes into the database."""

    statement: Statement
    values: dict[str, Any] = field(default_factory=dict)


Step = tuple[Sent | Noted, ...]


@dataclass(frozen=True, kw_only=True)
class Story:
    """`present` are files in the inbox at the beginning, `coming` files that are uploaded in its course.

    released: files that are ready in a dataset that was granted to READER.
    """

    name: str
    services: tuple[str, ...] = CENTRAL
    present: tuple[Sealed, ...] = ()
    coming: tuple[Sealed, ...] = ()
    released: tuple[Sealed, ...] = ()
    steps: tuple[Step, ...] = ((),)


def seal(path: str, size: int, reader: PrivateKey = KEY) -> Sealed:
    plain = data(size)
    return Sealed(path, plain, b"".join(make_file(plain, [reader])))


def from_central(kind: str, file: Sealed | None = None, **fields: Any) -> Sent:
    """Return a message as Central EGA sends it."""
    about = {} if file is None else {"user": USER, "filepath": wire_path(USER, file.path)}
    body = {"type": kind, **about, **fields}
    return Sent("from_cega", json.dumps(body), None if file is None else file.id)


def accession(file: Sealed) -> Sent:
    digest = {"type": "sha256", "value": hashlib.sha256(file.plain).hexdigest()}
    return from_central("accession", file, accession_id=file.accession, decrypted_checksums=[digest])


def verify_again(file: Sealed) -> Sent:
    body = {
        "user": USER, "filepath": wire_path(USER, file.path), "file_id": file.id, "archive_path": file.id,
        "encrypted_checksums": [], "re_verify": True,
    }  # fmt: skip
    return Sent("archived", json.dumps(body), file.id)


def dataset(kind: str, files: Sequence[Sealed] = (), **fields: Any) -> Sent:
    members = {"accession_ids": [file.accession for file in files]} if files else {}
    return from_central(kind, None, dataset_id=DATASET, **members, **fields)


def export_of(what: str) -> str:
    """Return the id of an export."""
    return str(uuid5(NAMESPACE_URL, f"export of {what}"))


def export(what: str, file: Sealed | None = None, *, reader: str = READER) -> Step:
    """Return what the outbox does when a reader has the dataset exported, or a file."""
    at = now()
    row = {
        "id": export_of(what), "user": reader, "dataset_id": None if file else DATASET, "file_id": file and file.id,
        "reader_key": READER_KEY.public.hex(), "visas": "[]", "visas_until": at, "owner": "", "registered_at": at,
        "expires_at": at + timedelta(days=1),
    }  # fmt: skip
    return Noted(EXPORT_ADD, row), Sent("exports", json.dumps({"type": "export", "export_id": export_of(what)}))


def write_again(what: str, file: Sealed) -> Sent:
    body = {"type": "export_file", "export_id": export_of(what), "file_id": file.id}
    return Sent("exports", json.dumps(body), file.id)


def give_up(what: str) -> Noted:
    return Noted(EXPORT_REMOVE, {"export": export_of(what), "at": now()})


def _stories() -> dict[str, Story]:
    small, large = seal("small.c4gh", 70_000), seal("large.c4gh", 8 * MIB + 1)
    taken_back, foreign = seal("taken-back.c4gh", 70_000), seal("foreign.c4gh", 70_000, STRANGER)
    early, earlier = seal("early.c4gh", 70_000), seal("replaced.c4gh", 1_000)
    coming = seal("replaced.c4gh", 5 * MIB + 70_000)
    ingest, given = from_central("ingest", small), accession(small)
    stories = (
        Story(
            name="to the end",
            present=(small,),
            steps=(
                (ingest,), (ingest, verify_again(small)), (given,), (given,),
                (dataset("mapping", [small]), dataset("release")),
                (dataset("permission", users=[{"username": "bob"}, {"username": "eve"}]),),
                (dataset("permission.deleted", user="eve"),), (dataset("deprecate"),),
            ),
        ),
        Story(name="large", present=(large,), steps=((from_central("ingest", large),), (accession(large),))),
        Story(
            name="cancelled and ingested again",
            present=(taken_back,),
            steps=(
                (from_central("ingest", taken_back),), (accession(taken_back),), (from_central("cancel", taken_back),),
                (from_central("ingest", taken_back),), (accession(taken_back),),
            ),
        ),
        Story(
            name="refused",
            present=(foreign,),
            steps=((from_central("ingest", foreign),), (from_central("dac"), from_central("nonsense"))),
        ),
        Story(name="too early", present=(early,), steps=((accession(early), from_central("ingest", early)),)),
        Story(name="uploaded", services=STANDALONE, present=(earlier,), coming=(coming,)),
        Story(
            name="exported",
            services=("export",),
            released=(small, large),
            steps=(
                export("a file", small), (*export("all"), *export("nothing", reader="eve")), (give_up("all"),),
                (write_again("all", small),),
            ),
        ),
    )  # fmt: skip
    return {story.name: story for story in stories}


STORIES = _stories()
