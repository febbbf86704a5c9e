"""Named statements that units of work are made of. Each stands once, so that the units of a group share it.

`order` is the order in which a group runs its statements: what others refer to comes first.
A `conditional` statement must touch one row for each set of values; otherwise the unit has lost its race.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from sqlalchemy import BigInteger, Connection, Executable, Integer, bindparam, delete, insert, text, update
from sqlalchemy.types import Text

from shared.database.queue_tables import dead_letters, folders, leases, sidecars
from shared.database.sets import SetStatement, Values, run_sets
from shared.database.tables import (
    checksums,
    dataset_events,
    datasets,
    files,
    grants,
    s3_credentials,
)
from shared.database.types import FileUuid, UtcDateTime


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement shared by all units that use it; equal only to itself.

    What every delivery needs is a `SetStatement`, sent once for a group of units; others are sent once for each row.
    """

    order: int
    sql: Executable | SetStatement
    conditional: bool = False

    def run(self, connection: Connection, values: Values) -> int:
        """Run it for several rows, and return how many it has touched."""
        if isinstance(self.sql, SetStatement):
            return self.sql.run(connection, values)
        return connection.execute(self.sql, [dict(row) for row in values]).rowcount


def run_all(connection: Connection, groups: Sequence[tuple[Statement, Values]]) -> Iterator[int]:
    """Run statements in this order, and yield how many rows each has touched."""
    for are_sets, some in groupby(groups, lambda group: isinstance(group[0].sql, SetStatement)):
        if are_sets:
            yield from run_sets(connection, [(cast("SetStatement", statement.sql), rows) for statement, rows in some])
        else:
            yield from (statement.run(connection, rows) for statement, rows in some)


