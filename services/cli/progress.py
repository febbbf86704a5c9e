"""Progress of long work, for people who watch."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from services.cli.output import printable
from shared.crypto.streams import Progress


@contextmanager
def progress(name: str, size: int) -> Iterator[Progress]:
    """Yield what is to be told the count of bytes done, of `size`; it shows a bar where stderr is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(escape(printable(name)), total=size)
        yield lambda count: bar.update(task, completed=count)
