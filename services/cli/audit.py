"""`strongroom audit`: who was given what, and whether the record is whole."""

from typing import Annotated

import typer

from services.cli.context import opened
from services.cli.output import answer, listing
from services.cli.queries import listed_accesses
from services.cli.selection import selected
from shared.access.audit import BrokenChain, check_chain
from shared.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command("list")
def list_accesses(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only accesses of this reader.")] = None,
    file: Annotated[str | None, typer.Option(help="Only accesses to the file of this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 100,
) -> None:
    """List accesses, the newest first, those that were refused too."""
    with opened(selected(context)) as node, node.database.read() as connection:
        columns = ("number", "at", "user", "action", "target", "outcome", "bytes")
        listing(selected(context), columns, listed_accesses(connection, user=user, file=file, limit=limit))


@app.command("verify")
def verify(
    context: typer.Context,
    digest: Annotated[
        str | None,
        typer.Option(
            help="A digest that was noted before (log line `audit_witness`): it has to be in the record still."
        ),
    ] = None,
) -> None:
    """Compute the chain of digests anew, and tell the newest one, which is worth noting elsewhere."""
    with opened(selected(context)) as node, node.database.read() as connection:
        found = check_chain(connection, witness=digest)
    if isinstance(found, BrokenChain):
        raise UserError(f"the record was changed: number {found.number} does not fit to those before it")
    if not found.witnessed:
        raise UserError("the record was changed: the digest that was noted is not in it")
    record = {"records": found.number, "digest": found.digest}
    answer(selected(context), record, f"{found.number} records, none was changed; the newest digest is {found.digest}")
