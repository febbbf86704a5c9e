"""What staff ask for is sent as Central EGA would send it."""

import threading

import pytest

from shared.database.states import FileState
from shared.database.tables import files
from shared.database.types import now
from shared.identifiers import new_file_id
from shared.messages.ingestion import Accession, IngestTrigger
from tests.unit.cli.node import CommandLine, Node


def test_ingest_sends_a_trigger_about_the_file(node: Node) -> None:
    made = node.file("al@ce.org", "run/a.c4gh")
    assert node.json("files", "ingest", "al@ce.org", "run/a.c4gh") == [{"id": made, "path": "run/a.c4gh", "sent": True}]
    (row,) = node.sent()
    assert (row["queue"], row["routing_key"], row["correlation_id"]) == ("ingest", "ingest", made)
    trigger = IngestTrigger.model_validate(row["body"])
    assert (trigger.type, trigger.user, trigger.filepath) == ("ingest", "al@ce.org", "al_ce.org/run/a.c4gh")


def test_cancel_sends_the_same_with_its_own_type(node: Node) -> None:
    made = node.file("alice", "a.c4gh", FileState.ARCHIVED)
    assert node("files", "cancel", "alice", "a.c4gh").out == "a.c4gh: sent\n"
    (row,) = node.sent()
    assert (row["correlation_id"], row["body"]["type"]) == (made, "cancel")


