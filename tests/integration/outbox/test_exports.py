"""Exports by HTTP: started for what may be read, seen and given up by their reader alone."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from shared.access.passports import PASSPORT
from shared.access.signing_keys import public_jwk
from shared.database.queue_tables import outgoing
from shared.database.tables import audit, export_files, exports
from shared.database.types import now
from tests.integration.outbox.client import KEY, Answer, Client
from tests.integration.outbox.host import READER_KEY, OutboxHost, Sample
from tests.integration.outbox.test_downloads import until as wait_until
from tests.unit.access.issuers import Issuer
from tests.unit.access.test_readers import VISA_KEY, visa

DATASET = "10.1234/data"


@pytest.fixture
def sample(outbox: OutboxHost) -> Sample:
    return outbox.offer(b"x" * 1000, DATASET)


def start(client: Client, key: str | None = KEY, **wanted: Any) -> Answer:
    return client.ask("/exports", method="POST", body=json.dumps(wanted), key=key)


def rows(outbox: OutboxHost, question: Any) -> list[tuple[Any, ...]]:
    with outbox.database.read() as connection:
        return [tuple(row) for row in connection.execute(question)]


def test_export_is_a_job_that_its_reader_can_look_at(outbox: OutboxHost, sample: Sample) -> None:
    client = Client(outbox.url, outbox.token())
    answer = start(client, datasetId=DATASET)
    assert answer.status == 202
    export = answer.json["exportId"]
    assert answer.headers["location"] == f"{outbox.url}/exports/{export}"
    assert answer.json["state"] == "queued"
    assert answer.json["location"] == f"s3://exports/{export}/"
    assert client.ask(f"/exports/{export}").json == answer.json | {"refused": []}
    assert client.ask("/exports").json == {"exports": [answer.json]}
    [(body,)] = rows(outbox, select(outgoing.c.body).where(outgoing.c.queue == "exports"))
    assert json.loads(body) == {"type": "export", "export_id": export}
    assert rows(outbox, select(exports.c.reader_key)) == [(READER_KEY.public.hex(),)]


def test_visas_that_were_shown_are_kept_with_their_end(outbox: OutboxHost) -> None:
    outbox.add_dataset(DATASET, outbox.add_file(b"x"))
    with Issuer() as service:
        service.publish(public_jwk(VISA_KEY.public_key()))
        service.people["opaque"] = {"sub": "me", PASSPORT: [visa(service, dataset=DATASET)]}
        issuers = {"visa_issuers": {service.name: (service.url,)}, "userinfo_issuer": service.name}
        with outbox.up(**issuers, userinfo_url=service.userinfo):
            assert start(Client(outbox.url, "opaque"), datasetId=DATASET).status == 202
    [(visas, until)] = rows(outbox, select(exports.c.visas, exports.c.visas_until))
    assert json.loads(visas) == [DATASET]
    assert now() < until < now() + timedelta(days=1)


def test_progress_is_told_in_files_and_bytes(outbox: OutboxHost, sample: Sample) -> None:
    other = outbox.add_file(b"y" * 500)
    client = Client(outbox.url, outbox.token())
    export = start(client, fileId=sample.accession).json["exportId"]
    common = {"export_id": export, "changed_at": now()}
    states = [
        {"file_id": sample.id, "state": "written", "size": 1028, "reason": None},
        {"file_id": other.id, "state": "refused", "size": 528, "reason": "it may not be read"},
    ]
    with outbox.database.write() as connection:
        connection.execute(insert(export_files), [common | state for state in states])
    told = client.ask(f"/exports/{export}").json
    assert told["files"] == {"listed": 2, "written": 1, "refused": 1}
    assert told["bytes"] == {"listed": 1556, "written": 1028}
    assert told["refused"] == [{"fileId": other.accession, "reason": "it may not be read"}]
    assert (told["fileId"], told["state"]) == (sample.id, "running")


def test_what_may_not_be_read_looks_as_if_it_did_not_exist(outbox: OutboxHost, sample: Sample) -> None:
    hidden = outbox.add_file(b"z")
    outbox.add_dataset("HIDDEN", hidden)
    with outbox.up():
        client = Client(outbox.url, outbox.token())
        wanted = ({"datasetId": "HIDDEN"}, {"datasetId": "NONE"}, {"fileId": hidden.id}, {"fileId": str(uuid4())})
        for one in wanted:
            # whatever else is wrong
            assert start(client, key="nonsense", **one).problem == (403, "ACCESS_DENIED")
    assert rows(outbox, select(exports.c.id)) == []
    assert rows(outbox, select(audit.c.action, audit.c.outcome)) == [("start export", "refused: Forbidden")] * 4


def test_others_do_not_see_an_export(outbox: OutboxHost, sample: Sample) -> None:
    mine = Client(outbox.url, outbox.token())
    export = start(mine, datasetId=DATASET).json["exportId"]
    other = Client(outbox.url, outbox.token("other"))
    assert other.ask("/exports").json == {"exports": []}
    for name in (export, str(uuid4()), "nonsense"):
        for method in ("GET", "DELETE"):
            assert other.ask(f"/exports/{name}", method=method).problem == (403, "ACCESS_DENIED")
    assert mine.ask(f"/exports/{export}").status == 200


def test_export_that_is_given_up_is_gone_and_makes_room(outbox: OutboxHost, sample: Sample) -> None:
    with outbox.up(export_most=1):
        client = Client(outbox.url, outbox.token())
        export = start(client, datasetId=DATASET).json["exportId"]
        assert start(client, datasetId=DATASET).problem == (409, "TOO_MANY_EXPORTS")
        assert client.ask(f"/exports/{export}", method="DELETE").status == 204
        assert client.ask(f"/exports/{export}").problem == (403, "ACCESS_DENIED")
        assert start(client, datasetId=DATASET).status == 202


def test_expired_export_is_not_shown(outbox: OutboxHost, sample: Sample) -> None:
    with outbox.up(export_days=timedelta(milliseconds=1) / timedelta(days=1)):
        client = Client(outbox.url, outbox.token())
        start(client, datasetId=DATASET)
        wait_until(lambda: client.ask("/exports").json == {"exports": []})


@pytest.mark.parametrize("body", ["", "[]", "{", "{}", '{"datasetId": 1}', '{"datasetId": "a", "fileId": "b"}'])
def test_malformed_request_is_refused(outbox: OutboxHost, body: str) -> None:
    answer = Client(outbox.url, outbox.token()).ask("/exports", method="POST", body=body)
    assert answer.problem == (400, "INVALID_BODY")


def test_request_that_names_nothing_is_told_what_to_name(outbox: OutboxHost) -> None:
    answer = Client(outbox.url, outbox.token()).ask("/exports", method="POST", body='{"dataset": "D"}')
    assert "datasetId or fileId" in answer.json["detail"]


def test_key_is_needed(outbox: OutboxHost, sample: Sample) -> None:
    client = Client(outbox.url, outbox.token())
    assert start(client, key=None, datasetId=DATASET).problem == (400, "KEY_MISSING")
    assert start(client, key="x", datasetId=DATASET).problem == (400, "KEY_INVALID")
    assert start(Client(outbox.url, None), datasetId=DATASET).problem == (401, "NOT_AUTHENTICATED")


def test_node_without_a_place_for_exports_has_none(outbox: OutboxHost, sample: Sample) -> None:
    with outbox.up(exports=None):
        client = Client(outbox.url, outbox.token())
        assert start(client, datasetId=DATASET).status == 404
        assert "/exports" not in client.ask("/openapi.json").json["paths"]
