"""An upload in parts that was begun: what its journal says, and what of it can be gone on with."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from services.cli.transfer.journal import Line
from services.cli.upload.identity import Identity
from services.cli.upload.sealing import DATA_KEY, Sealing
from shared.crypto.segments import SEGMENT
from shared.storage.port import Part

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What is fixed when an upload begins, and holds for all its parts.

    reader: fingerprint of the key that the header is sealed for; None, as is the data key: it was encrypted before.
    """

    identity: Identity
    key: str
    path: str
    upload_id: str
    step: int
    reader: str | None
    header: bytes
    data_key: bytes | None = field(repr=False)

    def head(self) -> Line:
        """Return the first line of the journal."""
        return {
            "version": VERSION,
            "source": self.identity.record(),
            "key": self.key,
            "path": self.path,
            "upload_id": self.upload_id,
            "step": self.step,
            "reader": self.reader,
            "header": base64.b64encode(self.header).decode(),
            "data_key": None if self.data_key is None else self.data_key.hex(),
        }

    def sealing(self, file: int) -> Sealing:
        """Return how the parts are made of the open file."""
        return Sealing(file=file, size=self.identity.size, header=self.header, data_key=self.data_key, step=self.step)


@dataclass(frozen=True)
class SentPart:
    """A part that the archive has; md5: of its bytes; source: SHA-256 of the stretch of the file it was made of."""

    number: int
    size: int
    etag: str
    md5: str
    source: str

    def line(self) -> Line:
        """Return the line of the journal."""
        return asdict(self)

    @property
    def stored(self) -> Part:
        """The part as the store knows it."""
        return Part(self.number, self.size, self.etag)


def read_begun(lines: Sequence[Line]) -> tuple[Begun, dict[int, SentPart]] | None:
    """Read a journal; None if it is empty, or was written by a version that did it otherwise."""
    try:
        begun = _begun(lines[0]) if lines and lines[0]["version"] == VERSION else None
        parts = [SentPart(**line) for line in lines[1:]]
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
    return None if begun is None else (begun, {part.number: part for part in parts})


def still_there(sent: Mapping[int, SentPart], listed: Iterable[Part]) -> dict[int, SentPart]:
    """Return the parts that both the journal and the archive know, alike: all others are sent again."""
    return {
        part.number: sent[part.number] for part in listed if part.number in sent and sent[part.number].stored == part
    }


def _begun(head: Line) -> Begun:
    key, source = head["data_key"], head["source"]
    begun = Begun(
        identity=Identity(source["inode"], source["size"], source["mtime_ns"]),
        key=head["key"],
        path=head["path"],
        upload_id=head["upload_id"],
        step=head["step"],
        reader=head["reader"],
        header=base64.b64decode(head["header"], validate=True),
        data_key=None if key is None else bytes.fromhex(key),
    )
    if begun.step <= 0 or begun.step % SEGMENT or (begun.data_key is not None and len(begun.data_key) != DATA_KEY):
        raise ValueError(begun.step)
    return begun
