"""Who gets what: refusals look alike, come before any complaint, and leave nothing in the log."""

import base64
import http.client
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from shared.database.types import now
from tests.integration.outbox.client import KEY, Answer, Client
from tests.integration.outbox.host import READER, OutboxHost, decrypted

Scene = Callable[[OutboxHost], str]
FORBIDDEN = (403, "ACCESS_DENIED")


def _missing(_: OutboxHost) -> str:
    return "EGAF99999999999"


def _of_another(outbox: OutboxHost) -> str:
    sample = outbox.add_file(b"x")
    outbox.add_dataset("EGAD00000000001", sample)
    outbox.grant("EGAD00000000001", "another@example.org")
    return sample.accession


def _unreleased(outbox: OutboxHost) -> str:
    sample = outbox.offer(b"x")
    outbox.set_dataset("EGAD00000000001", "registered")
    return sample.id


def _deprecated(outbox: OutboxHost) -> str:
    sample = outbox.offer(b"x")
    outbox.set_dataset("EGAD00000000001", "deprecated")
    return sample.accession


def _expired(outbox: OutboxHost) -> str:
    sample = outbox.add_file(b"x")
    outbox.add_dataset("EGAD00000000001", sample)
    outbox.grant("EGAD00000000001", until=now() - timedelta(seconds=1))
    return sample.accession


def _not_ready(outbox: OutboxHost) -> str:
    sample = outbox.add_file(b"x", state="verified")
    outbox.add_dataset("EGAD00000000001", sample)
    outbox.grant("EGAD00000000001")
    return sample.accession


def _unaskable(_: OutboxHost) -> str:
    return "EGAF%00"


SCENES = [_missing, _of_another, _unreleased, _deprecated, _expired, _not_ready, _unaskable]


def _same(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    return answer.status, {n: v for n, v in answer.headers.items() if n != "date"}, answer.body


@pytest.mark.parametrize("scene", SCENES)
def test_all_refusals_are_alike(outbox: OutboxHost, client: Client, scene: Scene) -> None:
    name = scene(outbox)
    refused = client.ask(f"/files/{name}", X_Correlation_ID="one")
    unknown = client.ask("/files/EGAF00000000000", X_Correlation_ID="one")
    assert refused.problem == FORBIDDEN
    assert _same(refused) == _same(unknown)


@pytest.mark.parametrize("scene", SCENES)
def test_refusal_comes_before_any_complaint(outbox: OutboxHost, client: Client, scene: Scene) -> None:
    path = f"/files/{scene(outbox)}"
    assert client.ask(path, key="no key").problem == FORBIDDEN
    assert client.ask(path, key=None).problem == FORBIDDEN
    assert client.ask(path, Range="bytes=1-0,7").problem == FORBIDDEN
    assert client.ask(path, method="HEAD").status == 403


@pytest.mark.parametrize("scene", [_of_another, _unreleased, _deprecated, _expired])
def test_datasets_are_refused_alike_and_not_listed(outbox: OutboxHost, client: Client, scene: Scene) -> None:
    scene(outbox)
    refused = client.ask("/datasets/EGAD00000000001/files", X_Correlation_ID="one")
    unknown = client.ask("/datasets/EGAD00000000000/files", X_Correlation_ID="one")
    assert refused.problem == FORBIDDEN
    assert _same(refused) == _same(unknown)
    assert client.ask("/datasets/EGAD00000000001/files?pageSize=none").problem == FORBIDDEN
    assert client.ask("/datasets").json["datasets"] == []


def test_file_in_one_readable_dataset_is_readable(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.add_file(b"plain")
    for name, state in [("EGAD1", "deprecated"), ("EGAD2", "released"), ("EGAD3", "registered")]:
        outbox.add_dataset(name, sample, state=state)
        outbox.grant(name, until=now() + timedelta(minutes=1))
    assert decrypted(client.ask(f"/files/{sample.id}").body) == b"plain"


def test_lists_leave_out_files_that_are_not_ready(outbox: OutboxHost, client: Client) -> None:
    ready, verified = outbox.add_file(b"x", path="a"), outbox.add_file(b"x", path="b", state="verified")
    outbox.add_dataset("EGAD00000000001", ready, verified)
    outbox.grant("EGAD00000000001")
    listed = client.ask("/datasets/EGAD00000000001/files").json["files"]
    assert [file["fileId"] for file in listed] == [ready.accession]


@pytest.mark.parametrize("path", ["/datasets", "/datasets/EGAD00000000001/files", "/files/EGAF00000000001"])
def test_nobody_gets_anything_without_a_valid_token(outbox: OutboxHost, path: str) -> None:
    token = outbox.token()
    for sent in (None, "", "no.token.atall", token[:-4] + "AAAA", outbox.token(ttl=timedelta(minutes=-1))):
        answer = Client(outbox.url, sent).ask(path)
        assert answer.problem == (401, "NOT_AUTHENTICATED")
        assert answer.headers["www-authenticate"] == "Bearer"
    stranger = Client(outbox.url, None)
    assert stranger.ask(f"{path}?access_token={token}").status == 401
    assert stranger.ask(path, Authorization=f"Basic {base64.b64encode(token.encode()).decode()}").status == 401
    assert stranger.ask(path, Cookie=f"access_token={token}").status == 401


@pytest.mark.parametrize("key", ["no key", "AAAA", base64.b64encode(bytes(32)).decode(), "A" * 5000])
def test_malformed_key_of_a_readable_file_is_told(outbox: OutboxHost, client: Client, key: str) -> None:
    sample = outbox.offer(b"x")
    assert client.ask(f"/files/{sample.id}", key=key).problem == (400, "KEY_INVALID")


def test_exactly_one_key_is_wanted(outbox: OutboxHost, client: Client) -> None:
    path = f"/files/{outbox.offer(b'x').id}"
    assert client.ask(path, key=None).problem == (400, "KEY_MISSING")
    assert client.ask(path, Htsget_Context_Public_Key=KEY).problem == (400, "KEY_CONFLICT")
    assert client.ask(path, key=None, Htsget_Context_Public_Key=KEY).status == 200


def test_same_header_twice_is_a_conflict(outbox: OutboxHost) -> None:
    path = f"/files/{outbox.offer(b'x').id}"
    connection = http.client.HTTPConnection(urlsplit(outbox.url).netloc, timeout=10)
    connection.putrequest("GET", path)
    connection.putheader("Authorization", f"Bearer {outbox.token()}")
    connection.putheader("X-C4GH-Public-Key", KEY)
    connection.putheader("X-C4GH-Public-Key", KEY)
    connection.endheaders()
    with connection.getresponse() as answer:
        assert (answer.status, b"KEY_CONFLICT" in answer.read()) == (400, True)
    connection.close()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("pageSize=0", "INVALID_PAGE_SIZE"),
        ("pageSize=1001", "INVALID_PAGE_SIZE"),
        ("pageSize=x", "INVALID_PAGE_SIZE"),
        ("pageToken=x", "INVALID_PAGE_TOKEN"),
        ("pageToken=AAAAAAAAAAAAAAAA", "INVALID_PAGE_TOKEN"),
    ],
)
def test_bad_pages_are_told_to_readers(outbox: OutboxHost, client: Client, query: str, code: str) -> None:
    outbox.offer(b"x")
    assert client.ask(f"/datasets/EGAD00000000001/files?{query}").problem == (400, code)
    assert client.ask(f"/datasets?{query}").problem == (400, code)


