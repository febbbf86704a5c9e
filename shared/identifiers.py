"""Names for things that get mixed up, and the two spellings of a path in the inbox."""

from typing import NewType
from uuid import UUID, uuid4

FileId = NewType("FileId", str)
"""UUID of an upload, lower case with hyphens; the correlation id of every message about it, and its object key."""

NO_FILE = FileId("00000000-0000-0000-0000-000000000000")
"""The id of no file; sorts before all of them."""

AccessionId = NewType("AccessionId", str)
DatasetId = NewType("DatasetId", str)
MessageId = NewType("MessageId", str)


def new_file_id() -> FileId:
    return FileId(str(uuid4()))


def new_message_id() -> MessageId:
    return MessageId(str(uuid4()))


def parse_file_id(text: str | None) -> FileId | None:
    """Read a correlation id; None if it is not a UUID and thus none of ours."""
    try:
        return FileId(str(UUID(text or "")))
    except ValueError:
        return None


def user_prefix(user: str) -> str:
    """Folder of a user in paths on the wire. FEGA writes `@` as `_` there."""
    return user.replace("@", "_") + "/"


def wire_path(user: str, path: str) -> str:
    """Path as messages carry it: with the user's folder before it."""
    return user_prefix(user) + path


def inbox_paths(user: str, filepath: str) -> list[str]:
    """Paths in the user's inbox that `filepath` of a message may mean, the likeliest first.

    Senders write it with or without the user's folder, and a user may own a folder that is called like himself.
    """
    plain = filepath.lstrip("/")
    stripped = [plain[len(p) :] for p in (user_prefix(user), user + "/") if plain.startswith(p)]
    return list(dict.fromkeys([*stripped, plain]))
