import pytest

from shared.database.states import DatasetState, FileState
from shared.messages.catalogue import CATALOGUES, IdRules
from shared.messages.datasets import Deprecate, Mapping, Release
from tests.unit.cli.node import Node


def test_create_sends_a_mapping(node: Node) -> None:
    node.file("alice", "a.c4gh", FileState.READY, accession="EGAF00000000001")
    node.file("alice", "b.c4gh", FileState.READY, accession="EGAF00000000002")
    answer = node.json("datasets", "create", "EGAD00000000001", "EGAF00000000001", "EGAF00000000002")
    assert answer == {
        "dataset": "EGAD00000000001",
        "accessions": ["EGAF00000000001", "EGAF00000000002"],
        "sent": True,
    }
    (row,) = node.sent()
    assert (row["queue"], row["correlation_id"]) == ("mappings", None)
    mapping = CATALOGUES[IdRules.FEDERATED].model(Mapping).model_validate(row["body"])
    assert mapping.accession_ids == ("EGAF00000000001", "EGAF00000000002")


def test_create_refuses_an_accession_that_no_file_has(node: Node) -> None:
    node.file("alice", "a.c4gh", FileState.READY, accession="EGAF1")
    answer = node("datasets", "create", "EGAD1", "EGAF1", "EGAF2")
    assert answer.code == 1
    assert "no file has accession id EGAF2;" in answer.err
    assert node.sent() == []


def test_create_accepts_an_accession_that_is_on_its_way(node: Node) -> None:
    made = node.file("alice", "a.c4gh", FileState.VERIFIED)
    node("files", "accession", made, "EGAF1")
    assert node("datasets", "create", "EGAD1", "EGAF1").code == 0


@pytest.mark.parametrize(("verb", "model"), [("release", Release), ("deprecate", Deprecate)])
def test_release_and_deprecate_are_sent(node: Node, verb: str, model: type[Release | Deprecate]) -> None:
    node.dataset("EGAD1")
    assert node.json("datasets", verb, "EGAD1") == {"dataset": "EGAD1", "sent": True}
    (row,) = node.sent()
    assert row["queue"] == "mappings"
    assert model.model_validate(row["body"]).dataset_id == "EGAD1"


@pytest.mark.parametrize("verb", ["release", "deprecate"])
def test_a_dataset_that_is_not_there_is_refused(node: Node, verb: str) -> None:
    answer = node("datasets", verb, "EGAD1")
    assert answer.code == 1
    assert "there is no dataset EGAD1" in answer.err
    assert node.sent() == []


def test_a_dataset_that_was_asked_for_a_moment_ago_can_be_released(node: Node) -> None:
    node.file("alice", "a.c4gh", FileState.READY, accession="EGAF1")
    node("datasets", "create", "EGAD1", "EGAF1")
    assert node("datasets", "release", "EGAD1").code == 0
    assert node("datasets", "release", "EGAD2").code == 1


def test_the_list_counts_files(node: Node) -> None:
    first, second = node.file("alice", "a.c4gh"), node.file("alice", "b.c4gh")
    node.dataset("EGAD1", first, second, state=DatasetState.RELEASED)
    node.dataset("EGAD2")
    listed = node.json("datasets", "list")
    assert [(row["id"], row["state"], row["files"]) for row in listed] == [
        ("EGAD1", "released", 2),
        ("EGAD2", "registered", 0),
    ]
    assert "released" in node("datasets", "list").out


def test_an_id_with_a_blank_is_refused(node: Node) -> None:
    answer = node("datasets", "release", "EG AD")
    assert answer.code == 1
    assert "dataset_id" in answer.err
