"""PostgreSQL: each service logs in as a role of its own, which has the rights that its statements need and no other.

The roles themselves are made by `docker/postgres/10-roles.sh`, or by whoever runs the server. `staff` is the role of
the `strongroom` command. The rights name tables, or columns of a table (`files(state)`).
"""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import text

from shared.database.engine import Database
from shared.database.queue_tables import metadata

READ = frozenset({"SELECT"})
ADD = frozenset({"INSERT"})
CHANGE = frozenset({"UPDATE"})
REMOVE = frozenset({"DELETE"})
KEEP = READ | ADD
"""Rows that are added once: ON CONFLICT DO NOTHING reads the key."""
REPLACE = READ | ADD | CHANGE
"""Rows of which the last one counts: ON CONFLICT DO UPDATE reads the key."""

Rights = Mapping[str, frozenset[str]]

FLOW: Rights = {
    "alembic_version": READ,
    # the relay locks rows, for which PostgreSQL wants the right to change them
    "outgoing": READ | ADD | CHANGE | REMOVE,
    "handled": KEEP | REMOVE,
    "leases": REPLACE | REMOVE,
    "dead_letters": KEEP,
    # for the metrics of every process
    "files(state)": READ,
    "datasets(state)": READ,
}
"""What the message flow and the metrics need, in every service."""

FILES: Rights = {"files": READ | CHANGE, "events": ADD, "checksums": REPLACE}
"""What moving a file through its states needs."""

GIVING_OUT: Rights = {
    "files": READ,
    "events": ADD,
    "checksums": READ,
    "datasets": READ,
    "dataset_files": READ,
    "grants": READ,
    "audit": KEEP,
}
"""What giving files to those who may read them needs, and the record of it."""

ROLES: Mapping[str, Rights] = {
    "inbox": {
        **FLOW,
        **FILES,
        "files": REPLACE,
        "uploads": REPLACE | REMOVE,
        "folders": KEEP | REMOVE,
        "sidecars": REPLACE | REMOVE,
        "users": READ,
        "user_keys": READ,
        "s3_credentials": READ,
        "login_attempts": REPLACE | REMOVE,
    },
    "intercept": FLOW,
    "ingest": {
        **FLOW,
        **FILES,
        "events": KEEP,
        "checksums": REPLACE | REMOVE,
        "keys": KEEP,
        "dataset_files": READ,
    },
    "verify": {**FLOW, **FILES, "sidecars": READ},
    "finalize": {**FLOW, **FILES, "sidecars": READ},
    "mapper": {
        **FLOW,
        "files": READ | CHANGE,
        "events": ADD,
        "datasets": REPLACE,
        "dataset_files": KEEP,
        "dataset_events": ADD,
        "grants": REPLACE | REMOVE,
    },
    "outbox": {
        **FLOW,
        **GIVING_OUT,
        "exports": KEEP,
        "exports(removed_at)": CHANGE,
        "export_files": READ,
    },
    "export": {
        **FLOW,
        **GIVING_OUT,
        "exports": READ | CHANGE | REMOVE,
        "export_files": REPLACE | REMOVE,
    },
    "login": {
        **FLOW,
        "files": READ,
        "users": KEEP,
        "users(vouched_until)": CHANGE,
        "user_keys": READ,
        "s3_credentials": KEEP,
        "s3_credentials(revoked_at)": CHANGE,
        "login_sessions": KEEP | REMOVE,
        "login_pending": KEEP | REMOVE,
        "login_attempts": REPLACE | REMOVE,
    },
    "orchestrate": {**FLOW, "files": READ | CHANGE, "checksums": READ, "events": KEEP},
    "staff": {
        "alembic_version": READ,
        "outgoing": KEEP,
        "dead_letters": READ | REMOVE,
        "files": READ,
        "events": READ,
        "checksums": READ,
        "datasets": READ,
        "dataset_files": READ,
        "dataset_events": READ,
        "keys": READ,
        "users": REPLACE,
        "user_keys": KEEP,
        "s3_credentials": REPLACE,
        "grants": REPLACE | REMOVE,
        "audit": READ,
        "exports": READ,
        "exports(listed_at, refusal, removed_at)": CHANGE,
        "export_files": READ,
        "export_files(state, reason, changed_at)": CHANGE,
    },
}


def role_name(service: str) -> str:
    """Return the name of a service's role."""
    return f"strongroom_{service}"


def apply_roles(database: Database) -> tuple[str, ...]:
    """Give every role that exists its rights, and take all others from it; return the services whose roles exist.

    Run it as the owner of the tables, after every migration. SQLite knows no roles: nothing is done.
    """
    if database.is_sqlite:
        return ()
    with database.write() as connection:
        names = set(connection.scalars(text("SELECT rolname FROM pg_roles WHERE starts_with(rolname, 'strongroom_')")))
        services = tuple(service for service in ROLES if role_name(service) in names)
        for statement in grant_statements(services):
            connection.execute(text(statement))
    return services


def grant_statements(services: Iterable[str]) -> Iterator[str]:
    """Yield the SQL that gives the roles of these services their rights, and takes all others from them."""
    for service in services:
        role = role_name(service)
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {role}"
        for place, verbs in ROLES[service].items():
            yield _grant(place, verbs, role)
            if verbs >= ADD:
                yield from _numbering(place, role)


def _grant(place: str, verbs: frozenset[str], role: str) -> str:
    table, _, columns = place.partition("(")
    what = ", ".join(f"{verb} ({columns}" if columns else verb for verb in sorted(verbs))
    return f"GRANT {what} ON TABLE {table} TO {role}"


def _numbering(table: str, role: str) -> Iterator[str]:
    """Yield what it takes to add rows that the database numbers."""
    column = metadata.tables[table].autoincrement_column
    if column is not None:
        yield f"GRANT USAGE ON SEQUENCE {table}_{column.name}_seq TO {role}"
        # SQLAlchemy asks for the number of a row that is added alone
        yield f"GRANT SELECT ({column.name}) ON TABLE {table} TO {role}"
