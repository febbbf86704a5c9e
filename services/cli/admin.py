"""`strongroom migrate` and `strongroom status`: the node as a whole."""

from typing import Any

import typer

from services.cli.context import database_at, opened, place
from services.cli.output import answer, details, listing
from services.cli.queries import counts
from services.cli.selection import selected
from services.cli.times import age
from shared.database.migrate import SCHEMA, present_version, upgrade
from shared.database.roles import apply_roles
from shared.settings import load
from shared.storage.buckets import BucketSettings, ensure_buckets


def migrate(context: typer.Context) -> None:
    """Bring the node's database to the schema of this version; give services their rights, and make missing buckets."""
    selection = selected(context)
    where = place(selection)
    with database_at(where) as database:
        before = present_version(database)
        upgrade(where.database_url)
        after = present_version(database)
        roles = apply_roles(database)
    buckets = () if selection.data else ensure_buckets(load(BucketSettings))
    record = {"from": before, "to": after, "roles": roles, "buckets": buckets}
    words = f"is at {after} already" if before == after else f"went from {before or 'none'} to {after}"
    answer(selection, record, f"the schema {words}")


def status(context: typer.Context) -> None:
    """Show what the node holds, owes and could not handle."""
    selection = selected(context)
    with opened(selection) as node, node.database.read() as connection:
        found = {"schema": SCHEMA, **counts(connection)}
    if selection.json:
        answer(selection, found, "")
        return
    owed = found.pop("owed")
    details({name: _sum(value) for name, value in found.items()})
    if owed:
        typer.echo("\nmessages owed")
        listing(selection, ("queue", "messages", "oldest"), [{**row, "oldest": age(row["oldest"])} for row in owed])


def _sum(value: Any) -> object:  # noqa: ANN401 - a count, or counts by state
    if not isinstance(value, dict):
        return value
    return ", ".join(f"{count} {state}" for state, count in sorted(value.items())) or "none"
