"""One file fetched, from where an earlier run ended; it gets its name when it is whole and proved."""

import base64
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.cli.download.outbox import Content, FileReplaced, Outbox
from services.cli.download.pieces import Decrypted, Encrypted, Target, count_of, span_of
from services.cli.download.plan import Wanted
from services.cli.transfer.journal import Journal, Line, journal_at
from services.cli.transfer.report import Meter, Report
from services.cli.transfer.session import Outcome
from services.cli.transfer.together import all_of
from shared.crypto.header import open_header
from shared.crypto.keys import PrivateKey, PublicKey
from shared.errors import FileRefused, StrongroomError
from shared.storage.files import make_folders, sync_folder

VERSION = 1

_BLOCK = 2**20


class NotAsStored(StrongroomError):
    """What arrived has not the checksum that the archive tells: it is not kept. If it comes again, tell the archive."""


@dataclass(frozen=True, kw_only=True)
class _UnderWay:
    """A file under way: its journal, the open partial file, and which pieces are on the disk."""

    wanted: Wanted
    content: Content
    target: Target
    journal: Journal
    file: int
    done: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches files, several at once; what moves and decrypts bytes runs on `workers`, a piece at a time each.

    public: the key that headers are asked for; private: decrypt with it, None: keep files encrypted.
    """

    outbox: Outbox
    public: PublicKey
    private: PrivateKey | None
    workers: ThreadPoolExecutor
    report: Report

    def fetch(self, wanted: Wanted) -> Outcome:
        """Fetch a file, unless it is there.

        Raises for this file: UserError, NotAsStored, FileReplaced, OSError; for the whole transfer: Ending,
        ConfigurationError.
        """
        if wanted.target.exists():
            return Outcome("there", {"size": wanted.target.stat().st_size}, f"{wanted.target}: is there")
        make_folders(wanted.target.parent)
        part = wanted.target.with_name(f"{wanted.target.name}.part")
        with journal_at(part.with_name(f"{part.name}.journal")) as journal, _opened(part) as file:
            moving = self._under_way(wanted, journal, file)
            try:
                self._fetch_missing(moving)
                checked = all_of(self.workers, [partial(_check, moving)])[0]
            except (FileReplaced, FileRefused, NotAsStored):
                part.unlink()
                journal.drop()
                raise
            part.replace(wanted.target)
            sync_folder(wanted.target.parent)
            journal.drop()
        facts = {"size": moving.target.size, "checked": checked}
        unchecked = "" if checked else ": the archive tells no checksum of it"
        return Outcome("downloaded", facts, f"{wanted.target}{unchecked}")

    def _under_way(self, wanted: Wanted, journal: Journal, file: int) -> _UnderWay:
        """Go on with what is there if it is of the same content for the same key; else begin."""
        content = self.outbox.content(wanted.file.id)
        head = self._head(wanted, content)
        target = self._known_target(journal, head, content, file)
        if target is None:
            if journal.lines:
                self.report.beside("anew", f"{wanted.label}: what is there is of another file, or for another key")
            header = self.outbox.header(wanted.file.id, self.public)
            target = self._target(header, content)
            os.ftruncate(file, 0)
            target.prepare(file)
            os.fsync(file)
            journal.begin({**head, "header": base64.b64encode(header).decode()})
        done = frozenset(line["piece"] for line in journal.lines[1:])
        return _UnderWay(wanted=wanted, content=content, target=target, journal=journal, file=file, done=done)

    def _known_target(self, journal: Journal, head: Line, content: Content, file: int) -> Target | None:
        """Return the target that was begun, if it is the same and its file is still there."""
        if not journal.lines or {**journal.lines[0], "header": ""} != head:
            return None
        target = self._target(base64.b64decode(journal.lines[0]["header"]), content)
        return target if os.fstat(file).st_size == target.size else None

    def _head(self, wanted: Wanted, content: Content) -> Line:
        """Return what must be the same for a download to go on."""
        return {
            "version": VERSION,
            "file": wanted.file.id,
            "size": content.size,
            "etag": content.etag,
            "reader": self.public.fingerprint,
            "decrypted": self.private is not None,
            "header": "",
        }

    def _target(self, header: bytes, content: Content) -> Target:
        if self.private is None:
            return Encrypted(header, content.size)
        return Decrypted(open_header(header, [self.private]), content.size)

    def _fetch_missing(self, moving: _UnderWay) -> None:
        size = moving.content.size
        missing = [number for number in range(count_of(size)) if number not in moving.done]
        done = sum(span_of(number, size)[1] for number in moving.done)
        meter = self.report.begun(moving.wanted.label, size, done=done)
        try:
            all_of(self.workers, (partial(self._fetch_piece, moving, meter, number) for number in missing))
        finally:
            self.report.ended(meter)

    def _fetch_piece(self, moving: _UnderWay, meter: Meter, number: int) -> None:
        offset, length = span_of(number, moving.content.size)
        piece = memoryview(bytearray(length))
        self.outbox.read(moving.wanted.file.id, moving.content, offset, piece)
        moving.target.write(moving.file, offset, piece)
        os.fdatasync(moving.file)
        moving.journal.add({"piece": number})
        self.report.moved(meter, length)


def _check(moving: _UnderWay) -> bool:
    """Compare what is on the disk with what the archive tells of it; False if that is nothing. Raises NotAsStored."""
    digests = moving.wanted.file.digests
    if isinstance(moving.target, Encrypted):
        known = {"sha256": moving.content.sha256} if moving.content.sha256 else {}
        start = len(moving.target.header)
    else:
        known, start = {name: digests[name] for name in ("sha256", "md5") if name in digests}, 0
    if _digests(moving.file, start, known) != known:
        raise NotAsStored
    return bool(known)


def _digests(file: int, start: int, names: Iterable[str]) -> dict[str, str]:
    """Hash an open file from a place on."""
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    buffer = memoryview(bytearray(_BLOCK if hashes else 0))
    while hashes and (count := os.preadv(file, [buffer], start)):
        for digest in hashes.values():
            digest.update(buffer[:count])
        start += count
    return {name: digest.hexdigest() for name, digest in hashes.items()}


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open a partial file, which only its owner may read; one that stayed empty is not left behind."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield file
    finally:
        if not os.fstat(file).st_size:
            path.unlink(missing_ok=True)
        os.close(file)
