"""What a user sees in the inbox."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from services.inbox.errors import NotThere
from services.inbox.inbox import Inbox
from services.inbox.queries import (
    Folder,
    Sidecar,
    Unfinished,
    current_file,
    current_files_below,
    folder_at,
    folders_below,
    sidecar_at,
    sidecars_below,
    unfinished_at,
    unfinished_below,
)
from services.inbox.resume import look_up
from shared.database.records import File

_EPOCH = datetime.fromtimestamp(0, UTC)

Item = Unfinished | File | Sidecar | Folder


@dataclass(frozen=True)
class Entry:
    """A file or folder as it is listed; `size` in bytes is None for a folder."""

    name: str
    size: int | None
    at: datetime

    @property
    def is_folder(self) -> bool:
        return self.size is None


def look(inbox: Inbox, user: str, path: str) -> Entry:
    """Describe what is at a path. Raises NotThere, StoreUnavailable, DatabaseAway."""
    with inbox.database.read() as connection:
        item = _item_at(connection, user, path)
    if item is None:
        raise NotThere
    return _entry(inbox, path.rpartition("/")[2], item)


def browse(inbox: Inbox, user: str, folder: str) -> list[Entry]:
    """List a folder by name. Raises NotThere, StoreUnavailable, DatabaseAway."""
    with inbox.database.read() as connection:
        if folder_at(connection, user, folder) is None:
            raise NotThere
        found = _by_name(folder, _items_below(connection, user, folder))
    return [_entry(inbox, name, found[name]) for name in sorted(found)]


def _item_at(connection: Connection, user: str, path: str) -> Item | None:
    # an unfinished upload hides the finished file that it is going to replace: the client looks for its size
    return (
        next(iter(unfinished_at(connection, user, path)), None)
        or current_file(connection, user, path)
        or sidecar_at(connection, user, path)
        or folder_at(connection, user, path)
    )


def _items_below(connection: Connection, user: str, folder: str) -> Iterable[tuple[str, Item]]:
    for upload in unfinished_below(connection, user, folder):
        yield upload.file.path, upload
    for file in current_files_below(connection, user, folder):
        yield file.path, file
    for sidecar in sidecars_below(connection, user, folder):
        yield sidecar.path, sidecar
    for inner in folders_below(connection, user, folder):
        yield inner.path, inner


def _by_name(folder: str, items: Iterable[tuple[str, Item]]) -> dict[str, Item]:
    """Keep what is directly in the folder, and the folders that lead to the rest; the first of a name counts."""
    start = len(folder) + 1 if folder else 0
    found: dict[str, Item] = {}
    for path, item in items:
        name, slash, _ = path[start:].partition("/")
        found.setdefault(name, Folder(path[: start + len(name)], None) if slash else item)
    return found


def _entry(inbox: Inbox, name: str, item: Item) -> Entry:
    match item:
        case Unfinished():
            return Entry(name, shown_size(inbox, item), item.touched_at)
        case File():
            return Entry(name, item.size or 0, item.registered_at)
        case Sidecar():
            return Entry(name, item.size, item.at)
        case Folder():
            return Entry(name, None, item.made_at or _EPOCH)


def shown_size(inbox: Inbox, upload: Unfinished) -> int:
    """Return from where a client may go on with an upload. Raises StoreUnavailable."""
    held = inbox.uploads.get(upload.file.id)
    return look_up(inbox.store, upload).shown_size if held is None else max(0, held.safe_size - 1)