def _time(name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's bindparam is generic in what it binds
    return bindparam(name, type_=UtcDateTime())


def _uuid(name: str) -> Any:  # noqa: ANN401
    return bindparam(name, type_=FileUuid)


_FACTS = (
    "size", "tag", "inbox_location", "header", "key_fingerprint", "archive_location", "archive_size", "plain_size",
    "backup_location", "accession",
)  # fmt: skip
FACTS = frozenset(_FACTS)
"""Columns of `files` that a move may fill in."""

# ---- first those whose failure says that this unit has lost
HANDLED = Statement(
    0,
    SetStatement(
        "INSERT INTO handled (queue, message_id, at) SELECT queue, message_id, at FROM {rows}",
        {"queue": Text(), "message_id": FileUuid, "at": UtcDateTime()},
    ),
)
LEASE_RELEASE = Statement(
    1,
    delete(leases).where(leases.c.name == bindparam("lease"), leases.c.token == _uuid("lease_token")),
    conditional=True,
)
DELIVERY_SETTLE = Statement(
    2,
    SetStatement("DELETE FROM outgoing WHERE id IN (SELECT outgoing_id FROM {rows})", {"outgoing_id": BigInteger()}),
    conditional=True,
)

# ---- files
FILE_REGISTER = Statement(
    10,
    SetStatement(
        'INSERT INTO files (id, "user", path, state, registered_at, changed_at) '
        'SELECT id, "user", path, state, at, at FROM {rows}',
        {"id": FileUuid, "user": Text(), "path": Text(), "state": Text(), "at": UtcDateTime()},
    ),
)
FILE_LEAVE_INBOX = Statement(
    11, update(files).where(files.c.id == _uuid("file")).values(inbox_location=None, changed_at=_time("at"))
)
FILE_MOVE = Statement(
    12,
    SetStatement(
        # the time of the last change stands for a version: what was decided on an older one is decided anew
        "UPDATE files SET state = new.to_state, error = new.reason, changed_at = new.at, "
        "size = coalesce(new.size, files.size), "
        "tag = coalesce(new.tag, files.tag), "
        "inbox_location = coalesce(new.inbox_location, files.inbox_location), "
        "header = coalesce(new.header, files.header), "
        "key_fingerprint = coalesce(new.key_fingerprint, files.key_fingerprint), "
        "archive_location = coalesce(new.archive_location, files.archive_location), "
        "archive_size = coalesce(new.archive_size, files.archive_size), "
        "plain_size = coalesce(new.plain_size, files.plain_size), "
        "backup_location = coalesce(new.backup_location, files.backup_location), "
        "accession = coalesce(new.accession, files.accession) "
        "FROM {rows} WHERE files.id = new.file AND files.state = new.was AND files.changed_at = new.seen",
        {
            "file": FileUuid, "was": Text(), "seen": UtcDateTime(), "to_state": Text(), "reason": Text(),
            "at": UtcDateTime(), **{name: files.c[name].type for name in _FACTS},
        },
    ),
    conditional=True,
)  # fmt: skip
FILE_RESET = Statement(
    13,
    update(files)
    .where(files.c.id == _uuid("file"))
    .values(
        header=None, key_fingerprint=None, archive_location=None, archive_size=None, plain_size=None,
        backup_location=None, accession=None,
    ),
)  # fmt: skip
FILE_FAULT = Statement(14, update(files).where(files.c.id == _uuid("file")).values(error=bindparam("reason")))
FILE_TOUCH = Statement(
    14,
    update(files)
    .where(files.c.id == _uuid("file"), files.c.state == bindparam("is_still"))
    .values(changed_at=_time("at")),
    conditional=True,
)
CHECKSUM_FORGET = Statement(
    16, delete(checksums).where(checksums.c.file_id == _uuid("file"), checksums.c.source == bindparam("from_source"))
)
CHECKSUM_RECORD = Statement(
    17,
    SetStatement(
        "INSERT INTO checksums (file_id, source, algorithm, value) SELECT file_id, source, algorithm, value "
        "FROM {rows} WHERE true ON CONFLICT (file_id, source, algorithm) DO UPDATE SET value = excluded.value",
        {"file_id": FileUuid, "source": Text(), "algorithm": Text(), "value": Text()},
        unique=("file_id", "source", "algorithm"),
    ),
)

# ---- datasets
DATASET_REGISTER = Statement(
    20,
    text(
        "INSERT INTO datasets (id, state, registered_at, changed_at) VALUES (:dataset_id, 'registered', :at, :at) "
        "ON CONFLICT (id) DO NOTHING"
    ).bindparams(_time("at")),
)
DATASET_MOVE = Statement(
    21,
    update(datasets)
    .where(datasets.c.id == bindparam("dataset"), datasets.c.state == bindparam("was"))
    .values(state=bindparam("to"), changed_at=_time("at")),
    conditional=True,
)
DATASET_ADD_FILE = Statement(
    22,
    text(
        "INSERT INTO dataset_files (dataset_id, file_id, added_at) VALUES (:dataset_id, :file_id, :at) "
        "ON CONFLICT (dataset_id, file_id) DO NOTHING"
    ).bindparams(_uuid("file_id"), _time("at")),
)

# ---- inbox
UPLOAD_FORGET = Statement(
    31, SetStatement("DELETE FROM uploads WHERE file_id IN (SELECT file FROM {rows})", {"file": FileUuid})
)
FOLDER_MAKE = Statement(
    32,
    text(
        'INSERT INTO folders ("user", path, made_at) VALUES (:user, :path, :at) ON CONFLICT ("user", path) DO NOTHING'
    ).bindparams(_time("at")),
)
FOLDER_REMOVE = Statement(
    33, delete(folders).where(folders.c.user == bindparam("owner"), folders.c.path == bindparam("folder"))
)
SIDECAR_KEEP = Statement(
    34,
    text(
        'INSERT INTO sidecars ("user", path, algorithm, value, size, at) '
        "VALUES (:user, :path, :algorithm, :value, :size, :at) "
        'ON CONFLICT ("user", path) DO UPDATE SET algorithm = excluded.algorithm, value = excluded.value, '
        "size = excluded.size, at = excluded.at"
    ).bindparams(_time("at")),
)
SIDECAR_REMOVE = Statement(
    35, delete(sidecars).where(sidecars.c.user == bindparam("owner"), sidecars.c.path == bindparam("sidecar"))
)

# ---- what happened, and what is to be sent
EVENT = Statement(
    40,
    SetStatement(
        "INSERT INTO events (file_id, event, service, reason, at) "
        "SELECT file_id, event, service, reason, at FROM {rows}",
        {"file_id": FileUuid, "event": Text(), "service": Text(), "reason": Text(), "at": UtcDateTime()},
    ),
)
DATASET_EVENT = Statement(41, insert(dataset_events))
SEND = Statement(
    42,
    SetStatement(
        "INSERT INTO outgoing (due, routing_key, queue, message_id, correlation_id, body, attempt, first_seen) "
        "SELECT due, routing_key, queue, message_id, correlation_id, body, attempt, first_seen FROM {rows}",
        {
            "due": UtcDateTime(),
            "routing_key": Text(),
            "queue": Text(),
            "message_id": FileUuid,
            "correlation_id": Text(),
            "body": Text(),
            "attempt": Integer(),
            "first_seen": UtcDateTime(),
        },
    ),
)
DEAD_LETTER = Statement(43, insert(dead_letters))
DEAD_LETTER_DROP = Statement(
    44, delete(dead_letters).where(dead_letters.c.id == bindparam("dead_letter")), conditional=True
)

# ---- people and keys
USER_ADD = Statement(
    50,
    text(
        "INSERT INTO users (name, password_hash, enabled, registered_at) VALUES (:name, :password_hash, 1, :at) "
        "ON CONFLICT (name) DO UPDATE SET password_hash = coalesce(excluded.password_hash, users.password_hash)"
    ).bindparams(bindparam("password_hash", type_=Text()), _time("at")),
)
USER_ADD_KEY = Statement(
    51,
    text('INSERT INTO user_keys ("user", ssh_key) VALUES (:user, :ssh_key) ON CONFLICT ("user", ssh_key) DO NOTHING'),
)
GRANT_ADD = Statement(
    52,
    text(
        'INSERT INTO grants ("user", dataset_id, until, granted_at) VALUES (:user, :dataset_id, :until, :at) '
        'ON CONFLICT ("user", dataset_id) DO UPDATE SET until = excluded.until'
    ).bindparams(_time("until"), _time("at")),
)
GRANT_REMOVE = Statement(
    53,
    delete(grants).where(grants.c.user == bindparam("reader"), grants.c.dataset_id == bindparam("dataset")),
    conditional=True,
)
GRANT_REVOKE = Statement(
    53, delete(grants).where(grants.c.user == bindparam("reader"), grants.c.dataset_id == bindparam("dataset"))
)
"""The same where it is as well if there is none."""
KEY_REGISTER = Statement(
    5,
    text(
        "INSERT INTO keys (fingerprint, description, registered_at) VALUES (:fingerprint, :description, :at) "
        "ON CONFLICT (fingerprint) DO NOTHING"
    ).bindparams(_time("at")),
)
CREDENTIALS_ISSUE = Statement(55, insert(s3_credentials))
CREDENTIALS_REVOKE = Statement(
    56,
    update(s3_credentials)
    .where(
        s3_credentials.c.access_key == bindparam("key"),
        s3_credentials.c.user == bindparam("owner"),
        s3_credentials.c.revoked_at.is_(None),
    )
    .values(revoked_at=_time("at")),
)
