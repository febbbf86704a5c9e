"""Rename a file, a checksum file or a folder with all that is in it, in one transaction."""

from functools import partial

from sqlalchemy import Connection

from services.inbox.errors import InboxError, NotAllowed, NotThere
from services.inbox.inbox import Inbox
from services.inbox.leave import WITHDRAWN, leave
from services.inbox.paths import is_below, moved, not_root, sidecar_algorithm
from services.inbox.placing import check_free, check_place
from services.inbox.queries import (
    Folder,
    Sidecar,
    current_file,
    current_files_below,
    folder_at,
    folders_below,
    sidecar_at,
    sidecars_below,
    unfinished_at,
    unfinished_below,
)
from services.inbox.statements import RENAME_IN_INBOX
from shared.broker.unit import Unit
from shared.database.records import File
from shared.database.statements import FOLDER_MAKE, FOLDER_REMOVE, SIDECAR_KEEP, SIDECAR_REMOVE
from shared.database.states import FileState
from shared.identifiers import wire_path
from shared.messages.inbox import InboxRename


def rename(inbox: Inbox, user: str, old: str, new: str, *, replace: bool) -> None:
    """Give something in the inbox another path; each file is told of by a message of its own.

    replace: a file that has the new name leaves the inbox, as by a second upload.
    Raises InboxError, DatabaseAway, Busy.
    """
    inbox.settle(partial(_rename, user=user, old=not_root(old), new=not_root(new), replace=replace))


def _rename(connection: Connection, unit: Unit, *, user: str, old: str, new: str, replace: bool) -> None:
    if unfinished_at(connection, user, old):
        raise NotAllowed("this upload is not finished: a file can be renamed once it is whole")
    file, sidecar = current_file(connection, user, old), sidecar_at(connection, user, old)
    if file is None and sidecar is None:
        _rename_folder(connection, unit, user, old, new)
    elif old != new:
        _make_way(connection, unit, user, new, replace=replace)
        if file is not None:
            _move_file(unit, file, new)
        if sidecar is not None:
            _move_sidecar(unit, user, sidecar, new)


def _make_way(connection: Connection, unit: Unit, user: str, path: str, *, replace: bool) -> None:
    if not replace or unfinished_at(connection, user, path):
        check_free(connection, user, path)
    check_place(connection, user, path)
    earlier = current_file(connection, user, path)
    if earlier is None:
        return
    if earlier.state is FileState.SUBMITTED:
        raise NotAllowed("the file of this name is just being ingested: try again later")
    leave(unit, earlier, "replaced by a renamed file")


def _rename_folder(connection: Connection, unit: Unit, user: str, old: str, new: str) -> None:
    folder = folder_at(connection, user, old)
    if folder is None:
        raise NotThere
    if old == new:
        return
    if is_below(new, old):
        raise InboxError("a folder cannot be moved into itself")
    if unfinished_below(connection, user, old):
        raise NotAllowed("there are unfinished uploads in this folder: rename it once they are whole")
    check_free(connection, user, new)
    for file in current_files_below(connection, user, old):
        _move_file(unit, file, moved(file.path, old, new))
    for sidecar in sidecars_below(connection, user, old):
        _move_sidecar(unit, user, sidecar, moved(sidecar.path, old, new))
    for inner in [folder, *folders_below(connection, user, old)]:
        _move_folder(unit, user, inner, moved(inner.path, old, new))


def _move_file(unit: Unit, file: File, new: str) -> None:
    if sidecar_algorithm(new):
        raise NotAllowed("names that end in .sha256 or .md5 are for checksum files")
    if file.state not in WITHDRAWN:
        raise NotAllowed("a file that is being ingested or archived keeps its name")
    unit.add(RENAME_IN_INBOX, file=file.id, seen=file.changed_at, new_path=new, at=unit.at)
    unit.event(file.id, "renamed")
    unit.send(
        InboxRename(user=file.user, filepath=wire_path(file.user, new), oldpath=wire_path(file.user, file.path)),
        file.id,
    )


def _move_sidecar(unit: Unit, user: str, sidecar: Sidecar, new: str) -> None:
    if sidecar_algorithm(new) != sidecar.algorithm:
        raise NotAllowed("a checksum file keeps its ending")
    unit.add(
        SIDECAR_KEEP,
        user=user, path=new, algorithm=sidecar.algorithm, value=sidecar.value, size=sidecar.size, at=sidecar.at,
    )  # fmt: skip
    unit.add(SIDECAR_REMOVE, owner=user, sidecar=sidecar.path)


def _move_folder(unit: Unit, user: str, folder: Folder, new: str) -> None:
    unit.add(FOLDER_MAKE, user=user, path=new, at=folder.made_at or unit.at)
    unit.add(FOLDER_REMOVE, owner=user, folder=folder.path)
