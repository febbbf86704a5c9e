"""Connections: one for reading, which holds no transaction, and transactions for writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.errors import StrongroomError

_DISCREET = {"hide_parameters": True}
"""Errors are logged, and the parameters of a statement may be names of people."""


class DatabaseAway(StrongroomError):
    """The database does not answer: nothing can be decided until it is back."""


class Conflict(StrongroomError):
    """A row is not as the unit of work expected it: the unit is dropped and its delivery decided anew."""


_LOST_RACES = frozenset({"40001", "40P01"})
"""SQLSTATE of a serialization failure and of a deadlock: the other side won, nobody is away."""

_BEYOND_LIMITS = "54"
"""Class of SQLSTATE: a value is too long for an index, say. The driver calls it operational, yet nobody is away."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver raises into DatabaseAway or Conflict."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"a constraint of the database forbids it: {_constraint(error)}") from error
    except OperationalError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if state in _LOST_RACES:
            raise Conflict(f"another transaction was in the way: {_first_line(error)}") from error
        if state.startswith(_BEYOND_LIMITS):
            raise
        raise DatabaseAway(f"the database does not answer: {_first_line(error)}") from error
    except (InterfaceError, PoolTimeoutError) as error:
        raise DatabaseAway(f"the database does not answer: {_first_line(error)}") from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error.orig, ReadOnlySqlTransaction):
            raise DatabaseAway from error
        raise


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0]


def _constraint(error: IntegrityError) -> str:
    diagnostics = getattr(error.orig, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or _first_line(error)


class Database:
    """A database and the two ways to use it."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url, pool_size)
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection on which every statement stands alone; raises DatabaseAway."""
        with translated(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in a transaction, committed at the end; raises DatabaseAway, Conflict."""
        with translated(), self.engine.begin() as connection:
            yield connection

    def check(self) -> None:
        """Ask the database for an answer; raises DatabaseAway."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()


def _postgres_engine(url: str, pool_size: int) -> Engine:
    arguments = {"connect_timeout": 5, "options": "-c statement_timeout=60000 -c lock_timeout=30000"}
    pool = {"pool_size": pool_size, "max_overflow": 10, "pool_timeout": 30}
    return create_engine(url, connect_args=arguments, **pool, **_DISCREET)


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, **_DISCREET)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3.Connection behind the pool
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # taking the write lock at once makes writers wait for each other instead of failing half-way
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
