"""What is not right leaves no object, no message, and tells its client why."""

import base64
import hashlib
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.access.buckets import bucket_of
from shared.crypto.header import seal_header
from shared.crypto.keys import generate, write_key_pair
from tests.integration.inbox.clients import Client
from tests.integration.inbox_s3.clients import Account
from tests.integration.inbox_s3.host import MIB, Replicas, Terrain
from tests.integration.inbox_s3.raw import opened, presigned_url, send, signed_headers
from tests.stack.process import wait_until

USER = "ann"
UNSIGNED = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
BODY = os.urandom(3 * MIB + 17)


def url(inbox: Replicas, key: str = "a.c4gh", user: str = USER) -> str:
    return f"{inbox.endpoint}/{bucket_of(user)}/{key}"


def nothing_is_left(inbox: Replicas) -> None:
    def clean() -> bool:
        return not inbox.objects() and not inbox.first.rows("SELECT 1 FROM uploads")

    wait_until(clean, within=20, what="something is left of a refused upload")
    assert inbox.first.messages() == []
    assert set(inbox.states("a.c4gh")) <= {"cancelled"}


@pytest.mark.parametrize("place", [0, len(BODY) // 2, len(BODY) - 1])
def test_changed_byte_of_a_signed_body_leaves_no_object(inbox: Replicas, place: int) -> None:
    headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), body=BODY)
    changed = bytearray(BODY)
    changed[place] ^= 1
    status, code, document = send("PUT", url(inbox), headers, bytes(changed))
    assert (status, code) == (400, "XAmzContentSHA256Mismatch")
    assert b"a.c4gh: " in document
    nothing_is_left(inbox)


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("Content-MD5", base64.b64encode(hashlib.md5(b"other").digest()).decode(), "BadDigest"),
        ("x-amz-checksum-sha256", base64.b64encode(hashlib.sha256(b"other").digest()).decode(), "BadDigest"),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest"),
        ("Content-MD5", "short", "InvalidDigest"),
    ],
)
def test_body_that_does_not_fit_its_checksum_leaves_no_object(
    inbox: Replicas, header: str, value: str, code: str
) -> None:
    headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), {**UNSIGNED, header: value})
    assert send("PUT", url(inbox), headers, BODY)[1] == code
    nothing_is_left(inbox)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_every_checksum_of_boto3_is_checked_and_given_back(
    embedded_terrain: Terrain, tmp_path: Path, algorithm: str, certificate: tuple[Path, Path]
) -> None:
    with embedded_terrain.inboxes(certificate=certificate) as inbox:
        client = Account(inbox.endpoint, inbox.credentials(USER), bucket_of(USER), tmp_path, inbox.certificate).boto3()
        answer = client.put_object(Bucket=bucket_of(USER), Key="a.c4gh", Body=BODY, ChecksumAlgorithm=algorithm)
        assert answer[f"Checksum{algorithm}"]
        assert inbox.states("a.c4gh") == ["uploaded"]


def test_client_that_waits_for_our_word_is_refused_before_it_sends(inbox: Replicas) -> None:
    wrong = replace(inbox.credentials(USER), secret_key="wrong")
    headers = signed_headers(wrong, "PUT", url(inbox), UNSIGNED)
    with opened("PUT", url(inbox), {**headers, "Content-Length": "5000000000", "Expect": "100-continue"}) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 403")
    nothing_is_left(inbox)


def test_client_that_waits_for_our_word_gets_it(inbox: Replicas) -> None:
    headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), UNSIGNED)
    with opened("PUT", url(inbox), {**headers, "Content-Length": "3", "Expect": "100-continue"}) as connection:
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert inbox.states("a.c4gh") == ["uploaded"]


def test_client_that_dies_leaves_nothing(inbox: Replicas) -> None:
    headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), UNSIGNED)
    with opened("PUT", url(inbox), {**headers, "Content-Length": str(len(BODY))}) as connection:
        connection.sendall(BODY[: 2 * MIB])
        wait_until(lambda: bool(inbox.states("a.c4gh")), within=20, what="the upload does not begin")
    wait_until(lambda: inbox.states("a.c4gh") == ["cancelled"], within=20, what="the upload is not given up")
    nothing_is_left(inbox)


