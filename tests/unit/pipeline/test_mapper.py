"""Mapper: datasets get files, are released and deprecated; uploads that are not needed any more are deleted."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from shared.broker.outcomes import Outcome
from shared.database.tables import grants
from shared.database.types import now
from tests.unit.pipeline.kit import Archive
from tests.unit.pipeline.objects import held

LONG_AGO = now() - timedelta(hours=1)


def test_mapped_files_are_in_the_dataset_and_their_uploads_cleaned_up(node: Archive) -> None:
    one, two = node.ready("F-1"), node.ready("F-2")
    result = node.map("D-1", "F-1", "F-2")
    assert result.outcome is Outcome.DONE
    assert node.dataset("D-1") == ("registered", {one.id, two.id})
    assert node.happened(one)[-1] == "mapped"
    [message] = result.sent["cleanup"]
    assert set(message["file_ids"]) == {one.id, two.id}
    assert node.deliver(node.cleanup, message).outcome is Outcome.DONE
    assert not list(node.inbox.list())
    assert node.file(one).inbox_location is None
    assert node.happened(one)[-1] == "left inbox"
    assert held(node.archive, one.id) == one.body


def test_second_mapping_and_second_cleanup_change_nothing(node: Archive) -> None:
    upload = node.ready("F-1")
    message = node.map("D-1", "F-1").sent["cleanup"][0]
    node.deliver(node.cleanup, message)
    before = node.dataset("D-1"), node.file(upload).state
    assert "cleanup" not in node.map("D-1", "F-1").sent
    assert node.deliver(node.cleanup, message).outcome is Outcome.DONE
    assert (node.dataset("D-1"), node.file(upload).state) == before
    assert node.happened(upload).count("left inbox") == 1


def test_file_may_be_in_several_datasets(node: Archive) -> None:
    upload = node.ready("F-1")
    node.map("D-1", "F-1")
    node.map("D-2", "F-1", "F-1")
    assert node.dataset("D-1")[1] == node.dataset("D-2")[1] == {upload.id}


def test_mapping_of_an_unknown_file_waits_and_is_then_refused_as_a_whole(node: Archive) -> None:
    node.ready("F-1")
    assert node.map("D-1", "F-1", "F-2").outcome is Outcome.NOT_YET
    result = node.map("D-1", "F-1", "F-2", first_seen=LONG_AGO, attempt=4)
    assert result.outcome is Outcome.REFUSED
    assert "accession id F-2" in result.sent["error"][0]["reason"]
    assert node.dataset("D-1") == ("None", set())


def test_reason_names_some_of_many_unknown_files(node: Archive) -> None:
    names = [f"F-{number}" for number in range(1200)]
    result = node.map("D-1", *names, first_seen=LONG_AGO)
    assert len(result.sent["error"][0]["reason"]) < 200


def test_cancelled_file_can_not_be_mapped(node: Archive) -> None:
    node.trigger(node.ready("F-1"), "cancel")
    assert node.map("D-1", "F-1", first_seen=LONG_AGO).outcome is Outcome.REFUSED


def test_file_cancelled_while_it_is_mapped_is_not_mapped(node: Archive) -> None:
    upload = node.ready("F-1")
    handler, rivals = node.mapper, iter([True])

    def overtaken(delivery: object, unit: object) -> None:
        handler(delivery, unit)  # type: ignore[arg-type]
        if next(rivals, False):
            node.trigger(upload, "cancel")

    message = {"type": "mapping", "dataset_id": "D-1", "accession_ids": ["F-1"]}
    result = node.deliver(overtaken, message, first_seen=LONG_AGO)
    assert result.outcome is Outcome.REFUSED
    assert node.dataset("D-1") == ("None", set())
    assert node.state(upload) == "cancelled"


def test_late_mapping_keeps_a_released_dataset_released(node: Archive) -> None:
    one = node.ready("F-1")
    node.map("D-1", "F-1")
    node.change("release", "D-1")
    two = node.ready("F-2")
    assert node.map("D-1", "F-2").outcome is Outcome.DONE
    assert node.dataset("D-1") == ("released", {one.id, two.id})


def test_late_mapping_keeps_a_deprecated_dataset_deprecated(node: Archive) -> None:
    node.ready("F-1")
    node.map("D-1", "F-1")
    node.change("deprecate", "D-1")
    node.map("D-1", "F-1")
    assert node.dataset("D-1")[0] == "deprecated"


@pytest.mark.parametrize("kind", ["release", "deprecate"])
def test_second_release_or_deprecation_changes_nothing(node: Archive, kind: str) -> None:
    node.ready("F-1")
    node.map("D-1", "F-1")
    assert node.change(kind, "D-1").outcome is Outcome.DONE
    assert node.change(kind, "D-1").outcome is Outcome.DONE
    assert node.dataset("D-1")[0] == f"{kind}d"


def test_deprecated_dataset_is_not_released_again(node: Archive) -> None:
    node.ready("F-1")
    node.map("D-1", "F-1")
    node.change("release", "D-1")
    node.change("deprecate", "D-1")
    result = node.change("release", "D-1")
    assert "can't be released again" in result.sent["error"][0]["reason"]
    assert node.dataset("D-1")[0] == "deprecated"


@pytest.mark.parametrize("kind", ["release", "deprecate"])
def test_unknown_dataset_is_waited_for_and_then_refused(node: Archive, kind: str) -> None:
    assert node.change(kind, "D-1").outcome is Outcome.NOT_YET
    result = node.change(kind, "D-1", first_seen=LONG_AGO)
    assert "no dataset D-1" in result.sent["error"][0]["reason"]


def test_message_of_another_type_is_refused(node: Archive) -> None:
    assert node.change("delete", "D-1").outcome is Outcome.REFUSED


def _grants(node: Archive) -> list[tuple[str, str, datetime | None]]:
    with node.database.read() as connection:
        rows = connection.execute(select(grants.c.user, grants.c.dataset_id, grants.c.until).order_by(grants.c.user))
        return [tuple(row) for row in rows]


def test_permission_is_a_grant_for_each_user_and_a_later_one_has_the_last_word(node: Archive) -> None:
    message = {"type": "permission", "dataset_id": "D-1", "users": [{"username": "ann"}, {"username": "bob"}]}
    end = "2027-01-31T12:00:00.000000+01:00"
    assert node.deliver(node.mapper, message).outcome is Outcome.DONE
    later = {**message, "users": [{"username": "ann", "password_hash": "x", "keys": []}], "expires_at": end}
    assert node.deliver(node.mapper, later).outcome is Outcome.DONE
    assert _grants(node) == [("ann", "D-1", datetime(2027, 1, 31, 11, tzinfo=UTC)), ("bob", "D-1", None)]


def test_deleted_permission_is_no_grant_any_more_however_often_it_is_deleted(node: Archive) -> None:
    node.deliver(node.mapper, {"type": "permission", "dataset_id": "D-1", "users": [{"username": "ann"}]})
    deleted = {"type": "permission.deleted", "dataset_id": "D-1", "user": "ann"}
    for _ in range(2):
        assert node.deliver(node.mapper, deleted).outcome is Outcome.DONE
    assert _grants(node) == []
