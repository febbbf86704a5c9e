"""One file sent, unless it was sent before: in one request if it is small, else in parts."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from services.cli.transfer.journal import Journal
from services.cli.transfer.report import Report
from services.cli.transfer.session import Outcome
from services.cli.transfer.together import Buffers, all_of
from services.cli.upload.answer import check_tag
from services.cli.upload.encrypted import is_encrypted
from services.cli.upload.identity import identity_of, opened
from services.cli.upload.inbox import Inbox
from services.cli.upload.parts import PartsUpload, Task
from services.cli.upload.records import Records, SentFile
from services.cli.upload.sealing import Sealing, step_for
from services.cli.upload.sources import Source
from shared.crypto.keys import PublicKey
from shared.storage.errors import ObjectMissing
from shared.storage.port import Stat
from shared.storage.sizes import MIB

ONE_REQUEST = 16 * MIB
"""Bytes of the largest object that is sent in one request."""


class Came(StrEnum):
    """What came of a file."""

    UPLOADED = "uploaded"
    SENT_BEFORE = "sent before"
    """It is in the inbox, as it was sent."""
    TAKEN = "taken"
    """It was sent before, and is not in the inbox any more."""


_SENTENCES = {
    Came.UPLOADED: "{path} -> {key}",
    Came.SENT_BEFORE: "{path} -> {key}: is there, sent before",
    Came.TAKEN: "{path} -> {key}: was sent before, and is not in the inbox any more; --again sends it once more",
}


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends files, several at once; what reads, seals and moves bytes runs on `workers`.

    again: files are sent that were sent before, too.
    """

    inbox: Inbox
    records: Records
    reader: PublicKey
    workers: ThreadPoolExecutor
    buffers: Buffers
    report: Report
    again: bool = False

    def send(self, source: Source) -> Outcome:
        """Send a file, unless it was sent before and has not changed since.

        Raises for this file: UserError, NotAsSent, OSError; for the whole transfer: Ending, ConfigurationError.
        """
        with opened(source.path) as file:
            task = self._task(source, file)
            earlier = self.records.sent(source.key)
            came = self._came_before(task, earlier)
            if earlier is not None and came is not None:
                return _outcome(came, source, earlier)
            with self.records.journal(source.key) as journal:
                made = self._send(task, journal)
                sent = _record(task, made)
                self.records.keep(sent)
                journal.drop()
        return _outcome(Came.UPLOADED, source, sent)

    def _task(self, source: Source, file: int) -> Task:
        identity = identity_of(file)
        reader = None if is_encrypted(file, identity.size, source.path.name) else self.reader
        return Task(source=source, file=file, identity=identity, step=step_for(identity.size), reader=reader)

    def _came_before(self, task: Task, earlier: SentFile | None) -> Came | None:
        """Tell where the file is if it was sent before; None: it is to be sent."""
        if self.again or earlier is None or not earlier.is_of(task.identity, task.fingerprint):
            return None
        try:
            found = self.inbox.stat(earlier.key)
        except ObjectMissing:
            return Came.TAKEN
        return Came.SENT_BEFORE if found == Stat(earlier.sealed_size, earlier.etag) else None

    def _send(self, task: Task, journal: Journal) -> Stat:
        sealing = task.sealing()
        if not journal.lines and sealing.sealed_size <= ONE_REQUEST:
            return all_of(self.workers, [lambda: self._send_whole(task, sealing)])[0]
        parts = PartsUpload(inbox=self.inbox, workers=self.workers, buffers=self.buffers, report=self.report)
        return parts.send(task, journal)

    def _send_whole(self, task: Task, sealing: Sealing) -> Stat:
        meter = self.report.begun(task.source.key, sealing.sealed_size)
        try:
            with self.buffers.of(sealing.sealed_size) as body:
                piece = sealing.part(1, body)
                task.check_unchanged()
                made = self.inbox.put(task.source.key, piece.body)
            check_tag(made.etag, piece.md5)
            self.report.moved(meter, made.size)
        finally:
            self.report.ended(meter)
        return made


def _outcome(came: Came, source: Source, sent: SentFile) -> Outcome:
    facts = {"size": sent.size, "sealed_size": sent.sealed_size, "etag": sent.etag}
    return Outcome(came.value, facts, _SENTENCES[came].format(path=source.path, key=source.key))


def _record(task: Task, made: Stat) -> SentFile:
    return SentFile(
        key=task.source.key,
        path=str(task.source.path.absolute()),
        inode=task.identity.inode,
        size=task.identity.size,
        mtime_ns=task.identity.mtime_ns,
        etag=made.etag,
        sealed_size=made.size,
        reader=task.fingerprint,
    )
