"""Which message leads to which use case."""

from dataclasses import dataclass
from datetime import timedelta

from services.mapper.clean import clean_inbox
from services.mapper.datasets import NotThere, change_state, map_files
from services.mapper.permissions import permit, revoke
from services.mapper.queries import dataset_state, files_by_accession, files_by_id
from shared.broker.delivery import Delivery
from shared.broker.unit import Unit
from shared.database.engine import Database
from shared.database.states import DatasetState
from shared.errors import NotYet
from shared.identifiers import DatasetId
from shared.messages.catalogue import Catalogue
from shared.messages.datasets import (
    DatasetMessage,
    Deprecate,
    Mapping,
    Permission,
    PermissionDeleted,
    Release,
)
from shared.messages.operations import Cleanup
from shared.storage.port import ObjectStore


@dataclass(frozen=True, kw_only=True)
class MappingsHandler:
    """Decides the deliveries of queue `mappings`."""

    database: Database
    catalogue: Catalogue
    patience: timedelta
    """how long a message may wait for a file or dataset that is not there: messages may overtake each other"""

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        try:
            self._handle(delivery, unit)
        except NotThere as missing:
            if unit.at - delivery.first_seen < self.patience:
                raise NotYet(str(missing)) from missing
            raise

    def _handle(self, delivery: Delivery, unit: Unit) -> None:
        message: DatasetMessage = self.catalogue.read(
            delivery.body, Mapping, Release, Deprecate, Permission, PermissionDeleted
        )
        match message:
            case Permission():
                permit(message, unit)
            case PermissionDeleted():
                revoke(message, unit)
            case _:
                self._change(message, unit)

    def _change(self, message: DatasetMessage, unit: Unit) -> None:
        dataset = DatasetId(message.dataset_id)
        with self.database.read() as connection:
            state = dataset_state(connection, dataset)
            files = files_by_accession(connection, message.accession_ids) if isinstance(message, Mapping) else []
        match message:
            case Mapping():
                map_files(dataset, message.accession_ids, files, state, unit)
            case Release():
                change_state(dataset, state, DatasetState.RELEASED, unit)
            case _:
                change_state(dataset, state, DatasetState.DEPRECATED, unit)


@dataclass(frozen=True, kw_only=True)
class CleanupHandler:
    """Decides the deliveries of queue `cleanup`."""

    database: Database
    catalogue: Catalogue
    inbox: ObjectStore

    def __call__(self, delivery: Delivery, unit: Unit) -> None:
        message = self.catalogue.read(delivery.body, Cleanup)
        with self.database.read() as connection:
            files = files_by_id(connection, message.file_ids)
        clean_inbox(files, self.inbox, unit)
