"""What a node really holds, to be compared with the model."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from shared.database.engine import Database
from shared.database.queue_tables import dead_letters, leases
from shared.database.records import FILE_COLUMNS, File, to_file
from shared.database.states import DatasetState, FileState
from shared.database.tables import dataset_events, dataset_files, datasets, events, files
from shared.storage.port import ObjectStore
from tests.faults.model.model import Model
from tests.faults.model.values import ModelFile
from tests.unit.pipeline.objects import held

F = FileState
KEPT = {F.ARCHIVED, F.VERIFIED, F.READY}
Stores = Mapping[str, ObjectStore]


@dataclass(frozen=True)
class Seen:
    """What can be said of a file, of a real one and of the model's."""

    path: str
    state: str
    accession: str | None
    faulty: bool
    in_inbox: bool
    archived: bool
    backed_up: bool
    events: tuple[str, ...]


def expected(model: Model) -> dict[str, Any]:
    """Return what the model says."""
    return {
        "files": {file.id: _expected(file) for file in model.files.values()},
        "datasets": {name: (state.value, model.members[name]) for name, state in model.datasets.items()},
        "dead": sorted((letter.queue, letter.file or "") for letter in model.dead),
    }


def observed(database: Database) -> dict[str, Any]:
    """Return what the database says."""
    with database.read() as connection:
        rows = [to_file(row) for row in connection.execute(select(*FILE_COLUMNS))]
        happened, members = defaultdict(list), defaultdict(set)
        for row in connection.execute(select(events).order_by(events.c.id)):
            happened[row.file_id].append(row.event)
        for row in connection.execute(select(dataset_files)):
            members[row.dataset_id].add(row.file_id)
        states = connection.execute(select(datasets.c.id, datasets.c.state)).all()
        dead = connection.execute(select(dead_letters.c.queue, dead_letters.c.correlation_id)).all()
    return {
        "files": {file.id: _seen(file, happened[file.id]) for file in rows},
        "datasets": {name: (state, members[name]) for name, state in states},
        "dead": sorted((queue, correlation_id or "") for queue, correlation_id in dead),
    }


def _expected(file: ModelFile) -> Seen:
    return Seen(
        file.path, file.state.value, file.accession, file.faulty, file.in_inbox, file.archived, file.backed_up,
        tuple(file.events),
    )  # fmt: skip


def _seen(file: File, happened: list[str]) -> Seen:
    return Seen(
        file.path, file.state.value, file.accession, file.error is not None, file.inbox_location is not None,
        file.archive_location is not None, file.backup_location is not None, tuple(happened),
    )  # fmt: skip


def compare(model: Model, database: Database, *, in_order: bool = True) -> None:
    """Raise AssertionError where the database is not as the model.

    in_order: events happened in the order of the model; where several workers take from one queue that is open.
    """
    real, ideal = observed(database), expected(model)
    if not in_order:
        real, ideal = _unordered(real), _unordered(ideal)
    for kind in ("files", "datasets"):
        for name in real[kind].keys() | ideal[kind].keys():
            seen, wanted = real[kind].get(name), ideal[kind].get(name)
            assert seen == wanted, f"{name}:\nthe node says  {seen}\nthe model says {wanted}"
    assert real["dead"] == ideal["dead"], f"dead letters: {real['dead']}, but {ideal['dead']} in the model"


def _unordered(picture: dict[str, Any]) -> dict[str, Any]:
    files = {name: replace(seen, events=tuple(sorted(seen.events))) for name, seen in picture["files"].items()}
    return {**picture, "files": files}


def check_always(model: Model, database: Database, stores: Stores) -> None:
    """Raise AssertionError where something does not hold that holds at any moment."""
    accessions = [file.accession for file in model.files.values() if file.accession]
    assert len(accessions) == len(set(accessions)), "two files share an accession id"
    for members in model.members.values():
        assert all(model.files[file].state is F.READY for file in members), "a file of a dataset is not ready"
    for file in model.files.values():
        if file.state in KEPT:
            assert held(stores["archive"], file.id) == file.content.body
        if file.state is F.READY:
            assert held(stores["backup"], file.id) == file.content.upload
    with database.read() as connection:
        rows = connection.execute(select(files.c.id, files.c.state, files.c.header)).all()
        for file_id, state, header in rows:
            assert state not in KEPT or header == model.files[file_id].content.header
        # one that its worker took into its grave stays until it is swept away
        assert set(connection.scalars(select(leases.c.name))) == {f.id for f in model.files.values() if f.lease}
        _check_datasets(connection, model)


def _check_datasets(connection: Any, model: Model) -> None:
    """A dataset has an event for its state, and none for one that it never had."""
    told = defaultdict(set)
    for row in connection.execute(select(dataset_events)):
        told[row.dataset_id].add(row.event)
    order = [state.value for state in DatasetState]
    for name, state in model.datasets.items():
        assert state.value in told[name]
        assert not told[name] & set(order[order.index(state.value) + 1 :])


def check_quiet(model: Model, stores: Stores) -> None:
    """Raise AssertionError unless, with nothing left to do, the stores hold what the files say and no more."""
    every = model.files.values()
    assert not any(file.archived or file.backed_up for file in every if file.state is F.CANCELLED)
    assert set(stores["inbox"].list()) == {f.id for f in every if f.in_inbox or f.stored}
    assert set(stores["archive"].list()) == {f.id for f in every if f.archived}
    assert set(stores["backup"].list()) == {f.id for f in every if f.backed_up}
