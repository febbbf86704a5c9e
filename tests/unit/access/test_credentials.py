"""S3 credentials: good for their time and their user, and gone at once when either ends."""

from datetime import timedelta

import pytest
from sqlalchemy import event, text, update

from shared.access.credentials import CredentialKeeper, S3Credentials
from shared.broker.commit import UnitWriter, to_exchange
from shared.broker.unit import Unit
from shared.database.engine import Conflict, Database
from shared.database.statements import USER_ADD
from shared.database.tables import s3_credentials, users
from shared.database.types import now
from shared.errors import ConfigurationError

KEEPER = CredentialKeeper("s" * 32)
DAY = timedelta(days=1)


@pytest.fixture
def ann(database: Database) -> S3Credentials:
    """Credentials of ann, good for a day."""
    with database.write() as connection:
        USER_ADD.run(connection, [{"name": "ann", "password_hash": None, "at": now()}])
    unit = Unit("test")
    issued = KEEPER.issue(unit, "ann", DAY)
    assert find(database, issued.access_key) is None, "good once it is committed"
    commit(database, unit)
    return issued


def commit(database: Database, unit: Unit) -> None:
    UnitWriter(database, to_exchange).write([unit])


def find(database: Database, access_key: str, keeper: CredentialKeeper = KEEPER) -> S3Credentials | None:
    with database.read() as connection:
        return keeper.find(connection, access_key)


def test_issued_credentials_are_found_with_their_secret(database: Database, ann: S3Credentials) -> None:
    assert find(database, ann.access_key) == ann
    assert ann.expires_at - ann.issued_at == DAY
    assert (ann.user, len(ann.access_key), len(ann.secret_key)) == ("ann", 24, 43)
    with database.read() as connection:
        assert KEEPER.of_user(connection, "ann") == [ann]
        assert KEEPER.of_user(connection, "eve") == []


def test_no_two_credentials_are_alike(database: Database, ann: S3Credentials) -> None:
    unit = Unit("test")
    more = [KEEPER.issue(unit, "ann", DAY) for _ in range(20)]
    commit(database, unit)
    for part in ("access_key", "secret_key"):
        assert len({getattr(issued, part) for issued in (ann, *more)}) == 21


def test_secret_is_neither_stored_nor_shown(database: Database, ann: S3Credentials) -> None:
    assert ann.secret_key not in repr(ann)
    assert ann.secret_key not in str(ann)
    with database.read() as connection:
        rows = connection.execute(s3_credentials.select()).all()
    assert rows
    assert ann.secret_key not in repr(rows)


def test_secret_depends_on_that_of_the_node(database: Database, ann: S3Credentials) -> None:
    other = find(database, ann.access_key, CredentialKeeper("t" * 32))
    assert other is not None
    assert other.secret_key != ann.secret_key


def test_finding_takes_one_query(database: Database, ann: S3Credentials) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert find(database, ann.access_key)
    assert len(statements) == 1


@pytest.mark.parametrize("access_key", ["", "UNKNOWN", "a\0b", "é", "' OR 1=1", "x" * 100_000])
def test_unknown_keys_are_not_found(database: Database, ann: S3Credentials, access_key: str) -> None:
    assert find(database, access_key) is None


def test_revoked_credentials_end_at_once(database: Database, ann: S3Credentials) -> None:
    unit = Unit("test")
    KEEPER.revoke(unit, "ann", ann.access_key)
    commit(database, unit)
    assert find(database, ann.access_key) is None
    with database.read() as connection:
        assert KEEPER.of_user(connection, "ann") == []


def test_nobody_revokes_what_is_anothers(database: Database, ann: S3Credentials) -> None:
    unit = Unit("test")
    KEEPER.revoke(unit, "eve", ann.access_key)
    KEEPER.revoke(unit, "ann", "UNKNOWN")
    commit(database, unit)
    assert find(database, ann.access_key) == ann


@pytest.mark.parametrize(
    "change",
    [
        update(s3_credentials).values(expires_at=now()),
        update(users).values(enabled=0),
        update(users).values(vouched_until=now()),
    ],
    ids=["expired", "disabled by staff", "no longer vouched for"],
)
def test_credentials_end_with_their_time_and_their_user(database: Database, ann: S3Credentials, change: object) -> None:
    with database.write() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert find(database, ann.access_key) is None


def test_user_who_is_vouched_for_keeps_them(database: Database, ann: S3Credentials) -> None:
    with database.write() as connection:
        connection.execute(update(users).values(vouched_until=now() + DAY))
    assert find(database, ann.access_key) == ann


def test_there_are_no_credentials_without_a_user(database: Database) -> None:
    unit = Unit("test")
    KEEPER.issue(unit, "nobody", DAY)
    with pytest.raises(Conflict):
        commit(database, unit)
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM s3_credentials")) == 0


def test_short_secret_of_the_node_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="32 bytes"):
        CredentialKeeper("x" * 31)
