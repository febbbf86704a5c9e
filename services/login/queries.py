"""What login asks and tells the database, one sentence each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, union, update

from shared.access.users import CEGA, lasting
from shared.database.states import FileState
from shared.database.tables import files, login_attempts, login_pending, login_sessions, s3_credentials, users
from shared.database.types import FileUuid, UtcDateTime, now
from shared.identifiers import FileId

_AT = bindparam("moment", type_=UtcDateTime())

_SESSION_BEGIN = insert(login_sessions)
_SESSION_END = delete(login_sessions).where(login_sessions.c.id_hash == bindparam("session"))
_SESSION_USER = (
    select(login_sessions.c.user)
    .join(users, users.c.name == login_sessions.c.user)
    .where(login_sessions.c.id_hash == bindparam("session"), login_sessions.c.expires_at > _AT, *lasting(_AT))
)

_PENDING_KEEP = insert(login_pending)
_PENDING_TAKE = (
    delete(login_pending)
    .where(
        login_pending.c.state_hash == bindparam("state"),
        login_pending.c.browser_hash == bindparam("browser"),
        login_pending.c.expires_at > _AT,
    )
    .returning(login_pending.c.nonce, login_pending.c.code_verifier)
)

_NAME_OF_SUBJECT = select(users.c.name, users.c.enabled).where(
    users.c.source == bindparam("from_source"), users.c.subject == bindparam("known_as")
)
_USER_ADD = insert(users)
_NAME_TAKEN = select(users.c.name).where(users.c.name == bindparam("person"))
_VOUCH = (
    update(users)
    .where(users.c.name == bindparam("person"), users.c.source == CEGA)
    .values(vouched_until=bindparam("until", type_=UtcDateTime()))
)
_IN_USE = select(users.c.name).where(
    users.c.source == CEGA,
    users.c.name.in_(
        union(
            select(login_sessions.c.user).where(login_sessions.c.expires_at > _AT),
            select(s3_credentials.c.user).where(
                s3_credentials.c.expires_at > _AT, s3_credentials.c.revoked_at.is_(None)
            ),
        )
    ),
)

_STATES = select(files.c.state, func.count()).where(files.c.user == bindparam("owner")).group_by(files.c.state)
_WITH_FAULT = or_(files.c.state == FileState.ERROR.value, files.c.error.is_not(None))
_FILES = (
    select(files.c.id, files.c.path, files.c.state, files.c.size, files.c.accession, files.c.error, files.c.changed_at)
    .where(
        files.c.user == bindparam("owner"),
        or_(
            files.c.path > bindparam("path"),
            (files.c.path == bindparam("path")) & (files.c.id > bindparam("file", type_=FileUuid)),
        ),
    )
    .order_by(files.c.path, files.c.id)
    .limit(bindparam("most"))
)
_FAULTY_FILES = _FILES.where(_WITH_FAULT)

_EXPIRED = tuple(
    delete(table).where(column <= _AT)
    for table, column in (
        (login_sessions, login_sessions.c.expires_at),
        (login_pending, login_pending.c.expires_at),
        (login_attempts, login_attempts.c.ends_at),
    )
)


class Pending(NamedTuple):
    """What a log-in by the provider that has begun is recognised by."""

    nonce: str
    code_verifier: str


class Upload(NamedTuple):
    """A file as its submitter sees it; size in bytes."""

    id: FileId
    path: str
    state: str
    size: int | None
    accession: str | None
    error: str | None
    changed_at: datetime


def begin_session(connection: Connection, id_hash: str, user: str, expires_at: datetime) -> None:
    """Remember a session."""
    connection.execute(_SESSION_BEGIN, {"id_hash": id_hash, "user": user, "expires_at": expires_at})


def session_user(connection: Connection, id_hash: str) -> str | None:
    """Return whose session this is, while it and its user last."""
    user: str | None = connection.scalar(_SESSION_USER, {"session": id_hash, "moment": now()})
    return user


def end_session(connection: Connection, id_hash: str) -> None:
    """Forget a session."""
    connection.execute(_SESSION_END, {"session": id_hash})


def keep_pending(connection: Connection, state_hash: str, browser_hash: str, pending: Pending, until: datetime) -> None:
    """Remember a log-in that the provider is to finish."""
    keys = {"state_hash": state_hash, "browser_hash": browser_hash, "expires_at": until}
    connection.execute(_PENDING_KEEP, {**keys, **pending._asdict()})


def take_pending(connection: Connection, state_hash: str, browser_hash: str) -> Pending | None:
    """Return a log-in that this browser has begun, and forget it: it can be finished once."""
    values = {"state": state_hash, "browser": browser_hash, "moment": now()}
    row = connection.execute(_PENDING_TAKE, values).one_or_none()
    return None if row is None else Pending(*row)


def user_of_subject(connection: Connection, source: str, subject: str) -> tuple[str, bool] | None:
    """Return the user whom a source calls so, and whether staff let them log in."""
    row = connection.execute(_NAME_OF_SUBJECT, {"from_source": source, "known_as": subject}).one_or_none()
    return None if row is None else (str(row.name), bool(row.enabled))


def is_taken(connection: Connection, name: str) -> bool:
    """Tell whether there is a user of this name."""
    return connection.scalar(_NAME_TAKEN, {"person": name}) is not None


def add_user(connection: Connection, name: str, source: str, subject: str) -> None:
    """Add a user of another source; that is a Conflict if name or subject have been taken meanwhile."""
    row: dict[str, Any] = {"name": name, "source": source, "subject": subject, "registered_at": now()}
    connection.execute(_USER_ADD, row)


def vouch(connection: Connection, name: str, until: datetime) -> None:
    """Note until when the word of Central EGA holds that a user may log in."""
    connection.execute(_VOUCH, {"person": name, "until": until})


def users_to_vouch_for(connection: Connection) -> list[str]:
    """Return the users of Central EGA who have a session or S3 credentials."""
    return list(connection.scalars(_IN_USE, {"moment": now()}))


def counts_by_state(connection: Connection, user: str) -> dict[str, int]:
    """Return how many files of a user are in each state."""
    return {str(state): int(count) for state, count in connection.execute(_STATES, {"owner": user})}


def uploads_behind(
    connection: Connection, user: str, path: str, file: FileId, *, faulty: bool, most: int
) -> Sequence[Upload]:
    """Return files of a user by path, those behind a path and file; `faulty`: only those with an error."""
    values = {"owner": user, "path": path, "file": file, "most": most}
    rows = connection.execute(_FAULTY_FILES if faulty else _FILES, values)
    return [Upload._make(row) for row in rows]


def forget_expired(connection: Connection) -> None:
    """Forget sessions, log-ins under way and attempts whose time is over."""
    for statement in _EXPIRED:
        connection.execute(statement, {"moment": now()})
