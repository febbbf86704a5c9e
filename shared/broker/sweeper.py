"""Forget the ids of messages that were handled long ago, and leases that nobody gave back."""

import threading
from datetime import timedelta

import structlog
from sqlalchemy import bindparam, delete

from shared.database.engine import Database, DatabaseAway
from shared.database.queue_tables import handled, leases
from shared.database.types import UtcDateTime, now

log = structlog.get_logger(__name__)

PERIOD = 3600.0
KEEP_HANDLED = timedelta(days=30)
KEEP_LEASES = timedelta(days=1)

_HANDLED = delete(handled).where(handled.c.at < bindparam("before", type_=UtcDateTime()))
_LEASES = delete(leases).where(leases.c.expires_at < bindparam("before", type_=UtcDateTime()))


class Sweeper:
    """Sweeps every hour."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD):
            try:
                with self._database.write() as connection:
                    connection.execute(_HANDLED, {"before": now() - KEEP_HANDLED})
                    connection.execute(_LEASES, {"before": now() - KEEP_LEASES})
            except DatabaseAway as away:
                log.warning("sweep_put_off", reason=str(away))
