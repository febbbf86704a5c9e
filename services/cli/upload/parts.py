"""A file sent in parts, from where an earlier run ended."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from services.cli.transfer.journal import Journal
from services.cli.transfer.report import Meter, Report
from services.cli.transfer.together import Buffers, all_of
from services.cli.upload.answer import NotAsSent, check_tag, tag_of_parts
from services.cli.upload.begun import Begun, SentPart, read_begun, still_there
from services.cli.upload.identity import Identity, SourceChanged, identity_of
from services.cli.upload.inbox import Inbox
from services.cli.upload.sealing import DATA_KEY, Sealing
from services.cli.upload.sources import Source
from shared.crypto.header import seal_header
from shared.crypto.keys import PublicKey
from shared.errors import StrongroomError
from shared.storage.errors import UploadMissing
from shared.storage.port import Stat

_ROUNDS = 3
"""How often an upload begins anew, in one run, because the archive has dropped it."""


class CannotGoOn(StrongroomError):
    """What was sent of a file is of no use any more."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """An open file to send; reader: the key to encrypt it for, None if it is encrypted already."""

    source: Source
    file: int
    identity: Identity
    step: int
    reader: PublicKey | None

    @property
    def fingerprint(self) -> str | None:
        return None if self.reader is None else self.reader.fingerprint

    def sealing(self) -> Sealing:
        """Return how it becomes an object, with a new data key."""
        if self.reader is None:
            header, data_key = b"", None
        else:
            data_key = os.urandom(DATA_KEY)
            header = seal_header([data_key], [self.reader])
        return Sealing(file=self.file, size=self.identity.size, header=header, data_key=data_key, step=self.step)

    def check_unchanged(self) -> None:
        """Raise SourceChanged if the file was written to since it was opened."""
        if identity_of(self.file) != self.identity:
            raise SourceChanged


@dataclass(frozen=True, kw_only=True)
class PartsUpload:
    """Sends files in parts. The bytes are read, sealed and moved on `workers`, in memory of `buffers`."""

    inbox: Inbox
    workers: ThreadPoolExecutor
    buffers: Buffers
    report: Report

    def send(self, task: Task, journal: Journal) -> Stat:
        """Send a file; the journal says what was sent of it already, and grows.

        Raises SourceChanged, NotAsSent, and what the inbox raises.
        """
        for _ in range(_ROUNDS):
            begun, sent = self._resumed(task, journal) or self._begun(task, journal)
            try:
                return self._finish(task, journal, begun, sent)
            except UploadMissing:
                self._abandon(task, begun, "the archive has dropped what was sent")
            except (SourceChanged, NotAsSent) as error:
                self._abandon(task, begun, str(error))
                journal.drop()
                raise
            journal.clear()
        raise UploadMissing("the archive has dropped the upload again and again; ask its staff")

    def _resumed(self, task: Task, journal: Journal) -> tuple[Begun, dict[int, SentPart]] | None:
        found = read_begun(journal.lines)
        if found is None:
            return None
        begun, sent = found
        try:
            return begun, self._kept(task, begun, sent)
        except CannotGoOn as reason:
            self._abandon(task, begun, str(reason))
            return None

    def _begun(self, task: Task, journal: Journal) -> tuple[Begun, dict[int, SentPart]]:
        sealing = task.sealing()
        begun = Begun(
            identity=task.identity,
            key=task.source.key,
            path=str(task.source.path.absolute()),
            upload_id=self.inbox.start(task.source.key),
            step=sealing.step,
            reader=task.fingerprint,
            header=sealing.header,
            data_key=sealing.data_key,
        )
        journal.begin(begun.head())
        return begun, {}

    def _kept(self, task: Task, begun: Begun, sent: dict[int, SentPart]) -> dict[int, SentPart]:
        """Return the parts that need not be sent again. Raises CannotGoOn: no other file gets this data key."""
        sealing = begun.sealing(task.file)
        if begun.identity != task.identity:
            raise CannotGoOn("the file has changed")
        if begun.reader != task.fingerprint:
            raise CannotGoOn("it is encrypted for another key now")
        if len(sent) < sealing.count:
            try:
                sent = still_there(sent, self.inbox.parts(task.source.key, begun.upload_id))
            except UploadMissing:
                raise CannotGoOn("the archive has dropped what was sent") from None
        if sent:
            self.report.beside("checking", f"{task.source.key}: checking that the file is the one that was begun")
        checks = (partial(_is_same, sealing, part) for part in sent.values())
        if not all(all_of(self.workers, checks)):
            raise CannotGoOn("the file has changed")
        return sent

    def _abandon(self, task: Task, begun: Begun, reason: str) -> None:
        self.report.beside("anew", f"{task.source.key}: what was sent of it is dropped: {reason}")
        self.inbox.abort(task.source.key, begun.upload_id)

    def _finish(self, task: Task, journal: Journal, begun: Begun, sent: Mapping[int, SentPart]) -> Stat:
        """Send what is missing, and make the object."""
        sealing = begun.sealing(task.file)
        done = sum(part.size for part in sent.values())
        meter = self.report.begun(task.source.key, sealing.sealed_size, done=done)
        moving = _Moving(key=task.source.key, begun=begun, sealing=sealing, journal=journal, meter=meter)
        missing = [number for number in range(1, sealing.count + 1) if number not in sent]
        try:
            fresh = all_of(self.workers, (partial(self._send_part, moving, number) for number in missing))
        finally:
            self.report.ended(meter)
        task.check_unchanged()
        parts = sorted([*fresh, *sent.values()], key=lambda part: part.number)
        made = self.inbox.complete(task.source.key, begun.upload_id, [part.stored for part in parts])
        check_tag(made.etag, tag_of_parts(part.md5 for part in parts))
        return made

    def _send_part(self, moving: "_Moving", number: int) -> SentPart:
        with self.buffers.of(moving.sealing.part_size(number)) as body:
            piece = moving.sealing.part(number, body)
            stored = self.inbox.put_part(moving.key, moving.begun.upload_id, number, piece.body)
        check_tag(stored.etag, piece.md5)
        part = SentPart(number, stored.size, stored.etag, piece.md5, piece.source)
        moving.journal.add(part.line())
        self.report.moved(moving.meter, part.size)
        return part


@dataclass(frozen=True, kw_only=True)
class _Moving:
    """A file while its parts move."""

    key: str
    begun: Begun
    sealing: Sealing
    journal: Journal
    meter: Meter


def _is_same(sealing: Sealing, part: SentPart) -> bool:
    return sealing.source_digest(part.number) == part.source
