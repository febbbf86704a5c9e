"""`strongroom upload --status`: what became of what was sent from here."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase

from services.cli.upload.inbox import Inbox
from services.cli.upload.records import Records, SentFile
from shared.storage.errors import ObjectMissing
from shared.storage.port import Stat

COLUMNS = ("key", "state", "file", "size", "sent", "remedy")

_AT_ONCE = 8

_REMEDIES = {
    "under way": "run the same command again to go on, if it does not run",
    "in the inbox": None,
    "taken": None,
    "replaced": "another file was sent to this place since",
}

Row = dict[str, object]


def states(records: Records, inbox: Inbox, patterns: Sequence[str]) -> Iterator[Row]:
    """Yield a row for each file that was sent from this computer to this inbox, or is under way, by path in the inbox.

    sent: bytes that the archive has, encrypted. `taken` is what the archive has moved out of the inbox, or what was
    removed there.
    """
    under_way = {begun.key: (begun, parts) for begun, parts in records.under_way()}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sent = [file for file in records.all_sent() if file.key not in under_way]
        rows = {str(row["key"]): row for row in pool.map(lambda file: _sent_row(inbox, file), sent)}
    for key, (begun, parts) in under_way.items():
        done = sum(part.size for part in parts.values())
        rows[key] = _row(key, "under way", begun.path, begun.identity.size, done)
    yield from (rows[key] for key in sorted(rows) if not patterns or any(fnmatchcase(key, one) for one in patterns))


def _sent_row(inbox: Inbox, file: SentFile) -> Row:
    try:
        found = inbox.stat(file.key)
        state = "in the inbox" if found == Stat(file.sealed_size, file.etag) else "replaced"
    except ObjectMissing:
        state = "taken"
    return _row(file.key, state, file.path, file.size, file.sealed_size)


def _row(key: str, state: str, path: str, size: int, sent: int) -> Row:
    return dict(zip(COLUMNS, (key, state, path, size, sent, _REMEDIES[state]), strict=True))
