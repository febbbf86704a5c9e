"""`strongroom datasets`: ask the mapper to make, release and deprecate datasets."""

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy import Connection

from services.cli.context import Node, opened
from services.cli.file_queries import held_accessions
from services.cli.output import answer, listing
from services.cli.queries import has_dataset, listed_datasets, owed_values
from services.cli.selection import selected
from services.cli.sending import message
from shared.errors import UserError
from shared.messages.datasets import DatasetMessage, Deprecate, Mapping, Release
from shared.messages.ingestion import Accession

app = typer.Typer(no_args_is_help=True, add_completion=False)

Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Id of the dataset.")]


@app.command("create")
def create(
    context: typer.Context,
    dataset: Dataset,
    accession: Annotated[list[str], typer.Argument(metavar="ACCESSION", help="Accession ids of its files.")],
) -> None:
    """Make a dataset of files, or add files to one that is there."""
    mapping = message(Mapping, dataset_id=dataset, accession_ids=tuple(accession))
    with opened(selected(context)) as node:
        with node.database.read() as connection:
            _require_files(connection, accession)
        _send(node, mapping)
    record = {"dataset": dataset, "accessions": accession, "sent": True}
    answer(selected(context), record, f"{dataset}: sent")


@app.command("release")
def release(context: typer.Context, dataset: Dataset) -> None:
    """Open a dataset to those who have a grant."""
    _change(context, message(Release, dataset_id=dataset), "release")


@app.command("deprecate")
def deprecate(context: typer.Context, dataset: Dataset) -> None:
    """Close a dataset for good."""
    _change(context, message(Deprecate, dataset_id=dataset), "deprecation")


@app.command("list")
def list_datasets(context: typer.Context) -> None:
    """List all datasets, with their state and the count of their files."""
    with opened(selected(context)) as node, node.database.read() as connection:
        columns = ("id", "state", "files", "registered_at", "changed_at")
        listing(selected(context), columns, listed_datasets(connection))


def _change(context: typer.Context, asked: DatasetMessage, name: str) -> None:
    dataset = asked.dataset_id
    with opened(selected(context)) as node:
        with node.database.read() as connection:
            # it may have been asked for a moment ago; the mapper keeps the order
            if not has_dataset(connection, dataset) and dataset not in owed_values(connection, Mapping, "dataset_id"):
                raise UserError(f"there is no dataset {dataset}; strongroom datasets list shows what there is")
        _send(node, asked)
    answer(selected(context), {"dataset": dataset, "sent": True}, f"{dataset}: {name} sent")


def _require_files(connection: Connection, accessions: Sequence[str]) -> None:
    missing = set(accessions) - held_accessions(connection, accessions)
    if missing:
        missing -= owed_values(connection, Accession, "accession_id")
    if missing:
        named = ", ".join(sorted(missing))
        raise UserError(f"no file has accession id {named}; strongroom files list shows which there are")


def _send(node: Node, asked: DatasetMessage) -> None:
    unit = node.unit()
    unit.send(asked, None)
    node.commit(unit)