def test_the_real_node_sends_to_the_exchange(
    node: Node, strongroom: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.file("alice", "a.c4gh")
    monkeypatch.setenv("STRONGROOM_DATABASE_URL", node.folder.database_url)
    assert strongroom("files", "ingest", "alice", "a.c4gh").code == 0
    (row,) = node.sent()
    assert (row["queue"], row["routing_key"]) == (None, "ingest")


@pytest.mark.parametrize("path", ["/run/a.c4gh", "alice/run/a.c4gh", "run/a.c4gh", "/alice/run/a.c4gh", "run/*.c4gh"])
def test_paths_may_be_spelt_as_messages_spell_them(node: Node, path: str) -> None:
    made = node.file("alice", "run/a.c4gh")
    assert [sent["id"] for sent in node.json("files", "ingest", "alice", path)] == [made]


def test_the_exact_path_comes_first(node: Node) -> None:
    inner = node.file("alice", "alice/a.c4gh")
    node.file("alice", "a.c4gh")
    assert [sent["id"] for sent in node.json("files", "ingest", "alice", "alice/a.c4gh")] == [inner]
    odd = node.file("alice", "b[1].c4gh")
    node.file("alice", "b1.c4gh")
    assert [sent["id"] for sent in node.json("files", "ingest", "alice", "b[1].c4gh")] == [odd]


def test_a_pattern_means_all_finished_uploads_of_the_user(node: Node) -> None:
    wanted = {node.file("alice", f"run/{n}.c4gh") for n in range(3)}
    node.file("alice", "run/x.txt")
    node.file("alice", "run/9.c4gh", FileState.REGISTERED)
    node.file("bob", "run/1.c4gh")
    assert {sent["id"] for sent in node.json("files", "ingest", "alice", "run/*.c4gh", "run/1.c4gh")} == wanted


def test_of_several_uploads_under_one_path_the_present_one_is_meant(node: Node) -> None:
    node.file("alice", "a.c4gh", FileState.READY, inbox_location=None)
    present = node.file("alice", "a.c4gh")
    node.file("alice", "a.c4gh", FileState.READY, inbox_location=None)
    assert [sent["id"] for sent in node.json("files", "ingest", "alice", "a.c4gh")] == [present]
    assert [sent["id"] for sent in node.json("files", "ingest", "alice", "a*")] == [present]


def test_one_unknown_path_sends_nothing(node: Node) -> None:
    node.file("alice", "a.c4gh")
    answer = node("files", "ingest", "alice", "a.c4gh", "nope.c4gh")
    assert answer.code == 1
    assert answer.err == (
        "strongroom: alice has no file nope.c4gh in the inbox; strongroom files list --user alice shows what there is\n"
    )
    assert node.sent() == []
    assert "no file that matches x*" in node("files", "cancel", "alice", "x*").err


def test_a_ready_file_is_for_the_services_to_decide(node: Node) -> None:
    node.file("alice", "a.c4gh", FileState.READY)
    assert node("files", "ingest", "alice", "a.c4gh").code == 0
    assert len(node.sent()) == 1


def test_accession_carries_the_checksums_of_the_plaintext(node: Node) -> None:
    made = node.file("alice", "a.c4gh", FileState.VERIFIED)
    node.checksum(made, "plain", "sha256", "ab" * 32)
    node.checksum(made, "plain", "md5", "cd" * 16)
    node.checksum(made, "archived", "sha256", "ef" * 32)
    assert node.json("files", "accession", made, "EGAF00000000001")["sent"] is True
    (row,) = node.sent()
    assert (row["queue"], row["correlation_id"]) == ("accession", made)
    message = Accession.model_validate(row["body"])
    assert {checksum.value for checksum in message.decrypted_checksums} == {"ab" * 32, "cd" * 16}
    assert (message.user, message.filepath, message.accession_id) == ("alice", "alice/a.c4gh", "EGAF00000000001")


def test_accession_may_be_sent_before_the_file_is_verified(node: Node) -> None:
    made = node.file("alice", "a.c4gh")
    assert node("files", "accession", made, "EGAF1").code == 0
    assert node.sent()[0]["body"]["decrypted_checksums"] == []


def test_accession_is_refused_where_that_is_known_at_once(node: Node) -> None:
    other = node.file("alice", "b.c4gh", FileState.VERIFIED)
    unknown = new_file_id()
    assert f"there is no file {unknown}" in node("files", "accession", unknown, "EGAF2").err
    assert "there is no file a.c4gh" in node("files", "accession", "a.c4gh", "EGAF2").err
    assert "accession_id" in node("files", "accession", other, "EG AF").err
    assert node.sent() == []


def test_an_accession_id_in_use_is_left_to_the_service_which_records_the_refusal(node: Node) -> None:
    node.file("alice", "a.c4gh", FileState.READY, accession="EGAF1")
    other = node.file("alice", "b.c4gh", FileState.VERIFIED)
    assert node("files", "accession", other, "EGAF1").code == 0
    assert node.sent()[0]["correlation_id"] == other


def at_once(node: Node, *events: tuple[str, str | None], **values: object) -> threading.Timer:
    """Do what the services would do, a moment after the message was sent."""

    def work() -> None:
        (row,) = node.sent()
        for event, reason in events:
            node.event(row["correlation_id"], event, reason)
        with node.database.write() as connection:
            connection.execute(files.update().values(changed_at=now(), **values))

    timer = threading.Timer(0.3, work)
    timer.start()
    return timer


def test_wait_ends_when_the_file_is_verified(node: Node) -> None:
    made = node.file("alice", "a.c4gh", FileState.ERROR, error="old")
    node.event(made, "error", "old")
    at_once(node, ("archived", None), ("verified", None), state="verified")
    (answer,) = node.json("files", "ingest", "alice", "a.c4gh", "--wait", "20s")
    assert (answer["id"], answer["state"], answer["error"]) == (made, "verified", None)


def test_wait_tells_why_a_file_was_refused(node: Node) -> None:
    node.file("alice", "a.c4gh")
    at_once(node, ("error", "The file is damaged"), state="error")
    answer = node("files", "ingest", "alice", "a.c4gh", "--wait")
    assert (answer.code, answer.out) == (1, "a.c4gh: refused\n")
    assert answer.err == "strongroom: a.c4gh: The file is damaged\n"


def test_wait_for_an_accession_ends_when_the_file_is_ready_with_it(node: Node) -> None:
    made = node.file("alice", "a.c4gh", FileState.VERIFIED)
    at_once(node, ("ready", None), state="ready", accession="EGAF1")
    assert node.json("files", "accession", made, "EGAF1", "--wait=20")["state"] == "ready"


def test_wait_ends_with_a_dead_letter(node: Node) -> None:
    made = node.file("alice", "a.c4gh")
    node.dead_letter(made, reason="old")
    timer = threading.Timer(0.3, node.dead_letter, [made], {"reason": "KeyError: 'header'"})
    timer.start()
    answer = node("files", "cancel", "alice", "a.c4gh", "--wait", "20s")
    assert answer.code == 1
    assert "KeyError: 'header' (dead letter 2)" in answer.err


def test_wait_gives_up_in_time(node: Node) -> None:
    node.file("alice", "a.c4gh")
    answer = node("files", "ingest", "alice", "a.c4gh", "--wait", "1s")
    assert answer.code == 1
    assert "1 of 1 files are not done yet" in answer.err
    assert len(node.sent()) == 1


def test_a_bad_time_to_wait_is_a_usage_error_and_sends_nothing(node: Node) -> None:
    node.file("alice", "a.c4gh")
    assert node("files", "ingest", "alice", "a.c4gh", "--wait=long").code == 2
    assert node.sent() == []
