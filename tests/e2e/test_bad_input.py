"""Every bad input gets a clear reason, holds up nobody, and a later correct trigger repairs it; on both stacks.

One row of the table is one story: what is done wrong, what the submitter reads, and what repairs it.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.crypto.keys import generate, load_public_key
from shared.crypto.streams import encrypt_stream
from tests.e2e.nodes import Node, json_of, succeed, until
from tests.e2e.people import Submitter

SEGMENT = 65564


@dataclass
class Bench:
    """A node, a submitter on it, and names that are used once."""

    node: Node
    submitter: Submitter
    name: str = field(default_factory=lambda: f"f{uuid.uuid4().hex[:12]}.c4gh")

    def sealed(self, size: int = 200_000, *, key: Any = None) -> bytes:
        return seal(os.urandom(size), key or load_public_key(self.node.public_key))

    def put(self, content: bytes) -> dict[str, Any]:
        return self.submitter.put(content, self.name)

    def ingest(self) -> None:
        succeed(self.node, "files", "ingest", self.submitter.name, self.name)

    def ready(self, accession: str) -> dict[str, Any]:
        """Take the file all the way from the inbox."""
        self.ingest()
        row = self.submitter.wait_for(self.name, "verified")
        succeed(self.node, "files", "accession", row["id"], accession)
        return self.submitter.wait_for(self.name, "ready")

    def trigger(self, **fields: Any) -> str:
        path = f"{self.submitter.name}/{self.name}"
        return json.dumps({"type": "ingest", "user": self.submitter.name, "filepath": path, **fields})

    def events(self, file_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json_of(self.node, "files", "show", file_id)["events"]
        return found


class Source:
    """Bytes to read from."""

    def __init__(self, content: bytes) -> None:
        self._left = memoryview(content)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def seal(plain: bytes, key: Any) -> bytes:
    sealed = bytearray()
    encrypt_stream(Source(plain), sealed.extend, [key])
    return bytes(sealed)


@pytest.fixture(scope="module")
def submitter(node: Node) -> Submitter:
    return Submitter(node, "dora")


@pytest.fixture
def bench(node: Node, submitter: Submitter) -> Bench:
    return Bench(node, submitter)


def accession() -> str:
    return f"acc-{uuid.uuid4().hex}"


# ---- files that are wrong: refused with a reason, repaired by uploading a right one


def flipped(sealed: bytes) -> bytes:
    broken = bytearray(sealed)
    broken[124 + 70_000] ^= 1
    return bytes(broken)


FILES: dict[str, tuple[Callable[[Bench], bytes], str]] = {
    "not Crypt4GH": (lambda _: os.urandom(5000), "not in the Crypt4GH format"),
    "for another key": (lambda b: b.sealed(key=generate().public), "not encrypted for this archive"),
    "truncated inside a segment": (
        lambda b: b.sealed()[: 124 + SEGMENT + 1000],
        "not complete|middle of a segment|segment 1",
    ),
    "a flipped byte": (lambda b: flipped(b.sealed()), "segment 1"),
    "an empty file": (lambda _: b"", "empty"),
}


@pytest.mark.parametrize("fault", FILES)
def test_a_wrong_file_is_refused_with_a_reason_and_a_right_one_repairs_it(bench: Bench, fault: str) -> None:
    content, reason = FILES[fault]
    row = bench.put(content(bench))
    bench.ingest()
    row = bench.submitter.wait_for(bench.name, "error")
    assert any(part in row["error"] for part in reason.split("|")), row["error"]
    assert bench.events(row["id"])[-1]["event"] == "error"
    told_by_message(bench, row["id"], row["error"])
    bench.put(bench.sealed())
    assert bench.ready(accession())["error"] is None


def told_by_message(bench: Bench, correlation_id: str | None, reason: str) -> None:
    """On the real stack: Central EGA is told too."""
    errors = getattr(bench.node, "errors", None)
    if errors is None:
        return
    seen: list[dict[str, Any]] = []

    def told() -> dict[str, Any] | None:
        seen.extend(errors())
        return next((m for m in seen if m["correlation_id"] == correlation_id and m["reason"] == reason), None)

    message = until("the error message", told)
    assert isinstance(message["original-message"], str)
    assert message["error"]


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_cut_at_a_segment_border_is_caught_by_the_submitters_checksum(bench: Bench, algorithm: str) -> None:
    sealed = bench.sealed()
    checksum = bench.node.folder / "checksum"
    checksum.write_text(hashlib.new(algorithm, sealed).hexdigest())
    bench.submitter.sftp(f"put {checksum} {bench.name}.{algorithm}")
    bench.put(sealed[: 124 + 2 * SEGMENT])
    bench.ingest()
    row = bench.submitter.wait_for(bench.name, "error")
    assert algorithm in row["error"]
    bench.put(sealed)
    bench.ready(accession())


def test_a_cut_at_a_segment_border_is_caught_by_a_checksum_in_the_message(bench: Bench) -> None:
    sealed = bench.sealed()
    row = bench.put(sealed[: 124 + 2 * SEGMENT])
    checksums = [{"type": "sha256", "value": hashlib.sha256(sealed).hexdigest().upper()}]
    bench.node.publish("ingest", bench.trigger(encrypted_checksums=checksums), row["id"])
    assert "sha256" in bench.submitter.wait_for(bench.name, "error")["error"]
    bench.put(sealed)
    bench.ready(accession())


def test_an_upload_that_is_gone_is_refused_and_a_new_one_repairs_it(bench: Bench) -> None:
    row = bench.put(bench.sealed())
    bench.submitter.sftp(f"rm {bench.name}")
    bench.node.publish("ingest", bench.trigger(), row["id"])
    until("the refusal", lambda: "no longer in the inbox" in str(bench.events(row["id"])[-1]["reason"]))
    bench.put(bench.sealed())
    bench.ready(accession())


# ---- messages that are wrong: the queue goes on

MESSAGES: dict[str, tuple[str, str, str]] = {
    "not JSON": ("ingest", "{nonsense", "not JSON"),
    "a list": ("ingest", "[1, 2]", "not a JSON object"),
    "of unknown type": ("ingest", '{"type": "explode", "user": "dora", "filepath": "dora/x"}', "ingestion-trigger"),
    "without the user": ("ingest", '{"type": "ingest", "filepath": "dora/x"}', "user"),
    "of nobody": ("ingest", '{"type": "ingest", "user": "nobody", "filepath": "nobody/x.c4gh"}', "no such file"),
    "unknown from Central EGA": ("from_cega", '{"type": "explode"}', "unknown type"),
    "mapping of an unknown accession id": (
        "mappings", '{"type": "mapping", "dataset_id": "DS-none", "accession_ids": ["nobody-has-me"]}', "nobody-has-me",
    ),
    "release of an unknown dataset": ("mappings", '{"type": "release", "dataset_id": "DS-none"}', "DS-none"),
    "no accession id": ("accession", '{"type": "accession", "user": "dora", "filepath": "x"}', "accession_id"),
}  # fmt: skip


@pytest.mark.parametrize("fault", MESSAGES)
def test_a_wrong_message_is_told_of_and_holds_up_nobody(bench: Bench, fault: str) -> None:
    queue, body, reason = MESSAGES[fault]
    correlation_id = str(uuid.uuid4())
    bench.node.publish(queue, body, correlation_id)
    bench.put(bench.sealed(1000))
    bench.ready(accession())
    errors = getattr(bench.node, "errors", None)
    if errors is None:
        until("the refusal in the log", lambda: correlation_id in bench.node.logs())
        return
    seen: list[dict[str, Any]] = []

    def told() -> dict[str, Any] | None:
        seen.extend(errors())
        return next((m for m in seen if m["correlation_id"] == correlation_id), None)

    message = until("the error message", told)
    assert reason in message["reason"]
    assert message["original-message"] == body


# ---- triggers at odd times


@pytest.mark.parametrize("correlation_id", [None, "unknown"])
def test_a_trigger_without_a_known_correlation_id_finds_the_file_by_user_and_path(
    bench: Bench, correlation_id: str | None
) -> None:
    bench.put(bench.sealed())
    bench.node.publish("ingest", bench.trigger(), correlation_id and str(uuid.uuid4()))
    bench.submitter.wait_for(bench.name, "verified")


def test_a_trigger_twice_is_once(bench: Bench) -> None:
    row = bench.put(bench.sealed())
    for _ in range(2):
        bench.node.publish("ingest", bench.trigger(), row["id"])
    bench.submitter.wait_for(bench.name, "verified")
    bench.node.publish("ingest", bench.trigger(), row["id"])
    succeed(bench.node, "files", "accession", row["id"], accession())
    bench.submitter.wait_for(bench.name, "ready")
    names = [event["event"] for event in bench.events(row["id"])]
    assert names.count("archived") == names.count("verified") == names.count("ready") == 1


def test_an_accession_id_before_the_file_is_verified_waits_for_it(bench: Bench) -> None:
    row = bench.put(bench.sealed())
    message = {"type": "accession", "user": "dora", "filepath": bench.name, "accession_id": accession()}
    bench.node.publish("accession", json.dumps({**message, "decrypted_checksums": []}), row["id"])
    bench.ingest()
    assert bench.submitter.wait_for(bench.name, "ready")["accession"] == message["accession_id"]


def test_an_accession_id_is_given_once(bench: Bench) -> None:
    taken = accession()
    bench.put(bench.sealed())
    bench.ready(taken)
    second = Bench(bench.node, bench.submitter)
    row = second.put(second.sealed())
    second.ingest()
    second.submitter.wait_for(second.name, "verified")
    succeed(second.node, "files", "accession", row["id"], taken)
    until("the refusal", lambda: "another file" in str(second.submitter.file(second.name)["error"]))
    assert second.submitter.file(second.name)["state"] == "verified"
    succeed(second.node, "files", "accession", row["id"], accession())
    assert second.submitter.wait_for(second.name, "ready")["error"] is None


STAGES = ("uploaded", "verified", "ready", "error")


@pytest.mark.parametrize("stage", STAGES)
def test_a_file_is_cancelled_at_each_stage_and_may_be_ingested_again(bench: Bench, stage: str) -> None:
    row = bench.put(flipped(bench.sealed()) if stage == "error" else bench.sealed())
    if stage != "uploaded":
        bench.ingest()
        bench.submitter.wait_for(bench.name, "error" if stage == "error" else "verified")
    if stage == "ready":
        succeed(bench.node, "files", "accession", row["id"], accession())
        bench.submitter.wait_for(bench.name, "ready")
    succeed(bench.node, "files", "cancel", bench.submitter.name, bench.name)
    assert until("the cancellation", lambda: cancelled(bench, row["id"]))
    if stage == "error":
        return
    bench.ready(accession())


def cancelled(bench: Bench, file_id: str) -> dict[str, Any] | None:
    shown: dict[str, Any] = json_of(bench.node, "files", "show", file_id)
    return shown if shown["state"] == "cancelled" and shown["accession"] is None else None


def test_a_file_in_a_dataset_is_not_cancelled(bench: Bench) -> None:
    given, dataset = accession(), f"DS-{uuid.uuid4().hex[:8]}"
    row = bench.put(bench.sealed())
    bench.ready(given)
    succeed(bench.node, "datasets", "create", dataset, given)
    until("the mapping", lambda: bench.submitter.file(bench.name)["dataset"] == dataset)
    trigger = bench.trigger(type="cancel")
    bench.node.publish("ingest", trigger, row["id"])
    until("the refusal", lambda: dataset in str(bench.submitter.file(bench.name)["error"]))
    assert bench.submitter.file(bench.name)["state"] == "ready"
