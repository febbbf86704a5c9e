"""What this user's computer remembers of uploads: which are under way, and which are done.

STATE/uploads/<name>.journal   one that is under way: the data key, the sealed header, the parts that were sent
STATE/uploads/<name>.sent      one line for each file that was sent to one inbox

STATE is XDG_STATE_HOME/strongroom (or ~/.local/state/strongroom). All of it is readable to its owner alone. The data
key of a file is there while the file is under way, and no longer; ADR 7 says why it is there at all.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.cli.transfer.journal import Journal, Line, journal_at, private, whole_lines, write_line
from services.cli.upload.begun import Begun, SentPart, read_begun
from services.cli.upload.identity import Identity
from shared.storage.files import make_folders

_NO_BACKUP = "Signature: 8a477f597d28d172789f06886806bc55\n# backups leave this folder out: it holds keys\n"
"""Content of CACHEDIR.TAG (bford.info/cachedir): tar, borg, restic and others then pass the folder over."""


@dataclass(frozen=True, kw_only=True)
class SentFile:
    """A file that is in the archive's inbox, or was."""

    key: str
    path: str
    inode: int
    size: int
    mtime_ns: int
    etag: str
    sealed_size: int
    reader: str | None
    """Fingerprint of the key it was encrypted for; None: it was encrypted before."""

    def is_of(self, identity: Identity, reader: str | None) -> bool:
        """Whether it was made of this file as it is now, for the same reader."""
        return Identity(self.inode, self.size, self.mtime_ns) == identity and self.reader in {reader, None}


class Records:
    """What is remembered of uploads to one inbox, by path in the inbox."""

    def __init__(self, folder: Path, account: str) -> None:
        """`account` names the inbox; nobody reads it out of the names of files."""
        self._folder = folder
        self._account = account
        self._adding = threading.Lock()
        make_folders(folder)
        tag = folder / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(_NO_BACKUP, encoding="ascii")
        self._sent_path = folder / f"{_name(account)}.sent"
        self._sent = {found.key: found for found in self._read_sent()}

    @contextmanager
    def journal(self, key: str) -> Iterator[Journal]:
        """Open the journal of an upload. Raises UserError while another process is at work on it."""
        with journal_at(self._folder / f"{_name(self._account, key)}.journal") as journal:
            yield journal

    def sent(self, key: str) -> SentFile | None:
        """Return what was sent under this path last."""
        return self._sent.get(key)

    def all_sent(self) -> list[SentFile]:
        """Return all that was sent, by path."""
        return [self._sent[key] for key in sorted(self._sent)]

    def under_way(self) -> Iterator[tuple[Begun, dict[int, SentPart]]]:
        """Return what is under way, whether a process is at work on it or not."""
        for path in sorted(self._folder.glob("*.journal")):
            with path.open("rb") as file:
                found = read_begun(whole_lines(file)[0])
            if found is not None and path.stem == _name(self._account, found[0].key):
                yield found

    def keep(self, file: SentFile) -> None:
        """Remember that a file was sent; it lasts when this returns."""
        with self._adding, open(self._sent_path, "ab", opener=private) as stream:
            write_line(stream, asdict(file))
            self._sent[file.key] = file

    def _read_sent(self) -> Iterator[SentFile]:
        if self._sent_path.exists():
            with self._sent_path.open("rb") as file:
                yield from (_sent(line) for line in whole_lines(file)[0])


def state_folder() -> Path:
    """Return the folder of uploads of this user."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / "strongroom" / "uploads"


def _sent(line: Line) -> SentFile:
    values: dict[str, Any] = dict(line)
    return SentFile(**values)


def _name(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
