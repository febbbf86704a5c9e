"""Header and content apart, parts of the plaintext, redirects, datasets and objects by their path."""

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from shared.storage.directory import DirectoryStore
from tests.integration.outbox.client import KEY, Client
from tests.integration.outbox.host import OutboxHost, decrypted

PLAIN = os.urandom(1_500_000)


def test_header_and_content_make_the_whole(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    header = client.ask(f"/files/{sample.accession}/header")
    content = client.ask(f"/files/{sample.accession}/content", key=None)
    assert header.body + content.body == client.ask(f"/files/{sample.id}").body
    assert decrypted(header.body + content.body) == PLAIN
    assert header.headers["sda-content-etag"] == content.headers["etag"]
    assert content.headers["etag"] == f'"{hashlib.sha256(content.body).hexdigest()}"'


@pytest.mark.parametrize("part", ["", "/header", "/content"])
def test_head_of_every_part_has_the_headers_of_get(outbox: OutboxHost, client: Client, part: str) -> None:
    sample = outbox.offer(PLAIN[:1000])
    got, head = (client.ask(f"/files/{sample.id}{part}", method=method) for method in ("GET", "HEAD"))
    changing = {"date", "x-correlation-id"}
    assert (head.status, head.body) == (200, b"")
    assert {n: v for n, v in head.headers.items() if n not in changing} == {
        n: v for n, v in got.headers.items() if n not in changing
    }


def test_same_stream_after_a_restart_and_from_another_process(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    first = client.ask(f"/files/{sample.id}")
    with outbox.up():
        second = Client(outbox.url, outbox.token()).ask(
            f"/files/{sample.id}", Range="bytes=70-", If_Range=first.headers["etag"]
        )
    assert second.status == 206
    assert first.body[:70] + second.body == first.body


@pytest.mark.parametrize(("start", "end"), [(0, 10), (65_530, 65_540), (131_072, 131_073), (1_499_990, 2_000_000)])
def test_coordinates_give_that_part_of_the_plaintext(outbox: OutboxHost, client: Client, start: int, end: int) -> None:
    sample = outbox.offer(PLAIN)
    query = f"startCoordinate={start}&endCoordinate={end}"
    whole = client.ask(f"/files/{sample.id}?{query}")
    assert decrypted(whole.body) == PLAIN[start:end]
    assert len(whole.body) < 400 + 2 * 65_564
    parts = [client.ask(f"/files/{sample.id}/{part}?{query}") for part in ("header", "content")]
    assert b"".join(part.body for part in parts) == whole.body
    assert whole.headers["etag"] != client.ask(f"/files/{sample.id}", method="HEAD").headers["etag"]


@pytest.mark.parametrize("query", ["startCoordinate=-1", "startCoordinate=5&endCoordinate=5", "endCoordinate=x"])
def test_coordinates_that_are_none_are_refused(outbox: OutboxHost, client: Client, query: str) -> None:
    sample = outbox.offer(PLAIN[:100])
    assert client.ask(f"/files/{sample.id}?{query}").problem == (400, "COORDINATES_INVALID")


def test_coordinates_behind_the_end_tell_the_size(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN[:100])
    answer = client.ask(f"/files/{sample.id}?startCoordinate=100")
    assert answer.problem == (416, "RANGE_NOT_SATISFIABLE")
    assert answer.headers["content-range"] == "bytes */100"


def test_ranges_of_content_are_slices(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    whole = client.ask(f"/files/{sample.id}/content", key=None).body
    for asked, wanted in (("bytes=0-0", whole[:1]), ("bytes=65564-", whole[65564:]), ("bytes=-9", whole[-9:])):
        part = client.ask(f"/files/{sample.id}/content", key=None, Range=asked)
        assert (part.status, part.body) == (206, wanted)
        assert part.headers["content-range"].endswith(f"/{sample.body_size}")


def test_content_is_handed_over_by_the_store_where_that_is_wanted(outbox: OutboxHost) -> None:
    sample = outbox.offer(PLAIN)
    with outbox.up(outbox_content="redirect", outbox_redirect_seconds=60):
        client = Client(outbox.url, outbox.token())
        answer = client.ask(f"/files/{sample.id}/content", key=None)
        if isinstance(outbox.archive, DirectoryStore):
            assert (answer.status, len(answer.body)) == (200, sample.body_size)
            return
        assert answer.status == 307
        address = answer.headers["location"]
        part = urllib.request.Request(address, headers={"Range": "bytes=5-9"})
        with urllib.request.urlopen(part) as got:
            assert (got.status, len(got.read())) == (206, 5)
        with urllib.request.urlopen(address) as got:
            header = client.ask(f"/files/{sample.id}/header").body
            assert decrypted(header + got.read()) == PLAIN
        assert "X-Amz-Expires=60" in address
        other = outbox.offer(b"x", "EGAD00000000002")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.replace(sample.id, other.id))
        # what is not the object itself is passed on
        assert client.ask(f"/files/{sample.id}").status == 200
        assert client.ask(f"/files/{sample.id}/content?endCoordinate=5", key=None).status == 200


def test_dataset_is_described(outbox: OutboxHost, client: Client) -> None:
    samples = [outbox.add_file(PLAIN[:100]), outbox.add_file(PLAIN[:200])]
    outbox.add_dataset("10.1234/a", *samples)
    outbox.grant("10.1234/a")
    for name in ("10.1234/a", "10.1234%2Fa"):
        answer = client.ask(f"/datasets/{name}").json
        assert answer.pop("date").endswith("Z")
        assert answer == {"datasetId": "10.1234/a", "files": 2, "size": sum(sample.body_size for sample in samples)}


def test_dataset_that_ends_like_a_list_can_be_described(outbox: OutboxHost, client: Client) -> None:
    outbox.offer(b"x", "10.1/files")
    assert client.ask("/datasets/10.1%2Ffiles").json["files"] == 1
    assert client.ask("/datasets/10.1/files").problem == (403, "ACCESS_DENIED")


def test_pages_below_a_prefix_hold_every_file_once(outbox: OutboxHost, client: Client) -> None:
    paths = ["b", "a/é", "a/z", "a/Z", "a/", "a/a", "a/z"]
    outbox.add_dataset("EGAD00000000001", *[outbox.add_file(b"x", path=path) for path in paths])
    outbox.grant("EGAD00000000001")
    seen: list[str] = []
    token = ""
    while token is not None:
        page = client.ask(f"/datasets/EGAD00000000001/files?pathPrefix=a/&pageSize=2&pageToken={token}").json
        seen += [file["filePath"] for file in page["files"]]
        token = page["nextPageToken"]
    assert seen == sorted(path for path in paths if path.startswith("a/"))


def test_files_are_found_by_path_and_prefix(outbox: OutboxHost, client: Client) -> None:
    paths = ["a/1.bam", "a/2.bam", "a_3.bam", "b/1.bam"]
    outbox.add_dataset("EGAD00000000001", *[outbox.add_file(b"x", path=path) for path in paths])
    outbox.grant("EGAD00000000001")

    def found(query: str) -> list[str]:
        return sorted(file["filePath"] for file in client.ask(f"/datasets/EGAD00000000001/files?{query}").json["files"])

    assert found("filePath=a/2.bam") == ["a/2.bam"]
    assert found("pathPrefix=a/") == ["a/1.bam", "a/2.bam"]
    assert found("pathPrefix=a_") == ["a_3.bam"]
    assert found("pathPrefix=%25") == found("filePath=none") == []
    list_of = "/datasets/EGAD00000000001/files"
    assert client.ask(f"{list_of}?filePath=a&pathPrefix=b").problem == (400, "FILTER_CONFLICT")
    assert client.ask(f"{list_of}?filePath=/a").problem == (400, "INVALID_FILE_PATH")
    assert client.ask(f"{list_of}?pathPrefix=%20").problem == (400, "INVALID_FILE_PATH")


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("EGAD00000000001", "EGAD00000000001/run 1/sample.bam.c4gh"),
        ("EGAD00000000001", "EGAD00000000001/run%201%2Fsample.bam.c4gh"),
        ("10.1234/x", "10.1234%2Fx/run%201/sample.bam.c4gh"),
        ("10.1234/x", "10.1234/x/run%201/sample.bam.c4gh"),
    ],
)
def test_file_is_an_object_of_its_dataset(outbox: OutboxHost, client: Client, dataset: str, path: str) -> None:
    sample = outbox.offer(PLAIN, dataset)
    shown = client.ask(f"/objects/{path.replace(' ', '%20')}").json
    content = client.ask(f"/files/{sample.id}/content", key=None).body
    assert shown["id"] == sample.accession
    assert shown["size"] == sample.body_size
    assert shown["checksums"] == [{"type": "sha-256", "checksum": hashlib.sha256(content).hexdigest()}]
    (way,) = shown["access_methods"]
    assert way["access_url"]["url"] == f"{outbox.url}/files/{sample.accession}/content"