def test_client_that_falls_silent_is_cut_off(embedded_terrain: Terrain) -> None:
    with embedded_terrain.inboxes(s3_gap_seconds=0.5) as inbox:
        headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), UNSIGNED)
        with opened("PUT", url(inbox), {**headers, "Content-Length": str(len(BODY))}) as connection:
            connection.sendall(BODY[:MIB])
            assert b"RequestTimeout" in connection.recv(4000)
        nothing_is_left(inbox)


def test_length_has_to_be_told_beforehand(inbox: Replicas) -> None:
    headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), UNSIGNED)
    answer = send("PUT", url(inbox), {**headers, "Transfer-Encoding": "chunked"}, iter([b"3\r\nabc\r\n0\r\n\r\n"]))
    assert answer[:2] == (411, "MissingContentLength")
    nothing_is_left(inbox)


def test_head_that_is_too_long_is_refused(inbox: Replicas) -> None:
    headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), UNSIGNED)
    assert send("PUT", url(inbox), {**headers, "x-long": "a" * 100_000}, b"abc")[0] == 431


def test_signed_url_uploads_and_nothing_else(inbox: Replicas) -> None:
    address = presigned_url(inbox.credentials(USER), "PUT", url(inbox))
    assert send("PUT", address, {}, b"abc")[0] == 200
    assert send("DELETE", address, {})[1] == "SignatureDoesNotMatch"
    assert send("PUT", address.replace("a.c4gh", "b.c4gh"), {}, b"abc")[1] == "SignatureDoesNotMatch"
    assert inbox.states("a.c4gh") == ["uploaded"]


def test_credentials_end(inbox: Replicas) -> None:
    ended = inbox.credentials(USER, ttl=timedelta(seconds=-1))
    assert send("PUT", url(inbox), signed_headers(ended, "PUT", url(inbox)), b"")[1] == "InvalidAccessKeyId"
    unknown = replace(ended, access_key="A" * 24)
    assert send("PUT", url(inbox), signed_headers(unknown, "PUT", url(inbox)), b"")[1] == "InvalidAccessKeyId"


def test_disabled_user_is_out(inbox: Replicas) -> None:
    headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), UNSIGNED)
    token = {"Authorization": f"Bearer {inbox.token(USER)}"}
    inbox.first.disable(USER)
    assert send("PUT", url(inbox), headers, b"a")[1] == "InvalidAccessKeyId"
    assert send("PUT", url(inbox), token, b"a")[:2] == (401, "InvalidToken")


def test_bearer_uploads_to_the_own_bucket_only(inbox: Replicas) -> None:
    token = {"Authorization": f"Bearer {inbox.token(USER)}"}
    assert send("PUT", url(inbox), token, b"a")[0] == 200
    assert send("PUT", url(inbox, user="bob"), token, b"a")[1] == "AccessDenied"
    late = {"Authorization": f"Bearer {inbox.token(USER, timedelta(minutes=-5))}"}
    assert send("PUT", url(inbox), late, b"a")[:2] == (401, "InvalidToken")
    assert send("PUT", url(inbox), {"x-amz-security-token": "nonsense"}, b"a")[:2] == (401, "InvalidToken")
    assert send("PUT", url(inbox), {}, b"a")[1] == "AccessDenied"


def test_quota_is_kept_and_told(terrain: Terrain, tmp_path: Path) -> None:
    with terrain.inboxes(inbox_quota=6 * MIB) as inbox:
        mine = Account(inbox.endpoint, inbox.credentials(USER), USER, tmp_path).boto3()
        mine.put_object(Bucket=USER, Key="a.c4gh", Body=b"a" * MIB)
        begun = mine.create_multipart_upload(Bucket=USER, Key="b.c4gh")["UploadId"]
        part = {"Bucket": USER, "Key": "b.c4gh", "UploadId": begun}
        mine.upload_part(**part, PartNumber=1, Body=b"b" * 5 * MIB)
        with pytest.raises(mine.exceptions.ClientError, match="QuotaExceeded"):
            mine.upload_part(**part, PartNumber=2, Body=b"b")
        with pytest.raises(mine.exceptions.ClientError, match="QuotaExceeded"):
            mine.put_object(Bucket=USER, Key="c.c4gh", Body=b"c")
        mine.abort_multipart_upload(**part)
        mine.put_object(Bucket=USER, Key="c.c4gh", Body=b"c")


