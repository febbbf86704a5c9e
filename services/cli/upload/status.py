"""`strongroom upload --status`: what became of what was sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any

from services.cli.upload.archive_states import NoAnswer
from services.cli.upload.inbox import Inbox
from services.cli.upload.records import Records, SentFile
from shared.database.states import FileState
from shared.storage.errors import ObjectMissing
from shared.storage.port import Stat

COLUMNS = ("key", "state", "size", "reason", "remedy")
"""What people see; a program gets more where the archive tells it."""

UNDER_WAY = "under way"

_AT_ONCE = 8

Row = dict[str, object]


def states(
    records: Records, inbox: Inbox, told: Iterable[Mapping[str, Any]], note: Callable[[str], None]
) -> Iterator[Row]:
    """Yield a row for each file: what the archive tells (`told`), and what is under way here.
    They come by path in the inbox, which several files may have had, one after the other.

    If the archive tells nothing, that is noted, and the rows say what can be seen of what was sent from here.
    """
    under_way = _under_way(records)
    try:
        known = [_told_row(file) for file in told]
    except NoAnswer as reason:
        note(f"{reason}; this is what can be seen from here")
        known = _seen(records, inbox)
    # what the archive calls registered, and this computer is sending, is told once
    others = [row for row in known if row["state"] != FileState.REGISTERED or row["key"] not in under_way]
    yield from sorted([*under_way.values(), *others], key=lambda row: str(row["key"]))


def chosen(rows: Iterable[Row], patterns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of which the path fits a pattern; all, if there is none."""
    return (row for row in rows if not patterns or any(fnmatchcase(str(row["key"]), one) for one in patterns))


def _under_way(records: Records) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for begun, parts in records.under_way():
        facts: Row = {"file": begun.path, "sent": sum(part.size for part in parts.values())}
        remedy = f"if no process is at work on it, upload {begun.path} again: it goes on"
        rows[begun.key] = {**_row(begun.key, UNDER_WAY, begun.identity.size, None, remedy), **facts}
    return rows


def _told_row(file: Mapping[str, Any]) -> Row:
    row = _row(file["path"], file["state"], file["size"], file["reason"], file["remedy"])
    return row | {name: file[name] for name in ("meaning", "id", "accession", "changed")}


def _seen(records: Records, inbox: Inbox) -> list[Row]:
    """Ask the inbox for all that was sent from here."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda file: _seen_row(inbox, file), records.all_sent()))


def _seen_row(inbox: Inbox, file: SentFile) -> Row:
    try:
        found = inbox.stat(file.key)
    except ObjectMissing:
        return _row(file.key, "taken", file.sealed_size, "it is not in the inbox any more", None)
    if found == Stat(file.sealed_size, file.etag):
        return _row(file.key, "in the inbox", file.sealed_size, None, None)
    return _row(file.key, "replaced", found.size, "another file was sent to this place since", None)


def _row(key: str, state: str, size: object, reason: str | None, remedy: str | None) -> Row:
    return dict(zip(COLUMNS, (key, state, size, reason, remedy), strict=True))
