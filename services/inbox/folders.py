"""Make and remove folders; a folder is also there as long as something is in it."""

from functools import partial

from sqlalchemy import Connection

from services.inbox.errors import InboxError, NotThere
from services.inbox.inbox import Inbox
from services.inbox.paths import not_root
from services.inbox.placing import check_free
from services.inbox.queries import anything_below, folder_at
from shared.broker.unit import Unit
from shared.database.statements import FOLDER_MAKE, FOLDER_REMOVE


def make_folder(inbox: Inbox, user: str, path: str) -> None:
    """Make a folder in one that exists. Raises InboxError, DatabaseAway, Busy."""
    inbox.settle(partial(_make, user=user, path=not_root(path)))


def remove_folder(inbox: Inbox, user: str, path: str) -> None:
    """Remove an empty folder. Raises InboxError, DatabaseAway, Busy."""
    inbox.settle(partial(_remove, user=user, path=not_root(path)))


def _make(connection: Connection, unit: Unit, *, user: str, path: str) -> None:
    check_free(connection, user, path)
    unit.add(FOLDER_MAKE, user=user, path=path, at=unit.at)


def _remove(connection: Connection, unit: Unit, *, user: str, path: str) -> None:
    if folder_at(connection, user, path) is None:
        raise NotThere("there is no such folder")
    if anything_below(connection, user, path):
        raise InboxError("this folder is not empty")
    unit.add(FOLDER_REMOVE, owner=user, folder=path)
