"""What became of a submitter's files, and what to do about those that something is wrong with."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.login.queries import Upload, counts_by_state, uploads_behind
from shared.database.engine import Database
from shared.database.states import FileState
from shared.identifiers import FileId, parse_file_id

PAGE = 50

_FIRST = ("", FileId("00000000-0000-0000-0000-000000000000"))
"""Sorts before all files."""

MEANINGS: Mapping[str, str] = {
    FileState.REGISTERED: "being uploaded",
    FileState.UPLOADED: "uploaded, waiting to be ingested",
    FileState.SUBMITTED: "being ingested",
    FileState.ARCHIVED: "in the archive, being verified",
    FileState.VERIFIED: "verified, waiting for an accession id",
    FileState.READY: "done",
    FileState.CANCELLED: "withdrawn",
    FileState.ERROR: "refused",
}
"""States in words, in the order in which a file goes through them."""


class Remedy(NamedTuple):
    """What to do; with `key` the archive's public key is needed for it."""

    text: str
    key: bool = False


@dataclass(frozen=True)
class Shown:
    """A file as its row on the page shows it."""

    upload: Upload
    meaning: str
    remedy: Remedy | None


@dataclass(frozen=True)
class Page:
    """One page of files by path, how many there are in all by state, and where the next page begins."""

    files: Sequence[Shown]
    counts: Mapping[str, int]
    after: str | None


class Uploads:
    """Lists the files of a user."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, user: str, *, after: str | None, faulty: bool) -> Page:
        """Return the page behind a mark (None or one that is none of ours: the first), maybe of faulty files only."""
        path, file = _read_mark(after)
        with self._database.read() as connection:
            found = uploads_behind(connection, user, path, file, faulty=faulty, most=PAGE + 1)
            counts = counts_by_state(connection, user)
        more = _mark(found[PAGE - 1]) if len(found) > PAGE else None
        ordered = {state: counts[state] for state in MEANINGS if state in counts}
        return Page([_shown(upload) for upload in found[:PAGE]], ordered, more)


def remedy(state: str, reason: str | None) -> Remedy | None:
    """Return what the submitter does about a file that was refused; of others the archive's staff take care."""
    if reason is None:
        return None
    if state != FileState.ERROR:
        return Remedy("Your file is safe and there is nothing for you to do: the archive's staff have to put it right.")
    if "encrypt" in reason:
        return Remedy("Encrypt the original file for the archive's key, and upload it under the same name.", key=True)
    return Remedy("Upload the file again, under the same name.")


def _shown(upload: Upload) -> Shown:
    return Shown(upload, MEANINGS.get(upload.state, upload.state), remedy(upload.state, upload.error))


def _mark(upload: Upload) -> str:
    return base64.urlsafe_b64encode(json.dumps([upload.path, upload.id]).encode()).decode()


def _read_mark(mark: str | None) -> tuple[str, FileId]:
    try:
        path, name = json.loads(base64.urlsafe_b64decode(mark or ""))
    except (ValueError, TypeError):
        return _FIRST
    file = parse_file_id(name) if isinstance(name, str) else None
    return (path, file) if file is not None and isinstance(path, str) and "\0" not in path else _FIRST