def test_user_with_too_many_bodies_at_once_is_asked_to_wait(embedded_terrain: Terrain) -> None:
    with embedded_terrain.inboxes(s3_bodies_per_user=1) as inbox:
        headers = signed_headers(inbox.credentials(USER), "PUT", url(inbox), UNSIGNED)
        other = signed_headers(inbox.credentials(USER), "PUT", url(inbox, "b.c4gh"), UNSIGNED)
        with opened("PUT", url(inbox), {**headers, "Content-Length": "3"}) as connection:
            wait_until(lambda: bool(inbox.states("a.c4gh")), within=20, what="the upload does not begin")
            assert send("PUT", url(inbox, "b.c4gh"), other, b"b")[:2] == (503, "SlowDown")
            connection.sendall(b"abc")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert send("PUT", url(inbox, "b.c4gh"), other, b"b")[0] == 200


def test_file_for_another_archive_is_refused_with_the_fingerprint_of_the_right_key(
    embedded_terrain: Terrain, tmp_path: Path
) -> None:
    ours, theirs = generate(), generate()
    write_key_pair(ours, tmp_path / "ours.sec", tmp_path / "ours.pub", None)
    right, wrong = (seal_header([bytes(32)], [key.public]) + b"x" * 1000 for key in (ours, theirs))
    with embedded_terrain.inboxes(inbox_header_keys=[tmp_path / "ours.sec"]) as inbox:
        mine = Account(inbox.endpoint, inbox.credentials(USER), USER, tmp_path).boto3()
        for body, reason in ((wrong, ours.fingerprint), (b"plain text" * 100, "Crypt4GH"), (right[:50], "Crypt4GH")):
            with pytest.raises(mine.exceptions.ClientError, match=reason):
                mine.put_object(Bucket=USER, Key="a.c4gh", Body=body)
        begun = mine.create_multipart_upload(Bucket=USER, Key="a.c4gh")["UploadId"]
        with pytest.raises(mine.exceptions.ClientError, match=ours.fingerprint):
            mine.upload_part(Bucket=USER, Key="a.c4gh", UploadId=begun, PartNumber=1, Body=wrong)
        mine.abort_multipart_upload(Bucket=USER, Key="a.c4gh", UploadId=begun)
        nothing_is_left(inbox)
        mine.put_object(Bucket=USER, Key="a.c4gh", Body=right)


def test_sftp_refuses_a_file_for_another_archive_too(
    embedded_terrain: Terrain, tmp_path: Path, ssh_keys: dict[str, Path]
) -> None:
    ours = generate()
    write_key_pair(ours, tmp_path / "ours.sec", tmp_path / "ours.pub", None)
    (tmp_path / "wrong.c4gh").write_bytes(seal_header([bytes(32)], [generate().public]) + b"x" * 1000)
    (tmp_path / "right.c4gh").write_bytes(seal_header([bytes(32)], [ours.public]) + b"x" * 1000)
    with embedded_terrain.inboxes(inbox_header_keys=[tmp_path / "ours.sec"]) as inbox:
        inbox.first.add_user(USER, ssh_keys["known"])
        client = Client(tmp_path, inbox.first.host, inbox.first.port, ssh_keys["known"])
        # OpenSSH's sftp keeps our words to itself
        assert "Failure" in client.sftp(USER, "put wrong.c4gh").stderr
        assert client.sftp(USER, "put right.c4gh").returncode == 0
        assert inbox.states("right.c4gh") == ["uploaded"]
        assert inbox.states("wrong.c4gh") == ["registered"]
