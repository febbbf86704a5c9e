"""Downloads: what comes out decrypts to what went in, whole, in ranges and after a break."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.outbox.client import KEY, Client
from tests.integration.outbox.host import OutboxHost, decrypted

PLAIN = os.urandom(1_500_000)


def until(promise: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not promise():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize("size", [0, 1, 65536, 524_288 - 124 - 8 * 28, 1_500_000])
def test_download_by_curl_decrypts_to_the_original(
    outbox: OutboxHost, client: Client, tmp_path: Path, size: int
) -> None:
    sample = outbox.offer(PLAIN[:size])
    target = tmp_path / "download.c4gh"
    done = client.curl(f"/files/{sample.accession}", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert target.stat().st_size == sample.size
    assert decrypted(target.read_bytes()) == PLAIN[:size]


def test_file_id_and_accession_id_name_the_same_file(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    by_id, by_accession = (client.ask(f"/files/{name}") for name in (sample.id, sample.accession))
    assert by_id.body == by_accession.body


def test_head_has_the_headers_of_get(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    got, head = (client.ask(f"/files/{sample.id}", method=method) for method in ("GET", "HEAD"))
    changing = {"date", "x-correlation-id"}
    assert head.headers.keys() == got.headers.keys()
    assert {n: v for n, v in head.headers.items() if n not in changing} == {
        n: v for n, v in got.headers.items() if n not in changing
    }
    assert (head.status, head.body) == (200, b"")
    assert got.headers["content-length"] == str(sample.size)
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"] == 'attachment; filename="sample.bam.c4gh"'
    assert got.headers["accept-ranges"] == "bytes"
    assert "server" not in got.headers


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-123", 0, 124),
        ("bytes=100-199", 100, 200),
        ("bytes=124-", 124, None),
        ("bytes=300000-900000", 300_000, 900_001),
        ("bytes=-1", -1, None),
        ("bytes=-99999999", 0, None),
        ("bytes=5-99999999", 5, None),
    ],
)
def test_ranges_are_slices_of_the_whole(
    outbox: OutboxHost, client: Client, asked: str, start: int, stop: int | None
) -> None:
    sample = outbox.offer(PLAIN)
    whole = client.ask(f"/files/{sample.id}")
    part = client.ask(f"/files/{sample.id}", Range=asked)
    wanted = whole.body[start:stop]
    assert part.status == 206
    assert part.body == wanted
    assert part.headers["content-length"] == str(len(wanted))
    begin = start if start >= 0 else sample.size + start
    assert part.headers["content-range"] == f"bytes {begin}-{begin + len(wanted) - 1}/{sample.size}"
    assert part.headers["etag"] == whole.headers["etag"]


def test_range_beyond_the_end_tells_the_size(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    answer = client.ask(f"/files/{sample.id}", Range=f"bytes={sample.size}-")
    assert answer.problem == (416, "RANGE_NOT_SATISFIABLE")
    assert answer.headers["content-range"] == f"bytes */{sample.size}"


def test_several_ranges_are_refused(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    assert client.ask(f"/files/{sample.id}", Range="bytes=0-1,4-5").problem == (400, "RANGE_INVALID")


def test_broken_download_resumes_to_equal_bytes(outbox: OutboxHost, client: Client, tmp_path: Path) -> None:
    sample = outbox.offer(PLAIN)
    target = tmp_path / "download.c4gh"
    target.write_bytes(client.ask(f"/files/{sample.id}", Range="bytes=0-700000").body)
    done = client.curl(f"/files/{sample.id}", target, "--continue-at", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert decrypted(target.read_bytes()) == PLAIN


def test_if_range_gives_the_rest_or_all_anew(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    tag = client.ask(f"/files/{sample.id}", method="HEAD").headers["etag"]
    assert client.ask(f"/files/{sample.id}", Range="bytes=9-", If_Range=tag).status == 206
    anew = client.ask(f"/files/{sample.id}", Range="bytes=9-", If_Range='"another"')
    assert (anew.status, decrypted(anew.body)) == (200, PLAIN)


def test_tags_differ_between_files_and_readers(outbox: OutboxHost, client: Client) -> None:
    samples = [outbox.offer(PLAIN[:10], "EGAD00000000001"), outbox.offer(PLAIN[:10], "EGAD00000000002")]
    other = "".join(reversed(KEY[:-1])) + "="
    tags = {
        client.ask(f"/files/{sample.id}", method="HEAD", key=key).headers["etag"]
        for sample in samples
        for key in (KEY, other)
    }
    assert len(tags) == 4


def test_finished_download_is_an_event_with_its_bytes(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    client.ask(f"/files/{sample.id}")
    client.ask(f"/files/{sample.id}", Range="bytes=0-9")
    client.ask(f"/files/{sample.id}", method="HEAD")
    until(lambda: len(outbox.downloads(sample)) == 2)
    assert outbox.downloads(sample) == [f"{sample.size} bytes", "10 bytes"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/grüße ☃.bam", "attachment; filename=\"gr__e _.bam\"; filename*=UTF-8''gr%C3%BC%C3%9Fe%20%E2%98%83.bam"),
        ('x";y=\\.bam', "attachment; filename=\"x_;y=_.bam\"; filename*=UTF-8''x%22%3By%3D%5C.bam"),
        ("line\r\nbreak", "attachment; filename=\"line__break\"; filename*=UTF-8''line%0D%0Abreak"),
    ],
)
def test_odd_names_are_safe_in_the_header(outbox: OutboxHost, client: Client, path: str, expected: str) -> None:
    sample = outbox.add_file(b"x", path=path)
    outbox.add_dataset("EGAD00000000009", sample)
    outbox.grant("EGAD00000000009")
    answer = client.ask(f"/files/{sample.id}", method="HEAD")
    assert answer.headers["content-disposition"] == expected


def test_correlation_id_is_echoed_or_made(outbox: OutboxHost, client: Client) -> None:
    own = client.ask("/health/live", X_Correlation_ID="run-17").headers["x-correlation-id"]
    made = client.ask("/health/live", X_Correlation_ID="someone@example.org").headers["x-correlation-id"]
    assert own == "run-17"
    assert re.fullmatch(r"[0-9a-f-]{36}", made)


def test_lists_show_datasets_files_and_checksums(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(PLAIN)
    assert client.ask("/datasets").json == {"datasets": ["EGAD00000000001"], "nextPageToken": None}
    answer = client.ask("/datasets/EGAD00000000001/files").json
    assert answer == {
        "files": [
            {
                "fileId": sample.accession,
                "filePath": "run 1/sample.bam.c4gh",
                "size": sample.body_size,
                "decryptedSize": len(PLAIN),
                "checksums": [
                    {"type": "sha256", "checksum": hashlib.sha256(PLAIN).hexdigest()},
                    {"type": "md5", "checksum": hashlib.md5(PLAIN).hexdigest()},
                ],
                "downloadUrl": f"/files/{sample.accession}",
            }
        ],
        "nextPageToken": None,
    }
    assert len(client.ask(answer["files"][0]["downloadUrl"] + "/content").body) == answer["files"][0]["size"]


@pytest.mark.parametrize(
    "path", ["/datasets/https://doi.org/10.1/files/files", "/datasets/https%3A%2F%2Fdoi.org%2F10.1%2Ffiles/files"]
)
def test_dataset_ids_may_hold_slashes(outbox: OutboxHost, client: Client, path: str) -> None:
    outbox.offer(b"x", "https://doi.org/10.1/files")
    assert len(client.ask(path).json["files"]) == 1


def test_pages_hold_every_file_once(outbox: OutboxHost, client: Client) -> None:
    samples = [outbox.add_file(b"x", path=f"{number}") for number in range(7)]
    outbox.add_dataset("EGAD00000000001", *samples)
    outbox.grant("EGAD00000000001")
    seen: list[str] = []
    token = ""
    for _ in range(3):
        page = client.ask(f"/datasets/EGAD00000000001/files?pageSize=3&pageToken={token}").json
        seen += [file["fileId"] for file in page["files"]]
        token = page["nextPageToken"]
    assert token is None
    assert sorted(seen) == sorted(sample.accession for sample in samples)


def test_pages_hold_every_dataset_once(outbox: OutboxHost, client: Client) -> None:
    names = [f"EGAD{number:011}" for number in range(5)]
    for name in names:
        outbox.add_dataset(name)
        outbox.grant(name)
    first = client.ask("/datasets?pageSize=3").json
    rest = client.ask(f"/datasets?pageSize=3&pageToken={first['nextPageToken']}").json
    assert first["datasets"] + rest["datasets"] == names
    assert rest["nextPageToken"] is None


def test_empty_dataset_has_an_empty_list(outbox: OutboxHost, client: Client) -> None:
    outbox.add_dataset("EGAD00000000001")
    outbox.grant("EGAD00000000001")
    assert client.ask("/datasets/EGAD00000000001/files").json == {"files": [], "nextPageToken": None}


def test_health_names_what_is_checked(outbox: OutboxHost) -> None:
    stranger = Client(outbox.url, None)
    assert stranger.ask("/health/live").json == {"status": "ok"}
    ready = stranger.ask("/health/ready")
    assert (ready.status, ready.json) == (200, {"status": "ok", "services": {"database": "ok", "archive": "ok"}})
