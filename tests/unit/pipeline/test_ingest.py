"""Ingest: the body goes to the archive, or the submitter is told why not."""

import pytest

from shared.broker.outcomes import Outcome
from shared.crypto.keys import generate
from tests.unit.pipeline.kit import KEY, LARGE, SMALL, USER, Archive
from tests.unit.pipeline.objects import both, held, keep


@pytest.mark.parametrize("size", [0, 1, SMALL, LARGE])
def test_body_is_archived_without_its_header(node: Archive, size: int) -> None:
    upload = node.upload(size)
    node.uploaded_checksums(upload)
    result = node.trigger(upload)
    file = node.file(upload)
    assert (file.state, file.header, file.archive_size) == ("archived", upload.header, len(upload.body))
    assert (file.key_fingerprint, file.archive_location, file.error) == (KEY.fingerprint, "archive", None)
    assert held(node.archive, upload.id) == upload.body
    assert node.happened(upload) == ["submitted", "archived"]
    [message] = result.sent["archived"]
    assert (message["user"], message["filepath"]) == (USER, upload.path)
    assert {c["type"]: c["value"] for c in message["encrypted_checksums"]} == both(upload.content)


def test_large_body_is_copied_by_the_store_itself(node: Archive) -> None:
    upload = node.upload(LARGE)
    before = _moved(node, "inbox", "read") + _moved(node, "archive", "written")
    node.trigger(upload)
    moved = _moved(node, "inbox", "read") + _moved(node, "archive", "written") - before
    assert 0 < moved <= len(upload.header) + 64
    assert held(node.archive, upload.id) == upload.body


def test_second_trigger_changes_nothing(node: Archive) -> None:
    upload = node.archived()
    before = node.file(upload)
    result = node.trigger(upload)
    assert (result.outcome, result.sent) == (Outcome.DONE, {})
    assert node.file(upload) == before
    assert node.happened(upload) == ["submitted", "archived"]


def test_trigger_of_a_verified_or_ready_file_changes_nothing(node: Archive) -> None:
    for upload in (node.verified(), node.ready("F-1")):
        before = node.file(upload)
        result = node.trigger(upload)
        assert (result.outcome, result.sent, node.file(upload)) == (Outcome.DONE, {}, before)


def test_trigger_during_the_upload_comes_again(node: Archive) -> None:
    file = node.registered()
    message = {"type": "ingest", "user": USER, "filepath": file.path}
    assert node.deliver(node.ingest, message, file.id).outcome is Outcome.NOT_YET
    assert node.state(file) == "registered"


@pytest.mark.parametrize("correlation_id", [None, "not-ours", "5b1d6a3e-52a1-4e0f-8f35-93a5c65c9a2b"])
@pytest.mark.parametrize("prefix", ["", "/", "ann_example.org/", "/ann_example.org/", "ann@example.org/"])
def test_trigger_without_our_correlation_id_means_the_path(
    node: Archive, correlation_id: str | None, prefix: str
) -> None:
    upload = node.upload(1)
    message = {"type": "ingest", "user": USER, "filepath": prefix + upload.file.path}
    assert node.deliver(node.ingest, message, correlation_id).outcome is Outcome.DONE
    assert node.state(upload) == "archived"


def test_trigger_for_an_unknown_path_is_refused(node: Archive) -> None:
    result = node.deliver(node.ingest, {"type": "ingest", "user": USER, "filepath": "nothing.c4gh"}, "x")
    assert result.outcome is Outcome.REFUSED
    assert "no such file" in result.sent["error"][0]["reason"]


def test_trigger_for_the_file_of_another_user_is_refused(node: Archive) -> None:
    upload = node.upload(1)
    result = node.deliver(node.ingest, {"type": "ingest", "user": "eve", "filepath": upload.path}, upload.id)
    assert result.outcome is Outcome.REFUSED
    assert node.state(upload) == "uploaded"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"crypt4gh", "ends inside its header"),
        (b"ACGT" * 1000, "not in the Crypt4GH format"),
        (b"crypt4gh\x02\0\0\0\x01\0\0\0", "not in the Crypt4GH format"),
    ],
    ids=["empty", "cut header", "plain", "version 2"],
)
def test_what_is_not_crypt4gh_is_refused(node: Archive, content: bytes, reason: str) -> None:
    upload = node.upload(content=content, size_known=False)
    result = node.trigger(upload)
    assert result.outcome is Outcome.REFUSED
    assert reason in result.sent["error"][0]["reason"]
    assert node.state(upload) == "error"
    assert reason in str(node.file(upload).error)
    assert not list(node.archive.list())


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_file_for_another_key_is_refused(node: Archive, size: int) -> None:
    upload = node.upload(size, reader=generate())
    result = node.trigger(upload)
    assert "not encrypted for this archive" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "error"


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_refused_file_is_archived_after_a_new_trigger(node: Archive, size: int) -> None:
    upload = node.upload(size)
    keep(node.inbox, upload.id, b"\0" * len(upload.content))
    assert node.trigger(upload).outcome is Outcome.REFUSED
    assert node.trigger(upload).outcome is Outcome.REFUSED
    keep(node.inbox, upload.id, upload.content)
    assert node.trigger(upload).outcome is Outcome.DONE
    assert (node.state(upload), node.file(upload).error) == ("archived", None)
    assert held(node.archive, upload.id) == upload.body


@pytest.mark.parametrize("cut", [1, 30_000, 65_536 + 28])
def test_cut_upload_is_refused_where_its_size_is_known(node: Archive, cut: int) -> None:
    upload = node.upload(SMALL)
    keep(node.inbox, upload.id, upload.content[:-cut])
    result = node.trigger(upload)
    assert result.outcome is Outcome.REFUSED
    assert f"{len(upload.content)} bytes were received" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "error"


def test_upload_that_is_gone_is_refused_and_leaves_nothing(node: Archive) -> None:
    upload = node.upload()
    node.inbox.delete(upload.id)
    result = node.trigger(upload)
    assert "no longer in the inbox" in result.sent["error"][0]["reason"]
    assert node.state(upload) == "error"


def test_lone_object_of_an_earlier_attempt_is_deleted_when_the_upload_is_gone(node: Archive) -> None:
    upload = node.upload()
    keep(node.archive, upload.id, b"left by a killed worker")
    node.inbox.delete(upload.id)
    node.trigger(upload)
    assert not list(node.archive.list())


def test_corrected_trigger_replaces_all_checksums_of_the_earlier_one(node: Archive) -> None:
    upload = node.upload()
    wrong = {name: "0" * len(value) for name, value in both(upload.content).items()}
    node.trigger(upload, encrypted_checksums=_listed(wrong))
    assert node.check(upload).outcome is Outcome.REFUSED
    right = {"sha256": both(upload.content)["sha256"]}
    assert node.trigger(upload, encrypted_checksums=_listed(right)).outcome is Outcome.DONE
    assert node.checksums(upload)["submitted"] == right
    assert node.check(upload).outcome is Outcome.DONE


def test_message_that_is_no_trigger_is_refused(node: Archive) -> None:
    for message in (b"{}", b"\xff", {"type": "ingest", "user": USER}, {"type": "stop", "user": USER, "filepath": "aa"}):
        assert node.deliver(node.ingest, message).outcome is Outcome.REFUSED


def _listed(digests: dict[str, str]) -> list[dict[str, str]]:
    return [{"type": name, "value": value} for name, value in digests.items()]


def _moved(node: Archive, store: str, direction: str) -> float:
    labels = {"store": store, "direction": direction}
    return node.registry.get_sample_value("strongroom_store_bytes_total", labels) or 0
