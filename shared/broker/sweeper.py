"""Forget the ids of messages that were handled long ago, and leases that nobody gave back."""

from datetime import timedelta

from sqlalchemy import bindparam, delete

from shared.database.engine import Database
from shared.database.queue_tables import handled, leases
from shared.database.types import UtcDateTime, now
from shared.lifecycle import Repeating

PERIOD = 3600.0
KEEP_HANDLED = timedelta(days=30)
KEEP_LEASES = timedelta(days=1)

_HANDLED = delete(handled).where(handled.c.at < bindparam("before", type_=UtcDateTime()))
_LEASES = delete(leases).where(leases.c.expires_at < bindparam("before", type_=UtcDateTime()))


class Sweeper(Repeating):
    """Sweeps every hour."""

    def __init__(self, database: Database) -> None:
        super().__init__("sweeper", seconds=PERIOD)
        self._database = database

    def turn(self) -> None:
        """Sweep once; raises DatabaseAway."""
        with self._database.write() as connection:
            connection.execute(_HANDLED, {"before": now() - KEEP_HANDLED})
            connection.execute(_LEASES, {"before": now() - KEEP_LEASES})
