"""A visa opens a dataset like a grant: for as long as it lasts, and released datasets only."""

from collections.abc import Iterator

import pytest

from shared.access.passports import PASSPORT
from shared.access.signing_keys import public_jwk
from tests.integration.outbox.client import Client
from tests.integration.outbox.host import OutboxHost, decrypted
from tests.unit.access.issuers import Issuer
from tests.unit.access.test_readers import VISA_KEY, visa


@pytest.fixture
def service() -> Iterator[Issuer]:
    with Issuer() as server:
        server.publish(public_jwk(VISA_KEY.public_key()))
        yield server


def test_visa_opens_a_released_dataset_and_no_other(outbox: OutboxHost, service: Issuer) -> None:
    sample, other = outbox.add_file(b"mine"), outbox.add_file(b"other")
    outbox.add_dataset("EGAD00000000001", sample)
    outbox.add_dataset("EGAD00000000002", other)
    service.people["opaque"] = {"sub": "me", PASSPORT: [visa(service, dataset="EGAD00000000001")]}
    settings = {
        "visa_issuers": {service.name: (service.url,)},
        "userinfo_url": service.userinfo,
        "userinfo_issuer": service.name,
    }
    with outbox.up(**settings):
        client = Client(outbox.url, "opaque")
        assert client.ask("/datasets").json["datasets"] == ["EGAD00000000001"]
        assert len(client.ask("/datasets/EGAD00000000001/files").json["files"]) == 1
        assert decrypted(client.ask(f"/files/{sample.id}").body) == b"mine"
        assert client.ask(f"/files/{other.id}").problem == (403, "ACCESS_DENIED")
        outbox.set_dataset("EGAD00000000001", "deprecated")
        assert client.ask(f"/files/{sample.id}").problem == (403, "ACCESS_DENIED")
        service.away = True
        assert Client(outbox.url, "another").ask("/datasets").problem == (503, "UNAVAILABLE")


def test_own_files_are_read_where_the_node_says_so(outbox: OutboxHost) -> None:
    sample = outbox.add_file(b"mine")
    outbox.add_dataset("EGAD00000000001", sample)
    token = outbox.token("submitter@example.org")
    assert Client(outbox.url, token).ask(f"/files/{sample.id}").problem == (403, "ACCESS_DENIED")
    with outbox.up(outbox_own_files=True):
        client = Client(outbox.url, token)
        assert decrypted(client.ask(f"/files/{sample.id}").body) == b"mine"
        assert client.ask("/datasets").json["datasets"] == ["EGAD00000000001"]
        assert client.ask("/datasets/EGAD00000000001").json["files"] == 1
        stranger = Client(outbox.url, outbox.token("stranger"))
        assert stranger.ask("/datasets").json["datasets"] == []
        assert stranger.ask(f"/files/{sample.id}").problem == (403, "ACCESS_DENIED")
        outbox.set_dataset("EGAD00000000001", "registered")
        assert client.ask(f"/files/{sample.id}").problem == (403, "ACCESS_DENIED")


def test_owner_of_one_file_sees_no_other_of_its_dataset(outbox: OutboxHost) -> None:
    mine, others = outbox.add_file(b"mine", path="a"), outbox.add_file(b"other", path="b", user="someone@example.org")
    outbox.add_dataset("EGAD00000000001", mine, others)
    with outbox.up(outbox_own_files=True):
        client = Client(outbox.url, outbox.token("submitter@example.org"))
        listed = client.ask("/datasets/EGAD00000000001/files").json["files"]
        assert [file["filePath"] for file in listed] == ["a"]
        assert client.ask(f"/files/{others.id}").problem == (403, "ACCESS_DENIED")


def test_grant_that_is_taken_back_is_refused_at_the_next_request(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(b"x")
    assert client.ask(f"/files/{sample.id}").status == 200
    outbox.revoke("EGAD00000000001")
    assert client.ask(f"/files/{sample.id}").problem == (403, "ACCESS_DENIED")
