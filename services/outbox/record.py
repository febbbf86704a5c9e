"""What is kept of each download: an event of the file, metrics, a line in the log; never who it was."""

from concurrent.futures import Future
from dataclasses import dataclass

import structlog

from services.outbox.metrics import DOWNLOADS, REFUSALS, SECONDS, SENT
from shared.broker.committer import Committer
from shared.broker.unit import Unit
from shared.errors import StrongroomError, UserError
from shared.http.problems import HttpError
from shared.identifiers import FileId

log = structlog.get_logger(__name__)

SERVICE = "outbox"
DOWNLOADED = "downloaded"

WHOLE = "whole"
RANGE = "range"
LEFT = "left"
"""the reader went away"""
BROKEN = "broken"
"""the store failed"""


@dataclass(frozen=True)
class Record:
    """Keeps the record; nothing here waits for the database."""

    committer: Committer

    def ended(self, file: FileId, outcome: str, *, sent: int, seconds: float) -> None:
        """Note how a download ended and how many bytes of it were sent; a complete one is an event of the file."""
        DOWNLOADS.labels(outcome).inc()
        SENT.inc(sent)
        SECONDS.labels(outcome).observe(seconds)
        log.info("download", file=file, outcome=outcome, bytes=sent, seconds=round(seconds, 3))
        if outcome in {WHOLE, RANGE}:
            unit = Unit(SERVICE)
            unit.event(file, DOWNLOADED, reason=f"{sent} bytes")
            self.committer.submit(unit).add_done_callback(_tell_of_loss)

    def broke_off(self, file: FileId, error: StrongroomError) -> None:
        """Note why an answer was broken off."""
        log.error("download_broken_off", file=file, error=type(error).__name__, reason=str(error))

    def refused(self, error: StrongroomError, told: HttpError) -> None:
        """Note a request that was answered with a problem."""
        REFUSALS.labels(told.code).inc()
        if isinstance(error, UserError) and told.status < 500:
            log.info("refused", code=told.code)
        else:
            log.error("not_answered", code=told.code, error=type(error).__name__, reason=str(error))


def _tell_of_loss(done: "Future[None]") -> None:
    error = done.exception()
    if error is not None:
        log.error("download_event_lost", error=type(error).__name__)
