"""`strongroom dead`: messages that could not be handled."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from services.cli.context import Node, opened
from services.cli.output import answer, answer_each, details, heading, listing, printable
from services.cli.queries import dead_letter, listed_dead
from services.cli.selection import selected
from shared.broker.unit import Unit
from shared.database.engine import Conflict
from shared.database.statements import DEAD_LETTER_DROP
from shared.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False)

Letter = Annotated[int, typer.Argument(metavar="ID", help="Number of the dead letter.")]
Letters = Annotated[list[int], typer.Argument(metavar="ID", help="Numbers of dead letters.")]


@app.command("list")
def list_dead(context: typer.Context) -> None:
    """List all dead letters and why they are dead."""
    with opened(selected(context)) as node, node.database.read() as connection:
        listing(selected(context), ("id", "queue", "correlation_id", "reason", "at"), listed_dead(connection))


@app.command("show")
def show(context: typer.Context, letter: Letter) -> None:
    """Show one dead letter: the message, the reason and the trace."""
    with opened(selected(context)) as node:
        found = _letters(node, [letter])[0]
    if selected(context).json:
        answer(selected(context), found, "")
        return
    details({name: value for name, value in found.items() if name not in {"body", "trace"}})
    for part in ("body", "trace"):
        if found[part]:
            heading(part)
            typer.echo(printable(found[part]))


@app.command("replay")
def replay(context: typer.Context, letter: Letters) -> None:
    """Send messages again to the queue where they failed."""
    with opened(selected(context)) as node:
        unit = node.unit()
        for found in _letters(node, letter):
            unit.send_raw(found["queue"], found["body"], found["correlation_id"], queue=found["queue"])
            unit.add(DEAD_LETTER_DROP, dead_letter=found["id"])
        _commit(node, unit)
    answer_each(selected(context), letter, "replayed", "sent again")


@app.command("drop")
def drop(context: typer.Context, letter: Letters) -> None:
    """Delete dead letters: nobody will handle them any more."""
    with opened(selected(context)) as node:
        unit = node.unit()
        for found in _letters(node, letter):
            unit.add(DEAD_LETTER_DROP, dead_letter=found["id"])
        _commit(node, unit)
    answer_each(selected(context), letter, "dropped", "dropped")


def _letters(node: Node, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Return dead letters, each once; raises UserError if one is not there."""
    wanted = list(dict.fromkeys(numbers))
    with node.database.read() as connection:
        found = [letter for number in wanted if (letter := dead_letter(connection, number)) is not None]
    missing = sorted(set(wanted) - {letter["id"] for letter in found})
    if missing:
        named = ", ".join(map(str, missing))
        raise UserError(f"there is no dead letter {named}; strongroom dead list shows what there is")
    return found


def _commit(node: Node, unit: Unit) -> None:
    try:
        node.commit(unit)
    except Conflict:
        raise UserError("someone else has just replayed or dropped one of them: nothing was done") from None
