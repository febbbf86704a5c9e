"""What is kept of each access: an audit record, an event of the file, metrics, a line in the log without a name."""

from dataclasses import dataclass

import structlog

from services.outbox.metrics import DOWNLOADS, REFUSALS, SECONDS, SENT
from shared.access.audit import Access, AuditLog
from shared.errors import StrongroomError, TransientError, UserError
from shared.http.problems import HttpError

log = structlog.get_logger(__name__)

SERVICE = "outbox"
DOWNLOADED = "downloaded"

WHOLE = "whole"
RANGE = "range"
LEFT = "left"
"""the reader went away"""
BROKEN = "broken"
"""the store failed"""
REDIRECTED = "redirected"
"""the reader was sent to the store"""
ANSWERED = "answered"
"""the reader was told something, not given a file"""
REFUSED = "refused"

_QUICK_SECONDS = 1.0

_ENDINGS = {name: (DOWNLOADS.labels(name), SECONDS.labels(name)) for name in (WHOLE, RANGE, LEFT, BROKEN)}


class AuditFull(TransientError):
    """Too much waits to be recorded: nothing is given out that would not be on record."""


@dataclass(frozen=True)
class Recorder:
    """Keeps the record; nothing here waits for the database."""

    audit: AuditLog

    def begin(self, access: Access) -> None:
        """Note that something is about to be given out. Raises AuditFull."""
        if self.audit.full:
            raise AuditFull
        self.audit.begin(access)

    def ended(self, access: Access, outcome: str, *, sent: int, seconds: float) -> None:
        """Note how a download ended and how many bytes of it were sent; a complete one is an event of the file."""
        count, duration = _ENDINGS[outcome]
        count.inc()
        duration.observe(seconds)
        SENT.inc(sent)
        # thousands of lines a second cost as much as the downloads; the audit log has them all
        tell = log.debug if outcome in {WHOLE, RANGE} and seconds < _QUICK_SECONDS else log.info
        tell("download", file=access.file, outcome=outcome, bytes=sent, seconds=round(seconds, 3))
        self.audit.end(access, outcome, sent=sent, event=DOWNLOADED if outcome in {WHOLE, RANGE} else None)

    def answered(self, access: Access, outcome: str = ANSWERED, *, sent: int = 0) -> None:
        """Note what was answered at once. Raises AuditFull."""
        if self.audit.full:
            raise AuditFull
        self.audit.end(access, outcome, sent=sent)

    def not_given(self, access: Access, error: StrongroomError) -> None:
        """Note that a reader who is known did not get what they asked for."""
        self.audit.end(access, f"{REFUSED}: {type(error).__name__}")

    def broke_off(self, access: Access, error: StrongroomError) -> None:
        """Note why an answer was broken off."""
        log.error("download_broken_off", file=access.file, error=type(error).__name__, reason=str(error))

    def refused(self, error: StrongroomError, told: HttpError) -> None:
        """Note a request that was answered with a problem."""
        REFUSALS.labels(told.code).inc()
        if isinstance(error, UserError) and told.status < 500:
            log.info("refused", code=told.code)
        else:
            log.error("not_answered", code=told.code, error=type(error).__name__, reason=str(error))
