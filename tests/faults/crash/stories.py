"""What happens to a node while its process is ended: files that are there, files that come, and messages.

All messages of a step are sent at once; the next step begins when everything of it has come to an end.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shared.crypto.keys import PrivateKey, generate
from shared.identifiers import FileId, wire_path
from shared.storage.sizes import MIB
from tests.unit.crypto.reference import data, make_file

USER = "ann@example.org"
KEY = generate()
STRANGER = generate()
DATASET = "dataset-of-ann"
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
    def accession(self) -> str:
        return f"accession-of-{self.path}"


@dataclass(frozen=True)
class Sent:
    """A message that comes from outside, to a queue."""

    queue: str
    body: str
    correlation_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Story:
    """`present` are files in the inbox at the beginning, `coming` files that are uploaded in its course."""

    name: str
    services: tuple[str, ...] = CENTRAL
    present: tuple[Sealed, ...] = ()
    coming: tuple[Sealed, ...] = ()
    steps: tuple[tuple[Sent, ...], ...] = ((),)


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
    )  # fmt: skip
    return {story.name: story for story in stories}


STORIES = _stories()