def test_page_token_of_another_list_is_refused(outbox: OutboxHost, client: Client) -> None:
    for name in ("EGAD1", "EGAD2"):
        outbox.add_dataset(name, outbox.add_file(b"x", path=f"{name}/a"), outbox.add_file(b"x", path=f"{name}/b"))
        outbox.grant(name)
    token = client.ask("/datasets/EGAD1/files?pageSize=1").json["nextPageToken"]
    assert client.ask(f"/datasets/EGAD1/files?pageSize=1&pageToken={token}").status == 200
    for path in ("EGAD2/files?pageSize=1", "EGAD1/files?pageSize=2", "EGAD1/files?pageSize=1&pathPrefix=E"):
        assert client.ask(f"/datasets/{path}&pageToken={token}").problem == (400, "INVALID_PAGE_TOKEN")
    outbox.grant("EGAD1", "another")
    another = Client(outbox.url, outbox.token("another"))
    assert another.ask(f"/datasets/EGAD1/files?pageSize=1&pageToken={token}").problem == (400, "INVALID_PAGE_TOKEN")


def test_other_paths_and_methods_are_problems_too(outbox: OutboxHost, client: Client) -> None:
    assert client.ask("/nothing").problem == (404, "NOT_FOUND")
    answer = client.ask("/files/EGAF00000000001", method="DELETE")
    assert answer.problem == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_log_names_no_user_and_no_token(outbox: OutboxHost, client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    sample = outbox.offer(b"x")
    client.ask(f"/files/{sample.id}")
    client.ask(f"/files/{READER}")
    client.ask("/datasets/EGAD00000000000/files")
    Client(outbox.url, "secret.of.mine").ask("/datasets")
    log = "".join(capfd.readouterr())
    assert sample.id in log
    assert "ACCESS_DENIED" in log
    for secret in (READER, outbox.token().split(".")[0], "secret.of.mine", KEY):
        assert secret not in log
