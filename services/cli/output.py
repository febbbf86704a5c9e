"""Answers: tables and sentences for people, JSON for programs, both on stdout; notes go to stderr.

Paths, and reasons that quote them, come from outside: what a terminal would take for a command is not printed.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.selection import Selection
from shared.times import iso

Record = Mapping[str, object]

_PAGE = 500
"""Rows that are laid out together; more are never in memory."""

_UNLIMITED = 100_000
"""Columns of what is no terminal."""


def answer(selection: Selection, record: object, sentence: str) -> None:
    """Say what was done: the record to a program, the sentence to a person."""
    if selection.json:
        typer.echo(_json(record))
    else:
        typer.echo(printable(sentence))


def answer_each(selection: Selection, ids: Sequence[str | int], field: str, word: str) -> None:
    """Say what was done to each of several things: `field` is true of it to a program, `word` tells a person."""
    unique = list(dict.fromkeys(ids))
    answer(selection, [{"id": each, field: True} for each in unique], "\n".join(f"{each}: {word}" for each in unique))


def listing(selection: Selection, columns: Sequence[str], records: Iterable[Record]) -> None:
    """List records while they come: as an array for a program, their `columns` as a table for a person."""
    if selection.json:
        _array(records)
    else:
        _table(columns, iter(records))


def details(record: Record) -> None:
    """Show one record to a person, a line for each field."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(name.replace("_", " "), cell(value))
    show(table)


def heading(text: str) -> None:
    """Begin a part of an answer to a person."""
    show(Text(f"\n{text}", style="bold"))


def note(text: str) -> None:
    """Say something beside the answer."""
    typer.echo(f"note: {printable(text)}", err=True)


def show(what: Table | Text) -> None:
    """Lay out something for people; where a program reads it, nothing is folded and no line ends in blanks."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else _UNLIMITED, markup=False, highlight=False, emoji=False)
    if terminal:
        console.print(what)
        return
    with console.capture() as captured:
        console.print(what)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def cell(value: object) -> str:
    """Write a value for people."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return iso(value)
        case list() | tuple():
            return ", ".join(cell(part) for part in value) or "-"
    return printable(str(value))


def printable(text: str) -> str:
    """Replace what is not to be printed, line ends and tabs excepted."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _array(records: Iterable[Record]) -> None:
    before = "["
    for record in records:
        typer.echo(f"{before}\n{_json(record, indent=None)}", nl=False)
        before = ","
    typer.echo("[]" if before == "[" else "\n]")


def _json(value: object, *, indent: int | None = 2) -> str:
    return json.dumps(value, indent=indent, default=_plain)


def _plain(value: object) -> str:
    assert isinstance(value, datetime), type(value)
    return iso(value)


def _table(columns: Sequence[str], records: Iterator[Record]) -> None:
    page, first = list(islice(records, _PAGE)), True
    while page or first:
        table = Table(box=None, show_header=first, pad_edge=False, header_style="bold")
        for name in columns:
            table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name in {"id", "state"})
        for record in page:
            table.add_row(*(cell(record[name]) for name in columns))
        show(table)
        page, first = list(islice(records, _PAGE)), False
