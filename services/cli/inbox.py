"""Which uploads the paths on a command line mean."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from sqlalchemy import Connection

from services.cli.file_queries import uploads_at, uploads_of
from shared.errors import UserError
from shared.identifiers import FileId, inbox_paths

_WILD = frozenset("*?[")


def chosen_uploads(connection: Connection, user: str, paths: Sequence[str]) -> dict[str, FileId]:
    """Return the uploads that the paths and patterns mean, by path; raises UserError if one means none."""
    found: dict[str, FileId] = {}
    everything: dict[str, FileId] | None = None
    for path in paths:
        matches = _exactly(connection, user, path)
        if not matches and _WILD & set(path):
            everything = uploads_of(connection, user) if everything is None else everything
            matches = _like(everything, user, path)
        if not matches:
            what = f"file that matches {path}" if _WILD & set(path) else f"file {path}"
            hint = f"strongroom files list --user {user} shows what there is"
            raise UserError(f"{user} has no {what} in the inbox; {hint}")
        found |= matches
    return found


def _spellings(user: str, path: str) -> list[str]:
    """Return what a path may mean: first as it is listed, then with a leading slash or the user's folder taken off."""
    return list(dict.fromkeys([path, path.lstrip("/"), *inbox_paths(user, path)]))


def _exactly(connection: Connection, user: str, path: str) -> dict[str, FileId]:
    spellings = _spellings(user, path)
    uploads = uploads_at(connection, user, spellings)
    return next(({spelling: uploads[spelling]} for spelling in spellings if spelling in uploads), {})


def _like(uploads: dict[str, FileId], user: str, pattern: str) -> dict[str, FileId]:
    for spelling in _spellings(user, pattern):
        matches = {path: file for path, file in uploads.items() if fnmatchcase(path, spelling)}
        if matches:
            return dict(sorted(matches.items()))
    return {}
