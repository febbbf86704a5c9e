"""What is chosen for the whole command line: the node, and how to answer."""

from dataclasses import dataclass
from pathlib import Path

import typer


@dataclass(frozen=True)
class Selection:
    """`data` is the folder of an embedded node, None the node of the settings; `json` answers programs."""

    data: Path | None = None
    json: bool = False


def selected(context: typer.Context) -> Selection:
    """Return what was chosen before or after the verb."""
    chosen = context.find_object(Selection)
    return chosen if isinstance(chosen, Selection) else Selection()
