"""Tools that know htsget or DRS fetch a file, unmodified; who may not read it learns nothing."""

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import htsget
import pytest
import requests
from drs_cli.client import DRSClient

from services.outbox.htsget import ticket as tickets
from tests.integration.outbox.client import KEY, Client
from tests.integration.outbox.host import OutboxHost, decrypted

PLAIN = os.urandom(300_000)
DRS = "/ga4gh/drs/v1"


def post(outbox: OutboxHost, path: str, body: Any, token: str | None = None) -> requests.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return requests.post(outbox.url + path, json=body, headers=headers, timeout=20)


def test_htsget_client_fetches_a_file(outbox: OutboxHost, tmp_path: Path) -> None:
    sample = outbox.offer(PLAIN)
    target = tmp_path / "download.c4gh"
    with target.open("wb") as output:
        htsget.get(
            f"{outbox.url}/reads/{sample.accession}",
            output,
            bearer_token=outbox.token(),
            headers={"Htsget-Context-Public-Key": KEY},
        )
    assert decrypted(target.read_bytes()) == PLAIN


def test_ticket_names_the_header_and_ranges_of_the_content(
    outbox: OutboxHost, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "BLOCK", 100_000)
    sample = outbox.offer(PLAIN)
    ticket = client.ask(f"/reads/{sample.id}").json["htsget"]
    assert ticket["format"] == "BAM"
    header, *pieces = ticket["urls"]
    assert base64.b64decode(header["url"].partition(",")[2]) == client.ask(f"/files/{sample.id}/header").body
    assert len(pieces) == 4
    got = [requests.get(piece["url"], headers=piece["headers"], timeout=20) for piece in pieces]
    assert {answer.status_code for answer in got} == {206}
    assert b"".join(answer.content for answer in got) == client.ask(f"/files/{sample.id}/content").body
    assert post(outbox, f"/reads/{sample.id}", {"format": "CRAM"}, outbox.token()).json()["htsget"]["error"]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/reads/none", 403, "PermissionDenied"),
        ("/reads/{id}?format=CRAM", 400, "UnsupportedFormat"),
        ("/variants/{id}", 400, "UnsupportedFormat"),
        ("/reads/{id}?class=header", 400, "InvalidInput"),
        ("/reads/{id}?start=1", 400, "InvalidInput"),
        ("/reads/{id}?referenceName=1&start=x", 400, "InvalidInput"),
        ("/reads/{id}?referenceName=1&start=5&end=5", 400, "InvalidRange"),
    ],
)
def test_ticket_that_cannot_be_given_says_why_in_the_words_of_htsget(
    outbox: OutboxHost, client: Client, path: str, status: int, error: str
) -> None:
    sample = outbox.offer(PLAIN[:100])
    answer = client.ask(path.format(id=sample.id))
    assert (answer.status, answer.json["htsget"]["error"]) == (status, error)
    assert "htsget" in answer.headers["content-type"]


def test_ticket_needs_token_and_key(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN[:100])
    assert Client(outbox.url, None).ask(f"/reads/{sample.id}").json["htsget"]["error"] == "InvalidAuthentication"
    assert client.ask(f"/reads/{sample.id}", key=None).json["htsget"]["error"] == "InvalidInput"
    region = client.ask(f"/reads/{sample.id}?referenceName=chr1&start=5&end=9")
    assert len(region.json["htsget"]["urls"]) == 2


def test_drs_client_fetches_a_file(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    host, _, port = outbox.url.partition("://")[2].partition(":")
    drs = DRSClient(f"http://{host}", port=int(port), use_http=True, token=outbox.token())
    found = drs.get_object(sample.accession)
    assert (found.id, found.size) == (sample.accession, sample.body_size)
    place = drs.get_access_url(sample.accession, found.access_methods[0].access_id)
    headers = dict(line.split(": ", 1) for line in place.headers)
    body = requests.get(place.url, headers=headers, timeout=20).content
    assert decrypted(client.ask(f"/files/{sample.id}/header").body + body) == PLAIN


def test_object_tells_where_it_is(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    shown = client.ask(f"{DRS}/objects/{sample.id}").json
    assert shown["self_uri"] == f"drs://{outbox.url.partition('://')[2]}/{sample.accession}"
    assert shown["checksums"][0]["type"] == "sha-256"
    assert client.ask(f"{DRS}/objects/none").problem == (403, "ACCESS_DENIED")
    assert client.ask(f"{DRS}/objects/{sample.id}/access/none").problem == (403, "ACCESS_DENIED")
    assert client.ask(f"{DRS}/service-info", key=None).json["maxBulkRequestLength"] == 1000


def test_how_to_show_who_one_is_is_the_same_for_every_id(outbox: OutboxHost) -> None:
    sample = outbox.offer(PLAIN[:100])
    told = {requests.options(f"{outbox.url}{DRS}/objects/{name}", timeout=20).text for name in (sample.id, "none")}
    assert len(told) == 1
    assert json.loads(told.pop())["supported_types"] == ["BearerAuth", "PassportAuth"]


def test_passport_in_the_body_stands_for_the_token(outbox: OutboxHost) -> None:
    sample = outbox.offer(PLAIN[:100])
    body = {"passports": [outbox.token()]}
    assert post(outbox, f"{DRS}/objects/{sample.id}", body).json()["id"] == sample.accession
    place = post(outbox, f"{DRS}/objects/{sample.id}/access/content", body).json()
    assert place["url"].endswith("/content")
    wrong: list[Any] = [[], ["x"], [outbox.token()] * 2, "x", [5]]
    for bad in wrong:
        assert post(outbox, f"{DRS}/objects/{sample.id}", {"passports": bad}).status_code == 401


def test_many_objects_are_asked_for_at_once(outbox: OutboxHost) -> None:
    sample, token = outbox.offer(PLAIN[:100]), outbox.token()
    asked = {"bulk_object_ids": [sample.id, "none"]}
    found = post(outbox, f"{DRS}/objects", asked, token).json()
    assert found["summary"] == {"requested": 2, "resolved": 1, "unresolved": 1}
    assert found["unresolved_drs_objects"] == [{"error_code": 403, "object_ids": ["none"]}]
    assert [one["id"] for one in found["resolved_drs_object"]] == [sample.accession]
    ways = {"bulk_object_access_ids": [{"bulk_object_id": sample.id, "bulk_access_ids": ["content", "x"]}]}
    (place,) = post(outbox, f"{DRS}/objects/access", ways, token).json()["resolved_drs_object_access_urls"]
    assert place["drs_object_id"] == sample.id
    assert post(outbox, f"{DRS}/objects", {"bulk_object_ids": ["x"] * 1001}, token).status_code == 413
    wrong: list[Any] = [{}, {"bulk_object_ids": "x"}, []]
    for bad in wrong:
        assert post(outbox, f"{DRS}/objects", bad, token).status_code == 400


def test_body_that_is_no_json_is_refused(outbox: OutboxHost) -> None:
    answer = requests.post(f"{outbox.url}{DRS}/objects", data=io.BytesIO(b"["), timeout=20)
    assert answer.status_code == 400
