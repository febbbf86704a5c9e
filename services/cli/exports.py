"""`strongroom exports`: what readers have had exported, how far it is, and what became of it."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from services.cli.context import Node, opened
from services.cli.export_queries import EXPORT_FILES_RETRY, EXPORT_RETRY, export_by_id, listed_exports
from services.cli.output import answer, answer_each, details, heading, listing
from services.cli.selection import selected
from services.outbox.exports.queries import EXPORT_REMOVE
from shared.broker.unit import Unit
from shared.database.engine import Conflict
from shared.database.statements import DEAD_LETTER_DROP
from shared.errors import UserError
from shared.identifiers import NO_FILE, parse_file_id
from shared.messages.exports import Export

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(metavar="ID", help="Id of the export.")]
Names = Annotated[list[str], typer.Argument(metavar="ID", help="Ids of exports.")]

_REMOVED = "removed"


@app.command("list")
def list_exports(
    context: typer.Context, user: Annotated[str | None, typer.Option(help="Only exports of this reader.")] = None
) -> None:
    """List exports: their state, and how many files are written, refused, and still waiting."""
    columns = ("id", "user", "dataset", "file", "state", "written", "refused", "waiting", "registered_at", "expires_at")
    with opened(selected(context)) as node, node.database.read() as connection:
        listing(selected(context), columns, listed_exports(connection, user))


@app.command("show")
def show(context: typer.Context, export: Name) -> None:
    """Show an export: why files were refused, and what could not be handled."""
    with opened(selected(context)) as node:
        (found,) = _exports(node, [export])
    if selected(context).json:
        answer(selected(context), found, "")
        return
    refused, dead = found.pop("refused_files"), found.pop("dead_letters")
    details(found)
    for title, columns, records in (
        ("refused files", ("id", "accession", "path", "reason"), refused),
        ("dead letters", ("id", "reason", "at"), dead),
    ):
        if records:
            heading(title)
            listing(selected(context), columns, records)


@app.command("retry")
def retry(context: typer.Context, export: Names) -> None:
    """Have what was refused, or could not be handled, tried again; whether it may be read is asked anew."""
    with opened(selected(context)) as node:
        unit = node.unit()
        for found in _present(node, export):
            _try_again(found, unit)
        _commit(node, unit)
    answer_each(selected(context), export, "retried", "sent again")


@app.command("cancel")
def cancel(context: typer.Context, export: Names) -> None:
    """Give exports up: what was written of them is removed."""
    with opened(selected(context)) as node:
        unit = node.unit()
        for found in _present(node, export):
            unit.add(EXPORT_REMOVE, export=found["id"], at=unit.at)
        _commit(node, unit)
    answer_each(selected(context), export, "cancelled", "given up")


def _try_again(export: dict[str, Any], unit: Unit) -> None:
    """List its files once more: those that are written stay as they are. Raises UserError."""
    if not (export["reason"] or export["refused"] or export["dead_letters"]):
        raise UserError(f"of export {export['id']} nothing was refused or is dead: there is nothing to try again")
    unit.add(EXPORT_RETRY, export=export["id"], at=unit.at)
    unit.add(EXPORT_FILES_RETRY, export=export["id"], at=unit.at)
    unit.send(Export(export_id=export["id"]), None)
    for letter in export["dead_letters"]:
        unit.add(DEAD_LETTER_DROP, dead_letter=letter["id"])


def _exports(node: Node, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return exports, each once; raises UserError if one is not there."""
    with node.database.read() as connection:
        found = {name: export_by_id(connection, parse_file_id(name) or NO_FILE) for name in names}
    missing = sorted(name for name, export in found.items() if export is None)
    if missing:
        raise UserError(f"there is no export {', '.join(missing)}; strongroom exports list shows what there is")
    return list({export["id"]: export for export in found.values() if export is not None}.values())


def _present(node: Node, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return exports that are not over; raises UserError."""
    found = _exports(node, names)
    over = [export["id"] for export in found if export["state"] == _REMOVED]
    if over:
        raise UserError(f"export {', '.join(over)} has expired or was given up: its reader may ask for another one")
    return found


def _commit(node: Node, unit: Unit) -> None:
    try:
        node.commit(unit)
    except Conflict:
        raise UserError("one of them has just changed: nothing was done, try again") from None
