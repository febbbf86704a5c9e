"""Where something new may be put."""

from sqlalchemy import Connection

from services.inbox.errors import InboxError, NotThere
from services.inbox.paths import not_root, parent
from services.inbox.queries import current_file, folder_at, sidecar_at, unfinished_at


def check_place(connection: Connection, user: str, path: str) -> None:
    """Raise InboxError unless a file may be written at a path: its folder exists, and it is no folder itself."""
    if folder_at(connection, user, not_root(path)) is not None:
        raise InboxError("there is a folder of this name")
    if folder_at(connection, user, parent(path)) is None:
        raise NotThere("there is no such folder: make it first")


def check_free(connection: Connection, user: str, path: str) -> None:
    """Raise InboxError unless there is nothing at a path, and its folder exists."""
    check_place(connection, user, path)
    finders = (current_file, sidecar_at, unfinished_at)
    if any(find(connection, user, path) for find in finders):
        raise InboxError("there is a file of this name already")
