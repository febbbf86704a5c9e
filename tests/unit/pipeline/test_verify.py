"""Verify: what is in the archive is what was sent."""

import pytest

from shared.broker.outcomes import Outcome
from tests.unit.pipeline.kit import KEY, LARGE, SMALL, USER, Archive, Upload
from tests.unit.pipeline.objects import both, keep

SEGMENT = 65_536 + 28


@pytest.mark.parametrize("size", [0, 1, SMALL, LARGE])
def test_verified_file_has_all_checksums_and_tells_those_of_its_plaintext(node: Archive, size: int) -> None:
    upload = node.archived(size)
    result = node.check(upload)
    file = node.file(upload)
    assert (file.state, file.plain_size) == ("verified", size)
    found = node.checksums(upload)
    assert found["plain"] == both(upload.plain)
    assert found["archived"] == {"sha256": both(upload.body)["sha256"]}
    assert found["uploaded"] == {"sha256": both(upload.content)["sha256"]}
    [message] = result.sent["verified"]
    assert (message["user"], message["filepath"]) == (USER, upload.path)
    assert {c["type"]: c["value"] for c in message["decrypted_checksums"]} == both(upload.plain)


def test_second_delivery_changes_nothing(node: Archive) -> None:
    upload = node.verified()
    before = node.file(upload)
    result = node.check(upload)
    assert (result.outcome, result.sent, node.file(upload)) == (Outcome.DONE, {}, before)


@pytest.mark.parametrize("stage", ["uploaded", "cancelled", "ready"])
def test_file_that_is_not_waiting_for_it_is_left_alone(node: Archive, stage: str) -> None:
    upload = node.ready("F-1") if stage == "ready" else node.upload()
    if stage == "cancelled":
        node.trigger(upload, "cancel")
    assert (node.check(upload).outcome, node.state(upload)) == (Outcome.DONE, stage)


@pytest.mark.parametrize("position", [0, 11, SEGMENT - 1, SEGMENT + 5, -1])
def test_flipped_byte_is_found(node: Archive, position: int) -> None:
    upload = node.archived()
    damage(node, upload, position)
    reason = refusal(node, upload)
    assert f"segment {0 if 0 <= position < SEGMENT else 1}" in reason


def test_body_cut_inside_a_segment_is_found(node: Archive) -> None:
    upload = node.archived()
    keep(node.archive, upload.id, upload.body[:-40])
    refusal(node, upload)


def test_body_cut_between_segments_is_found(node: Archive) -> None:
    upload = node.archived()
    keep(node.archive, upload.id, upload.body[:SEGMENT])
    assert "is cut" in refusal(node, upload)


@pytest.mark.parametrize("message", [True, False])
def test_upload_cut_between_segments_whose_size_nobody_knows_is_found_by_a_checksum(
    node: Archive, message: bool
) -> None:
    upload = node.upload(SMALL, size_known=False)
    keep(node.inbox, upload.id, upload.content[: len(upload.header) + SEGMENT])
    if not message:
        node.sidecar(upload, ".sha256", both(upload.plain)["sha256"])
    node.trigger(upload, encrypted_checksums=listed(upload.content) if message else [])
    assert node.state(upload) == "archived"
    assert "given by the submitter" in refusal(node, upload)


def test_lost_body_is_found(node: Archive) -> None:
    upload = node.archived()
    node.archive.delete(upload.id)
    assert "lost the body" in refusal(node, upload)


def test_refused_file_is_verified_after_it_was_ingested_again(node: Archive) -> None:
    upload = node.archived()
    damage(node, upload, 100)
    refusal(node, upload)
    node.trigger(upload)
    assert node.check(upload).outcome is Outcome.DONE
    assert (node.state(upload), node.file(upload).error) == ("verified", None)


