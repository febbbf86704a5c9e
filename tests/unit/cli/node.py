"""An embedded node that nobody runs, and the command line that works on it."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, insert, select

from services.cli.__main__ import main
from services.cli.folder import Folder
from shared.database.engine import Database
from shared.database.queue_tables import dead_letters, outgoing
from shared.database.states import DatasetState, FileState
from shared.database.tables import checksums, dataset_files, datasets, events, files
from shared.database.types import now
from shared.identifiers import FileId, new_file_id


@dataclass(frozen=True)
class Answer:
    """What a command line gave back."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


class CommandLine:
    """Runs `strongroom`; `stdin` is what it reads there."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str | Path, stdin: str = "") -> Answer:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = self._capsys.readouterr()
        return Answer(code, out, err)


class Node:
    """The node's folder, and rows that services would have written."""

    def __init__(self, folder: Folder, strongroom: CommandLine) -> None:
        self.folder = folder
        self.database = Database(folder.database_url)
        self._strongroom = strongroom

    def __call__(self, *arguments: str | Path, stdin: str = "") -> Answer:
        return self._strongroom(*arguments, "--data", self.folder.root, stdin=stdin)

    def json(self, *arguments: str | Path, stdin: str = "") -> Any:
        return self(*arguments, "--json", stdin=stdin).json

    def write(self, table: Table, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(insert(table), values)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def file(self, user: str, path: str, state: FileState = FileState.UPLOADED, **values: Any) -> FileId:
        made = new_file_id()
        inbox = None if state is FileState.REGISTERED else "inbox"
        row = {"size": 1234, "inbox_location": inbox, "registered_at": now(), "changed_at": now(), **values}
        self.write(files, id=made, user=user, path=path, state=state.value, **row)
        return made

    def event(self, file: FileId, event: str, reason: str | None = None) -> None:
        self.write(events, file_id=file, event=event, service="verify", reason=reason, at=now())

    def checksum(self, file: FileId, source: str, algorithm: str, value: str) -> None:
        self.write(checksums, file_id=file, source=source, algorithm=algorithm, value=value)

    def dataset(self, dataset: str, *members: FileId, state: DatasetState = DatasetState.REGISTERED) -> None:
        self.write(datasets, id=dataset, state=state.value, registered_at=now(), changed_at=now())
        for member in members:
            self.write(dataset_files, dataset_id=dataset, file_id=member, added_at=now())

    def dead_letter(self, file: FileId | None = None, *, reason: str = "KeyError: 'x'") -> int:
        row = {"queue": "ingest", "body": '{"a": 1}', "trace": "Traceback\n  line", "reason": reason}
        self.write(dead_letters, correlation_id=file, at=now(), **row)
        return int(self.rows(dead_letters)[-1]["id"])

    def sent(self) -> list[dict[str, Any]]:
        """Return the rows that are to be delivered, each with its body read as JSON."""
        return [{**row, "body": json.loads(row["body"])} for row in self.rows(outgoing)]
