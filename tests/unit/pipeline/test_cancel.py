"""Cancel: the archive forgets a file, at whatever stage, and the upload can be ingested again."""

from datetime import timedelta

import pytest

from shared.broker.outcomes import Outcome
from shared.database.types import now
from tests.unit.pipeline.kit import LARGE, USER, Archive, Upload
from tests.unit.pipeline.objects import held, keep

STAGES = ("uploaded", "archived", "verified", "ready", "error", "cancelled")


def at_stage(node: Archive, stage: str) -> Upload:
    if stage == "uploaded":
        return node.upload()
    if stage == "error":
        upload = node.upload(content=b"ACGT", size_known=False)
        node.trigger(upload)
        keep(node.inbox, upload.id, upload.content)
        return upload
    upload = {"archived": node.archived, "verified": node.verified}.get(stage, lambda: node.ready("F-1"))()
    if stage == "cancelled":
        node.trigger(upload, "cancel")
    return upload


@pytest.mark.parametrize("stage", STAGES)
def test_cancelled_file_leaves_nothing_but_its_upload(node: Archive, stage: str) -> None:
    upload = at_stage(node, stage)
    assert node.state(upload) == stage
    result = node.trigger(upload, "cancel")
    assert (result.outcome, result.sent) == (Outcome.DONE, {})
    file = node.file(upload)
    assert (file.state, file.header, file.key_fingerprint, file.error) == ("cancelled", None, None, None)
    assert (file.archive_location, file.archive_size, file.plain_size) == (None, None, None)
    assert (file.backup_location, file.accession) == (None, None)
    assert not list(node.archive.list())
    assert not list(node.backup.list())
    assert not {"archived", "plain", "backup"} & set(node.checksums(upload))
    assert held(node.inbox, upload.id) == upload.content


@pytest.mark.parametrize("stage", STAGES)
def test_file_can_be_ingested_again_after_it_was_cancelled(node: Archive, stage: str) -> None:
    upload = at_stage(node, stage)
    node.trigger(upload, "cancel")
    assert node.trigger(upload).outcome is Outcome.DONE
    assert node.check(upload).outcome is Outcome.DONE
    assert node.give(upload, "F-2").outcome is Outcome.DONE
    assert (node.state(upload), node.file(upload).accession) == ("ready", "F-2")
    assert held(node.archive, upload.id) == upload.body
    assert held(node.backup, upload.id) == upload.content


def test_accession_id_of_a_cancelled_file_is_free_for_another(node: Archive) -> None:
    node.trigger(node.ready("F-1"), "cancel")
    assert node.give(node.verified(), "F-1").outcome is Outcome.DONE


def test_file_in_a_dataset_can_not_be_cancelled(node: Archive) -> None:
    upload = node.ready("F-1")
    node.map("D-1", "F-1")
    result = node.trigger(upload, "cancel")
    assert "part of dataset D-1" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "ready"
    assert held(node.archive, upload.id) == upload.body


def test_cancelling_an_upload_under_way_waits(node: Archive) -> None:
    file = node.registered()
    message = {"type": "cancel", "user": USER, "filepath": file.path}
    assert node.deliver(node.ingest, message, file.id).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("again", [{"redelivered": True}, {"attempt": 1}, {"races_lost": 1}], ids=str)
@pytest.mark.parametrize("size", [1000, LARGE])
def test_trigger_older_than_the_cancellation_is_void_when_it_comes_again(
    node: Archive, size: int, again: dict[str, int]
) -> None:
    upload = node.upload(size)
    message = {"type": "ingest", "user": USER, "filepath": upload.path}
    sent = now()
    node.trigger(upload, "cancel")
    keep(node.archive, upload.id, b"what its work left")
    result = node.deliver(node.ingest, message, upload.id, first_seen=sent, **again)
    assert (result.outcome, result.sent, node.state(upload)) == (Outcome.DONE, {}, "cancelled")
    assert not list(node.archive.list())


@pytest.mark.parametrize("again", [{}, {"redelivered": True}], ids=str)
def test_trigger_newer_than_the_cancellation_counts(node: Archive, again: dict[str, bool]) -> None:
    upload = node.upload()
    node.trigger(upload, "cancel")
    message = {"type": "ingest", "user": USER, "filepath": upload.path}
    assert node.deliver(node.ingest, message, upload.id, **again).outcome is Outcome.DONE
    assert node.state(upload) == "archived"


def test_trigger_newer_than_the_cancellation_counts_though_the_cancellation_comes_again(node: Archive) -> None:
    upload = node.upload()
    message = {"type": "cancel", "user": USER, "filepath": upload.path}
    cancellation = now()
    node.deliver(node.ingest, message, upload.id, first_seen=cancellation)
    trigger = now()
    node.deliver(node.ingest, message, upload.id, first_seen=cancellation, redelivered=True)
    again = {**message, "type": "ingest"}
    node.deliver(node.ingest, again, upload.id, first_seen=trigger, redelivered=True)
    assert node.state(upload) == "archived"


def test_cancellation_that_comes_again_does_not_undo_a_later_ingestion(node: Archive) -> None:
    upload = node.upload()
    message = {"type": "cancel", "user": USER, "filepath": upload.path}
    sent = now()
    node.deliver(node.ingest, message, upload.id, first_seen=sent)
    node.trigger(upload)
    assert node.deliver(node.ingest, message, upload.id, first_seen=sent, redelivered=True).outcome is Outcome.DONE
    assert node.state(upload) == "archived"
    assert held(node.archive, upload.id) == upload.body


@pytest.mark.parametrize("again", [{}, {"redelivered": True}, {"attempt": 1}], ids=str)
def test_cancellation_that_is_older_than_the_last_one_is_no_new_one(node: Archive, again: dict[str, int]) -> None:
    upload = node.upload()
    message = {"type": "cancel", "user": USER, "filepath": upload.path}
    sent = now()
    node.trigger(upload, "cancel")
    keep(node.archive, upload.id, b"what its work left")
    node.deliver(node.ingest, message, upload.id, first_seen=sent, **again)
    assert node.happened(upload).count("cancelled") == 1
    assert not list(node.archive.list())


def test_second_cancellation_voids_the_triggers_between_the_two(node: Archive) -> None:
    upload = node.upload()
    node.trigger(upload, "cancel")
    sent = now()
    node.trigger(upload, "cancel")
    message = {"type": "ingest", "user": USER, "filepath": upload.path}
    node.deliver(node.ingest, message, upload.id, first_seen=sent, redelivered=True)
    assert node.state(upload) == "cancelled"


def test_trigger_delivered_for_the_first_time_counts_whatever_its_clock_says(node: Archive) -> None:
    upload = node.upload()
    node.trigger(upload, "cancel")
    message = {"type": "ingest", "user": USER, "filepath": upload.path}
    node.deliver(node.ingest, message, upload.id, first_seen=now() - timedelta(hours=1))
    assert node.state(upload) == "archived"


def test_missing_upload_of_a_cancelled_file_leaves_it_cancelled(node: Archive) -> None:
    upload = node.archived()
    node.trigger(upload, "cancel")
    node.inbox.delete(upload.id)
    assert node.trigger(upload).outcome is Outcome.REFUSED
    assert node.state(upload) == "cancelled"


def test_file_at_which_another_worker_is_waits(node: Archive) -> None:
    from shared.broker.unit import Unit

    upload = node.upload(LARGE)
    node.leases.claim(Unit("other"), node.file(upload))
    assert node.trigger(upload, "cancel").outcome is Outcome.NOT_YET
    assert node.trigger(upload).outcome is Outcome.NOT_YET
    assert node.state(upload) == "uploaded"