@pytest.mark.parametrize("ending", [".c4gh.sha256", ".c4gh.md5", ".sha256", ".md5"])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_checksum_file_of_the_submitter_is_compared(node: Archive, ending: str, case: type[str]) -> None:
    upload = node.archived()
    algorithm = ending.rpartition(".")[2]
    content = upload.content if ".c4gh" in ending else upload.plain
    node.sidecar(upload, ending, "0" * len(both(content)[algorithm]))
    assert f"the {algorithm} given by the submitter" in refusal(node, upload)
    node.sidecar(upload, ending, case(both(content)[algorithm]))
    node.trigger(upload)
    assert node.check(upload).outcome is Outcome.DONE


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
@pytest.mark.parametrize("known", [True, False], ids=["inbox knows", "inbox knows nothing"])
def test_checksum_of_the_trigger_is_compared(node: Archive, algorithm: str, known: bool) -> None:
    upload = node.upload()
    if known:
        node.uploaded_checksums(upload)
    digest = both(upload.content)[algorithm]
    node.trigger(upload, encrypted_checksums=[{"type": algorithm, "value": "0" * len(digest)}])
    assert f"the {algorithm} given by the submitter" in refusal(node, upload)
    node.trigger(upload, encrypted_checksums=[{"type": algorithm, "value": digest.upper()}])
    assert node.check(upload).outcome is Outcome.DONE


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_checksum_of_the_message_is_compared(node: Archive, algorithm: str) -> None:
    upload = node.archived()
    wrong = "0" * len(both(b"")[algorithm])
    result = node.check(upload, encrypted_checksums=[{"type": algorithm, "value": wrong}])
    assert result.outcome is Outcome.REFUSED
    assert node.check(upload, encrypted_checksums=listed(upload.content)).outcome is Outcome.DONE


def test_checksum_taken_by_the_inbox_is_compared(node: Archive) -> None:
    upload = node.upload()
    node.uploaded_checksums(upload)
    # another whole file of the same length in its place, before it was archived
    other = node.upload()
    replaced = other.header + other.body
    assert len(replaced) == len(upload.content)
    keep(node.inbox, upload.id, replaced)
    node.trigger(upload)
    assert "taken when it was uploaded" in refusal(node, upload)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("stage", ["verified", "ready"])
def test_file_that_is_still_whole_can_be_verified_again(node: Archive, stage: str, size: int) -> None:
    upload = node.ready("F-1", size) if stage == "ready" else node.verified(size)
    result = node.check(upload, re_verify=True)
    assert (result.outcome, result.sent, node.state(upload)) == (Outcome.DONE, {}, stage)
    assert node.happened(upload)[-1] == "verified again"


@pytest.mark.parametrize("stage", ["verified", "ready"])
@pytest.mark.parametrize("harm", ["flipped", "cut inside", "cut between", "lost", "replaced"])
def test_damage_found_by_verifying_again_is_told_and_the_state_kept(node: Archive, stage: str, harm: str) -> None:
    upload = node.ready("F-1") if stage == "ready" else node.verified()
    if harm == "lost":
        node.archive.delete(upload.id)
    elif harm == "flipped":
        damage(node, upload, 70_000)
    elif harm == "replaced":
        keep(node.archive, upload.id, upload.body + upload.body[:SEGMENT])
    else:
        keep(node.archive, upload.id, upload.body[: SEGMENT if harm == "cut between" else -40])
    result = node.check(upload, re_verify=True)
    assert result.outcome is Outcome.REFUSED
    assert "no longer what it was" in result.sent["error"][0]["reason"]
    assert (node.state(upload), node.happened(upload)[-1]) == (stage, "error")


def test_file_that_was_never_verified_can_not_be_verified_again(node: Archive) -> None:
    upload = node.archived()
    assert node.check(upload, re_verify=True).outcome is Outcome.REFUSED
    assert node.state(upload) == "archived"


def test_key_is_named_by_its_fingerprint(node: Archive) -> None:
    assert node.file(node.verified()).key_fingerprint == KEY.fingerprint


def damage(node: Archive, upload: Upload, position: int) -> None:
    body = bytearray(upload.body)
    body[position] ^= 1
    keep(node.archive, upload.id, bytes(body))


def refusal(node: Archive, upload: Upload) -> str:
    """Verify what is to be refused, and return the reason."""
    result = node.check(upload)
    assert result.outcome is Outcome.REFUSED
    assert node.state(upload) == "error"
    assert node.happened(upload)[-1] == "error"
    reason = str(result.sent["error"][0]["reason"])
    assert node.file(upload).error == reason
    return reason


def listed(content: bytes) -> list[dict[str, str]]:
    return [{"type": name, "value": value} for name, value in both(content).items()]
