"""`strongroom grants`: who may read which dataset."""

from typing import Annotated

import typer

from services.cli.context import opened
from services.cli.output import answer, cell, listing, note
from services.cli.queries import has_dataset, listed_grants
from services.cli.selection import selected
from services.cli.times import moment
from shared.access.users import find_user
from shared.database.statements import GRANT_ADD, GRANT_REMOVE
from shared.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the reader.")]
Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Id of the dataset.")]


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    dataset: Dataset,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="End of the grant: 2027-01-31 (inclusive), an ISO 8601 time, or 30d."),
    ] = None,
) -> None:
    """Let someone read a dataset; a grant that is there gets the new end."""
    end = None if until is None else moment(until, "--until")
    with opened(selected(context)) as node:
        with node.database.read() as connection:
            if find_user(connection, name) is None:
                note(f"{name} is no user of this node; the grant holds for whoever logs in elsewhere under this name")
            if not has_dataset(connection, dataset):
                note(f"there is no dataset {dataset} yet")
        unit = node.unit()
        unit.add(GRANT_ADD, user=name, dataset_id=dataset, until=end, at=unit.at)
        node.commit(unit)
    record = {"user": name, "dataset": dataset, "until": end}
    answer(selected(context), record, f"{name} may read {dataset}{f' until {cell(end)}' if end else ''}")


@app.command("remove")
def remove(context: typer.Context, name: Name, dataset: Dataset) -> None:
    """Take a grant back."""
    with opened(selected(context)) as node:
        with node.database.read() as connection:
            if not list(listed_grants(connection, name, dataset)):
                raise UserError(f"{name} has no grant for {dataset}; strongroom grants list shows what there is")
        unit = node.unit()
        unit.add(GRANT_REMOVE, reader=name, dataset=dataset)
        node.commit(unit)
    record = {"user": name, "dataset": dataset, "removed": True}
    answer(selected(context), record, f"{name} may no longer read {dataset}")


@app.command("list")
def list_grants(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only grants of this user.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only grants for this dataset.")] = None,
) -> None:
    """List grants, those that have ended too."""
    with opened(selected(context)) as node, node.database.read() as connection:
        columns = ("user", "dataset", "until", "granted_at")
        listing(selected(context), columns, listed_grants(connection, user, dataset))
