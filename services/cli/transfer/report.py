"""What is told while bytes move: bars and lines to people, JSON lines to programs."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from services.cli.output import Record, note, printable

_EVERY = 1.0
"""Seconds between two lines about the progress of one file."""


@dataclass
class Meter:
    """How much of a file is done, in bytes; several threads may count."""

    name: str
    size: int
    done: int = 0
    told_at: float = field(default_factory=time.monotonic)


class Report(Protocol):
    """Is told what happens, by any thread."""

    def total(self, size: int) -> None:
        """So many bytes are to be done in all."""
        ...

    def begun(self, name: str, size: int, *, done: int = 0) -> Meter:
        """Work on a file begins, or goes on with `done` of its bytes done already."""
        ...

    def moved(self, meter: Meter, count: int) -> None:
        """So many more bytes of it are done."""
        ...

    def ended(self, meter: Meter) -> None:
        """The work on the file is over, whatever came of it."""
        ...

    def outcome(self, record: Record, sentence: str) -> None:
        """This came of a file."""
        ...

    def beside(self, event: str, sentence: str, **record: object) -> None:
        """Something else to know."""
        ...


@contextmanager
def reporting(*, json: bool) -> Iterator[Report]:
    """Yield the report for a program, or the one for people."""
    if json:
        yield ProgramReport()
        return
    with PeopleReport() as report:
        yield report


class ProgramReport:
    """One JSON object a line on standard output, each with an `event`."""

    def __init__(self) -> None:
        self._telling = threading.Lock()

    def total(self, size: int) -> None:
        self._tell("total", {"size": size})

    def begun(self, name: str, size: int, *, done: int = 0) -> Meter:
        self._tell("begun", {"file": name, "size": size, "done": done})
        return Meter(name, size, done)

    def moved(self, meter: Meter, count: int) -> None:
        with self._telling:
            meter.done += count
            if time.monotonic() < meter.told_at + _EVERY:
                return
            meter.told_at = time.monotonic()
        self._tell("progress", {"file": meter.name, "size": meter.size, "done": meter.done})

    def ended(self, meter: Meter) -> None:
        """Tell nothing: the outcome does."""

    def outcome(self, record: Record, sentence: str) -> None:
        del sentence
        self._tell("outcome", record)

    def beside(self, event: str, sentence: str, **record: object) -> None:
        self._tell(event, {**record, "message": sentence})

    def _tell(self, event: str, record: Record) -> None:
        line = json.dumps({"event": event, **record})
        with self._telling:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


class PeopleReport:
    """Lines on standard output, and bars where standard error is a terminal."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Bar(
            *columns,
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
            redirect_stdout=sys.stdout.isatty(),
        )
        self._tasks: dict[int, TaskID] = {}
        self._all = self._bars.add_task("all files", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def total(self, size: int) -> None:
        self._bars.update(self._all, total=size)

    def begun(self, name: str, size: int, *, done: int = 0) -> Meter:
        meter = Meter(name, size, done)
        self._tasks[id(meter)] = self._bars.add_task(escape(printable(name)), total=size, completed=done)
        self._bars.advance(self._all, done)
        return meter

    def moved(self, meter: Meter, count: int) -> None:
        self._bars.advance(self._tasks[id(meter)], count)
        self._bars.advance(self._all, count)

    def ended(self, meter: Meter) -> None:
        self._bars.remove_task(self._tasks.pop(id(meter)))

    def outcome(self, record: Record, sentence: str) -> None:
        del record
        typer.echo(printable(sentence))

    def beside(self, event: str, sentence: str, **record: object) -> None:
        del event, record
        note(sentence)
