"""`strongroom files ingest`, `cancel` and `accession`: ask the services to act on files, as Central EGA would."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Literal

import typer

from services.cli.context import Node, opened
from services.cli.file_queries import Mark, Progress, mark
from services.cli.inbox import chosen_uploads
from services.cli.output import Record, answer
from services.cli.selection import Selection, selected
from services.cli.sending import message
from services.cli.times import duration
from services.cli.waiting import Reached, wait_for
from shared.database.records import ChecksumSource, File, checksums_of, file_by_id
from shared.database.states import FileState
from shared.errors import UserError
from shared.identifiers import FileId, parse_file_id, wire_path
from shared.messages.fields import checksums
from shared.messages.ingestion import Accession, IngestTrigger

User = Annotated[str, typer.Argument(metavar="USER", help="Who uploaded them.")]
Paths = Annotated[
    list[str], typer.Argument(metavar="PATH", help="Paths as `files list` shows them, or quoted patterns.")
]
Wait = Annotated[
    str | None,
    typer.Option(metavar="[TIME]", help="Wait until it is done, at most so long (10m if no time is given)."),
]

Kind = Literal["ingest", "cancel"]
_GOALS: dict[Kind, frozenset[FileState]] = {
    "ingest": frozenset({FileState.VERIFIED, FileState.READY}),
    "cancel": frozenset({FileState.CANCELLED}),
}


def ingest(context: typer.Context, user: User, path: Paths, wait: Wait = None) -> None:
    """Archive and verify files of a user's inbox."""
    _trigger(selected(context), "ingest", user, path, wait)


def cancel(context: typer.Context, user: User, path: Paths, wait: Wait = None) -> None:
    """Take files out of the archive again; the uploads stay in the inbox."""
    _trigger(selected(context), "cancel", user, path, wait)


def accession(
    context: typer.Context,
    file_id: Annotated[str, typer.Argument(metavar="FILE_ID", help="Id of the file.")],
    accession_id: Annotated[str, typer.Argument(metavar="ACCESSION", help="Its accession id from now on.")],
    wait: Wait = None,
) -> None:
    """Give a file its accession id; the services back it up and make it ready."""
    selection, patience = selected(context), _patience(wait)
    with opened(selection) as node:
        file, asked = _accession(node, file_id, accession_id)
        unit, since = node.unit(), _mark(node)
        unit.send(asked, file.id)
        node.commit(unit)
        record = {"id": file.id, "accession": accession_id, "sent": True}
        outcomes = _outcomes(node, [file.id], since, lambda one: _is_ready(one, accession_id), patience)
    _report(selection, {file.id: record}, outcomes, alone=True)


def _trigger(selection: Selection, kind: Kind, user: str, paths: list[str], wait: str | None) -> None:
    patience = _patience(wait)
    with opened(selection) as node:
        with node.database.read() as connection:
            uploads = chosen_uploads(connection, user, paths)
        unit, since = node.unit(), _mark(node)
        for path, file in uploads.items():
            unit.send(message(IngestTrigger, type=kind, user=user, filepath=wire_path(user, path)), file)
        node.commit(unit)
        records = {path: {"id": file, "path": path, "sent": True} for path, file in uploads.items()}
        outcomes = _outcomes(node, uploads.values(), since, lambda file: file.state in _GOALS[kind], patience)
    _report(selection, records, outcomes)


def _accession(node: Node, file_id: str, accession_id: str) -> tuple[File, Accession]:
    """Return the file and the message; raises UserError if there is no such file."""
    with node.database.read() as connection:
        parsed = parse_file_id(file_id)
        file = None if parsed is None else file_by_id(connection, parsed)
        if file is None:
            raise UserError(f"there is no file {file_id}; strongroom files list shows which there are")
        # before the file is verified there are none; the service waits for that
        plain = checksums_of(connection, file.id).get(ChecksumSource.PLAIN, {})
    asked = message(
        Accession,
        user=file.user,
        filepath=wire_path(file.user, file.path),
        accession_id=accession_id,
        decrypted_checksums=checksums(plain),
    )
    return file, asked


def _is_ready(file: Progress, accession_id: str) -> bool:
    return file.state is FileState.READY and file.accession == accession_id


def _patience(wait: str | None) -> timedelta | None:
    return None if wait is None else duration(wait, "--wait")


def _mark(node: Node) -> Mark:
    with node.database.read() as connection:
        return mark(connection)


def _outcomes(
    node: Node, files: Collection[FileId], since: Mark, reached: Reached, patience: timedelta | None
) -> dict[FileId, Progress]:
    return {} if patience is None else wait_for(node.database, files, since, reached, patience)


def _report(
    selection: Selection, records: Mapping[str, Record], outcomes: Mapping[FileId, Progress], *, alone: bool = False
) -> None:
    """Say for each file what was sent and, if that was waited for, what came of it; raises UserError for refusals.

    alone: the verb takes one file only, so a program gets its record instead of an array.
    """
    known = {name: _with_outcome(record, outcomes) for name, record in records.items()}
    sentences = "\n".join(f"{name}: {_word(record)}" for name, record in known.items())
    answer(selection, next(iter(known.values())) if alone else list(known.values()), sentences)
    refused = [f"{name}: {record['error']}" for name, record in known.items() if record.get("error")]
    if refused:
        raise UserError("\n".join(refused))


def _with_outcome(record: Record, outcomes: Mapping[FileId, Progress]) -> Record:
    outcome = outcomes.get(FileId(str(record["id"])))
    return record if outcome is None else {**record, "state": outcome.state.value, "error": outcome.refused}


def _word(record: Record) -> object:
    if record.get("error"):
        return "refused"
    return record.get("state", "sent")
