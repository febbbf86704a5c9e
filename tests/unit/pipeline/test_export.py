"""Export: a reader's files are written once, for their key alone, while they may be read."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import crypt4gh.lib
import pytest
from sqlalchemy import delete, insert, select, update

from services.cli.export_queries import EXPORT_FILES_RETRY, EXPORT_RETRY
from services.export.expiry import Expiry
from services.export.handler import ExportHandler
from services.export.places import key_of
from services.export.write import WriteFile
from shared.broker.delivery import Delivery
from shared.broker.outcomes import Outcome
from shared.broker.unit import Unit
from shared.crypto.keys import generate
from shared.database.tables import audit, export_files, exports, grants
from shared.database.types import now
from shared.storage.directory import DirectoryStore
from tests.unit.pipeline.kit import CATALOGUE, KEY, LARGE, SMALL, Archive, Upload
from tests.unit.pipeline.objects import held, keep

READER = "bob"
READER_KEY = generate()


class Exporting:
    """A dataset of files, of which the reader may read all."""

    def __init__(self, node: Archive, folder: Path) -> None:
        self.node = node
        self.store = DirectoryStore(folder / "exports", name="exports")
        write = WriteFile(archive=node.archive, exports=self.store, keys=(KEY,), leases=node.leases)
        self.handler = ExportHandler(database=node.database, catalogue=CATALOGUE, write=write)

    def dataset(self, *sizes: int) -> list[Upload]:
        files = [self.node.ready(f"F-{number}", size) for number, size in enumerate(sizes)]
        self.node.map("D-1", *(f"F-{number}" for number in range(len(sizes))))
        self.node.change("release", "D-1")
        self.run(insert(grants).values(user=READER, dataset_id="D-1", granted_at=now()))
        return files

    def run(self, statement: Any) -> None:
        with self.node.database.write() as connection:
            connection.execute(statement)

    def rows(self, statement: Any) -> list[tuple[Any, ...]]:
        with self.node.database.read() as connection:
            return [tuple(row) for row in connection.execute(statement)]

    def asked(self, **wanted: Any) -> str:
        """Note an export as the outbox does."""
        row = {
            "id": str(uuid4()), "user": READER, "dataset_id": "D-1", "reader_key": READER_KEY.public.hex(),
            "visas": "[]", "visas_until": now(), "owner": "", "registered_at": now(),
            "expires_at": now() + timedelta(days=1),
        }  # fmt: skip
        self.run(insert(exports).values(row | wanted))
        return str(row["id"])

    def planned(self, export: str) -> list[dict[str, Any]]:
        """List its files; return the messages to write them."""
        result = self.node.deliver(self.handler, {"type": "export", "export_id": export})
        assert result.outcome is Outcome.DONE
        return result.sent.get("exports", [])

    def exported(self, export: str) -> None:
        for message in self.planned(export):
            assert self.node.deliver(self.handler, message).outcome is Outcome.DONE

    def states(self, export: str) -> list[tuple[Any, ...]]:
        query = select(export_files.c.state, export_files.c.reason).where(export_files.c.export_id == export)
        return self.rows(query.order_by(export_files.c.state))

    def plain(self, export: str, file: Upload) -> bytes:
        """Decrypt what was written, as the stock tool does."""
        sealed, plain = io.BytesIO(held(self.store, key_of(export, file.id, file.file.path))), io.BytesIO()
        crypt4gh.lib.decrypt([(0, READER_KEY.secret, None)], sealed, plain)
        return plain.getvalue()

    def expiry(self) -> None:
        Expiry(self.node.database, self.store).turn()


@pytest.fixture
def site(node: Archive, tmp_path: Path) -> Exporting:
    return Exporting(node, tmp_path)


def test_every_file_of_a_dataset_is_written_for_the_reader(site: Exporting) -> None:
    files = site.dataset(SMALL, LARGE)
    export = site.asked()
    site.exported(export)
    assert site.states(export) == [("written", None)] * 2
    for file in files:
        assert site.plain(export, file) == file.plain
        assert site.node.happened(file)[-1] == "exported"
    assert site.rows(select(exports.c.refusal).where(exports.c.listed_at.is_not(None))) == [(None,)]


def test_what_each_reader_was_given_is_on_record(site: Exporting) -> None:
    [file] = site.dataset(SMALL)
    export = site.asked()
    site.exported(export)
    query = select(audit.c.user, audit.c.action, audit.c.file_id, audit.c.outcome, audit.c.bytes, audit.c.reader_key)
    size = site.store.stat(key_of(export, file.id, file.file.path)).size
    assert site.rows(query) == [(READER, "export file", file.id, "written", size, READER_KEY.public.hex())]


def test_second_delivery_changes_nothing(site: Exporting) -> None:
    [file] = site.dataset(LARGE)
    export = site.asked()
    [message] = site.planned(export)
    site.node.deliver(site.handler, message)
    key = key_of(export, file.id, file.file.path)
    before = site.store.stat(key)
    assert site.node.deliver(site.handler, message).outcome is Outcome.DONE
    assert site.store.stat(key) == before
    assert site.node.happened(file).count("exported") == 1


def test_killed_before_its_commit_it_writes_the_same_again(site: Exporting) -> None:
    [file] = site.dataset(SMALL)
    export = site.asked()
    [message] = site.planned(export)
    site.handler(Delivery("exports", json.dumps(message).encode()), Unit("export"))
    key = key_of(export, file.id, file.file.path)
    before = held(site.store, key)
    assert site.states(export) == [("waiting", None)]
    assert site.node.deliver(site.handler, message).outcome is Outcome.DONE
    assert held(site.store, key) == before
    assert site.states(export) == [("written", None)]
    assert site.node.happened(file).count("exported") == 1


def test_what_staff_have_tried_again_is_written_and_the_rest_left_alone(site: Exporting) -> None:
    files = site.dataset(SMALL, SMALL)
    export = site.asked()
    first, second = site.planned(export)
    assert site.node.deliver(site.handler, first).outcome is Outcome.DONE
    site.run(delete(grants))
    assert site.node.deliver(site.handler, second).outcome is Outcome.DONE
    assert site.states(export) == [("refused", "it may not be read"), ("written", None)]
    site.run(insert(grants).values(user=READER, dataset_id="D-1", granted_at=now()))
    for statement in (EXPORT_RETRY, EXPORT_FILES_RETRY):
        with site.node.database.write() as connection:
            statement.run(connection, [{"export": export, "at": now()}])
    site.exported(export)
    assert site.states(export) == [("written", None)] * 2
    assert [site.node.happened(file).count("exported") for file in files] == [1, 1]


def test_file_alone_is_a_list_of_one(site: Exporting) -> None:
    file, _ = site.dataset(SMALL, SMALL)
    export = site.asked(dataset_id=None, file_id=file.id)
    site.exported(export)
    assert list(site.store.list()) == [key_of(export, file.id, file.file.path)]


def test_grant_taken_back_meanwhile_refuses_the_files_that_are_left(site: Exporting) -> None:
    files = site.dataset(SMALL, SMALL)
    export = site.asked()
    first, second = site.planned(export)
    site.node.deliver(site.handler, first)
    site.run(delete(grants))
    assert site.node.deliver(site.handler, second).outcome is Outcome.DONE
    assert site.states(export) == [("refused", "it may not be read"), ("written", None)]
    assert sum("exported" in site.node.happened(file) for file in files) == 1
    assert site.rows(select(audit.c.outcome).order_by(audit.c.number))[-1] == ("refused: it may not be read",)


def test_dataset_that_may_not_be_read_any_more_is_refused_whole(site: Exporting) -> None:
    site.dataset(SMALL)
    site.run(delete(grants))
    assert site.planned(site.asked()) == []
    assert site.rows(select(exports.c.refusal)) == [("it may not be read",)]


@pytest.mark.parametrize(("hours", "state"), [(1, "written"), (-1, "refused")])
def test_visas_count_while_they_last(site: Exporting, hours: int, state: str) -> None:
    site.dataset(SMALL)
    site.run(delete(grants))
    export = site.asked(visas=json.dumps(["D-1"]), visas_until=now() + timedelta(hours=1))
    [message] = site.planned(export)
    site.run(update(exports).values(visas_until=now() + timedelta(hours=hours)))
    site.node.deliver(site.handler, message)
    assert [found for found, _ in site.states(export)] == [state]


def test_body_that_is_missing_refuses_its_file_alone(site: Exporting) -> None:
    lost, _ = site.dataset(SMALL, SMALL)
    export = site.asked()
    site.node.archive.delete(lost.id)
    site.exported(export)
    assert [state for state, _ in site.states(export)] == ["refused", "written"]


def test_large_file_waits_while_another_worker_writes_it(site: Exporting) -> None:
    [file] = site.dataset(LARGE)
    export = site.asked()
    [message] = site.planned(export)
    other = Unit("other")
    site.node.leases.hold(other, f"export {export} {file.id}")
    assert site.node.deliver(site.handler, message).outcome is Outcome.NOT_YET
    assert not list(site.store.list())


def test_expired_export_is_removed_with_all_that_was_written(site: Exporting) -> None:
    site.dataset(SMALL, SMALL)
    export, other = site.asked(), site.asked()
    site.exported(export)
    site.exported(other)
    site.run(update(exports).where(exports.c.id == export).values(expires_at=now()))
    site.expiry()
    assert {key.partition("/")[0] for key in site.store.list()} == {other}
    assert site.states(export) == []
    assert site.rows(select(exports.c.id)) == [(other,)]


def test_file_written_after_its_export_was_removed_is_taken_away(site: Exporting) -> None:
    [file] = site.dataset(SMALL)
    export = site.asked()
    [message] = site.planned(export)
    key = key_of(export, file.id, file.file.path)
    site.run(update(exports).values(removed_at=now()))
    site.expiry()
    keep(site.store, key, b"late")
    assert site.node.deliver(site.handler, message).outcome is Outcome.DONE
    assert not list(site.store.list())


def test_no_archive_key_is_the_operators_business(site: Exporting) -> None:
    site.dataset(SMALL)
    write = WriteFile(archive=site.node.archive, exports=site.store, keys=(generate(),), leases=site.node.leases)
    handler = ExportHandler(database=site.node.database, catalogue=CATALOGUE, write=write)
    export = site.asked()
    [message] = site.planned(export)
    assert site.node.deliver(handler, message).outcome is Outcome.DEAD
    assert site.states(export) == [("waiting", None)]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("a/b.c4gh", "E/F/a/b.c4gh"),
        ("run 1/.b@x.c4gh", "E/F/run_1/_b_x.c4gh"),
        ("../b", "E/F/_./b"),
        ("å" * 300, "E/F/" + "_" * 200),
        ("/".join(["d" * 199] * 8), "E/F/" + "/".join(["d" * 199] * 5)),
    ],
)
def test_any_path_makes_a_key(path: str, key: str) -> None:
    assert key_of("E", "F", path) == key
