"""Ctrl-C and SIGTERM during a transfer: the first lets what is under way end, the second ends at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from services.cli.transfer.endings import Interrupted
from services.cli.transfer.patience import Patience
from services.cli.transfer.report import Report
from shared.errors import TransientError
from shared.lifecycle import Signals

_EVERY = 0.2
"""Seconds between two looks whether the transfer is over."""


def told_patience(limit: timedelta, report: Report) -> Patience:
    """Return a patience of which each wait is told."""

    def tell(error: TransientError, seconds: float) -> None:
        report.beside("waiting", f"{error}; trying again in {seconds:.0f} s", seconds=round(seconds, 1))

    return Patience(limit, tell)


@contextmanager
def stopped_by_signals(patience: Patience, report: Report) -> Iterator[None]:
    """Stop the transfer on the first signal, and leave on the second: what was done is in its journal anyway.

    To be entered before any thread of the transfer is started.
    """
    over = threading.Event()
    with Signals() as signals:
        watcher = threading.Thread(target=_watch, args=(signals, over, patience, report), daemon=True, name="signals")
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def _watch(signals: Signals, over: threading.Event, patience: Patience, report: Report) -> None:
    while not over.is_set():
        if not signals.wait(_EVERY):
            continue
        if patience.stopped:
            os._exit(Interrupted.exit_code)
        patience.stop()
        report.beside("stopping", "stopping when what is under way is done; once more to leave at once")
