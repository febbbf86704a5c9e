"""Orchestrate: a stand-alone node answers as Central EGA would."""

import pytest

from services.orchestrate.decide import AccessionPattern
from shared.broker.outcomes import Outcome
from shared.errors import ConfigurationError
from shared.messages.catalogue import CATALOGUES, IdRules
from tests.unit.pipeline.kit import USER, Archive
from tests.unit.pipeline.objects import both


def test_upload_is_triggered_with_its_checksums(node: Archive) -> None:
    told = [{"type": name, "value": value} for name, value in both(b"").items()]
    message = {"operation": "upload", "user": USER, "filepath": "a.c4gh", "encrypted_checksums": told}
    result = node.deliver(node.orchestrate_inbox, message, "some-correlation")
    [trigger] = result.sent["ingest"]
    assert trigger == {"type": "ingest", "user": USER, "filepath": "a.c4gh", "encrypted_checksums": told}


@pytest.mark.parametrize("operation", ["rename", "remove"])
def test_renaming_and_removing_need_no_answer(node: Archive, operation: str) -> None:
    message = {"operation": operation, "user": USER, "filepath": "a.c4gh", "oldpath": "b.c4gh"}
    result = node.deliver(node.orchestrate_inbox, message)
    assert (result.outcome, result.sent) == (Outcome.DONE, {})


def test_whole_life_without_central_ega(node: Archive) -> None:
    upload = node.upload()
    inbox = {"operation": "upload", "user": USER, "filepath": upload.path}
    [trigger] = node.deliver(node.orchestrate_inbox, inbox, upload.id).sent["ingest"]
    [archived] = node.deliver(node.ingest, trigger, upload.id).sent["archived"]
    [verified] = node.deliver(node.verify, archived, upload.id).sent["verified"]
    [accession] = node.deliver(node.orchestrate_verified, verified, upload.id).sent["accession"]
    [completed] = node.deliver(node.finalize, accession, upload.id).sent["completed"]
    assert completed["accession_id"] == node.file(upload).accession
    assert node.state(upload) == "ready"
    assert node.happened(upload) == ["submitted", "archived", "verified", "backed up", "ready"]


def test_accession_id_is_the_same_at_every_delivery_and_another_for_every_file(node: Archive) -> None:
    ids = []
    for upload in (node.verified(), node.verified()):
        checksums = [{"type": name, "value": value} for name, value in both(upload.plain).items()]
        message = {"user": USER, "filepath": upload.path, "decrypted_checksums": checksums}
        for _ in range(2):
            [accession] = node.deliver(node.orchestrate_verified, message, upload.id).sent["accession"]
            ids.append(accession["accession_id"])
        node.deliver(node.finalize, accession, upload.id)
        [accession] = node.deliver(node.orchestrate_verified, message, upload.id).sent["accession"]
        ids.append(accession["accession_id"])
    assert ids[:3] == [ids[0]] * 3
    assert ids[3:] == [ids[3]] * 3
    assert ids[0] != ids[3]
    assert all(name.startswith("EGAF") and len(name) == 15 for name in ids)


@pytest.mark.parametrize("pattern", ["EGAF", "{}", "{name}", "{number", "{number:q}", "{number.x}", "{file_id:d}"])
def test_pattern_that_makes_no_distinct_ids_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="accession pattern"):
        AccessionPattern(pattern)


@pytest.mark.parametrize("pattern", ["EGAF{number:011d}", "urn:strongroom:{file_id}", "{file_id}-{number}"])
def test_pattern_that_makes_distinct_ids_is_taken(pattern: str) -> None:
    made = AccessionPattern(pattern)
    assert made.make("a", 1) != made.make("b", 2)


@pytest.mark.parametrize(
    ("rules", "text", "fits"),
    [
        (IdRules.ISOLATED, "urn:strongroom:{file_id}", True),
        (IdRules.ISOLATED, "with blank {file_id}", False),
        (IdRules.FEDERATED, "urn:strongroom:{file_id}", False),
        (IdRules.FEDERATED, "EGAF{number:011d}", True),
    ],
)
def test_pattern_must_make_ids_that_the_node_accepts(rules: IdRules, text: str, fits: bool) -> None:
    pattern = AccessionPattern(text)
    if fits:
        pattern.require_fit(CATALOGUES[rules])
    else:
        with pytest.raises(ConfigurationError, match=rules):
            pattern.require_fit(CATALOGUES[rules])