def test_object_that_may_not_be_read_looks_missing(outbox: OutboxHost, client: Client) -> None:
    outbox.add_dataset("EGAD00000000001", outbox.add_file(b"x", path="a"))
    for path in ("EGAD00000000001/a", "EGAD00000000001/b", "none/a", "none/a%0Ab"):
        assert client.ask(f"/objects/{path}").problem == (403, "ACCESS_DENIED")
    assert client.ask("/objects/only").problem == (400, "INVALID_FILE_PATH")


def test_service_says_what_it_is_to_everybody(outbox: OutboxHost) -> None:
    stranger = Client(outbox.url, None)
    info = stranger.ask("/service-info", key=None).json
    assert info["type"]["group"] == "org.ga4gh"
    assert stranger.ask("/openapi.json", key=None).json["openapi"].startswith("3.")
    assert stranger.ask("/nothing", key=None).problem == (404, "NOT_FOUND")
    assert stranger.ask("/files/x", method="POST", key=None).problem == (405, "METHOD_NOT_ALLOWED")


def test_token_is_taken_where_s3_clients_put_it(outbox: OutboxHost, tmp_path: Path) -> None:
    sample = outbox.offer(b"x")
    stranger = Client(outbox.url, None)
    assert stranger.ask(f"/files/{sample.id}", X_Amz_Security_Token=outbox.token()).status == 200
    assert stranger.ask(f"/files/{sample.id}", X_Amz_Security_Token="none").problem == (401, "NOT_AUTHENTICATED")
    assert stranger.ask(f"/files/{sample.id}", Htsget_Context_Public_Key=KEY).problem == (401, "NOT_AUTHENTICATED")
