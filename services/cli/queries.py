"""Named database operations about people, datasets and the message flow."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update

from shared.database.queue_tables import dead_letters, outgoing
from shared.database.statements import Statement
from shared.database.tables import audit, dataset_files, datasets, files, grants, user_keys, users
from shared.identifiers import NO_FILE, parse_file_id
from shared.messages.base import Message

USER_SWITCH = Statement(
    54,
    update(users).where(users.c.name == bindparam("person")).values(enabled=bindparam("is_enabled")),
    conditional=True,
)

_KEYS_OF = select(func.count()).select_from(user_keys).where(user_keys.c.user == users.c.name).scalar_subquery()
_USERS = select(
    users.c.name,
    users.c.enabled,
    users.c.password_hash.is_not(None).label("password"),
    _KEYS_OF.label("ssh_keys"),
    users.c.registered_at,
).order_by(users.c.name)
_GRANTS = select(grants.c.user, grants.c.dataset_id.label("dataset"), grants.c.until, grants.c.granted_at).order_by(
    grants.c.user, grants.c.dataset_id
)
_ACCESSES = select(*(column for column in audit.c if column.name != "digest")).order_by(audit.c.number.desc())
_FILES_OF = (
    select(func.count()).select_from(dataset_files).where(dataset_files.c.dataset_id == datasets.c.id).scalar_subquery()
)
_DATASETS = select(
    datasets.c.id, datasets.c.state, _FILES_OF.label("files"), datasets.c.registered_at, datasets.c.changed_at
).order_by(datasets.c.id)
_DATASET = select(datasets.c.id).where(datasets.c.id == bindparam("dataset"))
_OWED_BODIES = select(outgoing.c.body).where(
    or_(outgoing.c.queue == bindparam("key"), outgoing.c.queue.is_(None) & (outgoing.c.routing_key == bindparam("key")))
)
_DEAD = select(
    dead_letters.c.id, dead_letters.c.queue, dead_letters.c.correlation_id, dead_letters.c.reason, dead_letters.c.at
).order_by(dead_letters.c.id)
_DEAD_WHOLE = select(dead_letters).where(dead_letters.c.id == bindparam("letter"))

_FILE_STATES = select(files.c.state, func.count()).group_by(files.c.state)
_DATASET_STATES = select(datasets.c.state, func.count()).group_by(datasets.c.state)
_USER_COUNT = select(func.count()).select_from(users)
_DEAD_COUNT = select(func.count()).select_from(dead_letters)
_QUEUE = func.coalesce(outgoing.c.queue, outgoing.c.routing_key)
_OWED = (
    select(_QUEUE.label("queue"), func.count().label("messages"), func.min(outgoing.c.first_seen).label("oldest"))
    .group_by(_QUEUE)
    .order_by(_QUEUE)
)


def listed_users(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield all users by name, without what they log in with."""
    for row in connection.execute(_USERS):
        yield {**row._asdict(), "enabled": bool(row.enabled), "password": bool(row.password)}


def listed_grants(connection: Connection, user: str | None, dataset: str | None) -> Iterator[dict[str, Any]]:
    """Yield grants by user and dataset; None: of all."""
    query = _GRANTS if user is None else _GRANTS.where(grants.c.user == user)
    query = query if dataset is None else query.where(grants.c.dataset_id == dataset)
    return (row._asdict() for row in connection.execute(query))


def listed_datasets(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield all datasets by id, with the count of their files."""
    return (row._asdict() for row in connection.execute(_DATASETS))


def has_dataset(connection: Connection, dataset: str) -> bool:
    """Tell whether there is a dataset of this id."""
    return connection.scalar(_DATASET, {"dataset": dataset}) is not None


def owed_values(connection: Connection, kind: type[Message], field: str) -> set[str]:
    """Return what a field says in messages that are still to be handled, or to be sent."""
    bodies = connection.scalars(_OWED_BODIES, {"key": kind.routing_key})
    return {str(value) for body in bodies if (value := _field(body, kind, field)) is not None}


def _field(body: str, kind: type[Message], field: str) -> object:
    """Return a field of a message of this kind. Anything may have been sent to a queue."""
    try:
        content = json.loads(body)
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("type") != kind.model_fields["type"].default:
        return None
    return content.get(field)


def listed_dead(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield all dead letters, oldest first, without their bodies."""
    return (row._asdict() for row in connection.execute(_DEAD))


def dead_letter(connection: Connection, letter: int) -> dict[str, Any] | None:
    """Return a dead letter with its body and trace."""
    row = connection.execute(_DEAD_WHOLE, {"letter": letter}).one_or_none()
    return None if row is None else row._asdict()


def counts(connection: Connection) -> dict[str, Any]:
    """Return how much there is of everything; ages count from when a message was first seen."""
    return {
        "files": _by_state(connection.execute(_FILE_STATES).all()),
        "datasets": _by_state(connection.execute(_DATASET_STATES).all()),
        "users": connection.scalar(_USER_COUNT),
        "owed": [row._asdict() for row in connection.execute(_OWED)],
        "dead_letters": connection.scalar(_DEAD_COUNT),
    }


def _by_state(rows: Sequence[Any]) -> dict[str, int]:
    return {str(state): int(count) for state, count in rows}


def listed_accesses(
    connection: Connection, *, user: str | None, file: str | None, limit: int
) -> Iterator[dict[str, Any]]:
    """Yield what is on record of accesses, the newest first."""
    query = _ACCESSES.limit(limit)
    if user is not None:
        query = query.where(audit.c.user == user)
    if file is not None:
        query = query.where(audit.c.file_id == (parse_file_id(file) or NO_FILE))
    return (dict(row._mapping) for row in connection.execute(query))
