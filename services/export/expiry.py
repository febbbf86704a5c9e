"""Remove the exports whose time is over, and those that their readers gave up, with all that was written of them."""

from services.export.metrics import REMOVED
from services.export.places import clear, folder
from services.export.queries import expire, forget, removed
from shared.database.engine import Database
from shared.lifecycle import Repeating
from shared.storage.port import ObjectStore

PERIOD = 10.0


class Expiry(Repeating):
    """Looks every ten seconds. Several processes may: what one has removed, another finds gone."""

    def __init__(self, database: Database, exports: ObjectStore) -> None:
        super().__init__("expiry", seconds=PERIOD, at_once=True)
        self._database = database
        self._exports = exports

    def turn(self) -> None:
        """Remove what is to be removed; its rows last, so that a killed process leaves nothing that is forgotten.

        Raises DatabaseAway, and what the store raises.
        """
        with self._database.write() as connection:
            expire(connection)
        with self._database.read() as connection:
            over = removed(connection)
        for export in over:
            clear(self._exports, folder(export))
            with self._database.write() as connection:
                forget(connection, export)
            REMOVED.inc()
