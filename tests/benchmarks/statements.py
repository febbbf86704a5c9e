"""What a database server was asked for, as it counts itself (pg_stat_statements)."""

from psycopg.sql import SQL

from tests.stack.handles import PostgresServer
from tests.stack.postgres import administrator

_MAKE = SQL("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
_COUNT = SQL(
    "SELECT coalesce(sum(calls) FILTER (WHERE query !~* '^(BEGIN|COMMIT|ROLLBACK)'), 0)::bigint AS statements,"
    " coalesce(sum(calls) FILTER (WHERE query ~* '^COMMIT'), 0)::bigint AS transactions"
    " FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid WHERE datname = %s AND toplevel"
)


class StatementCounter:
    """Counts what is done in one database, whoever does it."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server = server
        self._database = database
        with administrator(server) as connection:
            connection.execute(_MAKE)

    def counts(self) -> dict[str, float]:
        """Return the statements so far, and the transactions of more than one statement that were committed."""
        with administrator(self._server) as connection:
            row = connection.execute(_COUNT, (self._database,)).fetchone()
        assert row is not None
        return {"statements": row[0], "transactions": row[1]}
