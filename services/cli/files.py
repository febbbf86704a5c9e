"""`strongroom files`: what there is, what happened to it, and what is to be done with it."""

from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from services.cli import triggers
from services.cli.context import opened
from services.cli.file_queries import Filter, datasets_of, listed_files, timeline
from services.cli.output import answer, details, heading, listing
from services.cli.selection import selected
from shared.database.records import File, checksums_of, file_by_accession, file_by_id
from shared.database.states import FileState
from shared.errors import UserError
from shared.identifiers import parse_file_id

app = typer.Typer(no_args_is_help=True, add_completion=False)

_SHOWN = (
    "id", "user", "path", "state", "error", "accession", "size", "archive_size", "plain_size", "key_fingerprint",
    "inbox_location", "archive_location", "backup_location", "registered_at", "changed_at",
)  # fmt: skip


@app.command("list")
def list_files(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only files of this user.")] = None,
    state: Annotated[FileState | None, typer.Option(help="Only files in this state.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Only paths that begin so, in the user's inbox.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many files.")] = None,
) -> None:
    """List files by user and path."""
    chosen = Filter(user=user, state=state, prefix=None if prefix is None else prefix.lstrip("/"))
    with opened(selected(context)) as node, node.database.read() as connection:
        columns = ("id", "user", "path", "state", "size", "accession", "dataset", "error")
        listing(selected(context), columns, listed_files(connection, chosen, limit))


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="ID", help="File id or accession id.")],
) -> None:
    """Show a file: its checksums, its datasets, and all that happened to it."""
    with opened(selected(context)) as node, node.database.read() as connection:
        found = _whole(connection, _found(connection, name))
    if selected(context).json:
        answer(selected(context), found, "")
        return
    events, checksums = found.pop("events"), found.pop("checksums")
    details(found)
    heading("checksums")
    rows = [
        {"of": source, "kind": kind, "value": value}
        for source, kinds in checksums.items()
        for kind, value in kinds.items()
    ]
    listing(selected(context), ("of", "kind", "value"), rows)
    heading("timeline")
    listing(selected(context), ("at", "service", "event", "reason"), events)


app.command("ingest")(triggers.ingest)
app.command("cancel")(triggers.cancel)
app.command("accession")(triggers.accession)


def _found(connection: Connection, name: str) -> File:
    file_id = parse_file_id(name)
    file = None if file_id is None else file_by_id(connection, file_id)
    file = file or file_by_accession(connection, name)
    if file is None:
        raise UserError(f"there is no file {name}; strongroom files list shows which there are")
    return file


def _whole(connection: Connection, file: File) -> dict[str, Any]:
    datasets = datasets_of(connection, file.id)
    return {
        **{name: getattr(file, name) for name in _SHOWN},
        "dataset": datasets[0] if datasets else None,
        "datasets": datasets,
        "checksums": checksums_of(connection, file.id),
        "events": timeline(connection, file.id),
    }
