"""Unmodified clients upload, list and remove; plain and over TLS, on every store."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from shared.access.buckets import bucket_of
from tests.integration.inbox_s3.clients import CLIENTS, Account, done
from tests.integration.inbox_s3.host import MIB, Replicas, Terrain, sha256

USER = "ann@example.org"


def account(inbox: Replicas, folder: Path, user: str = USER) -> Account:
    return Account(inbox.endpoint, inbox.credentials(user), bucket_of(user), folder, inbox.certificate)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_every_client_uploads_small_and_large_files_that_arrive_as_they_are(
    any_terrain: Terrain, certificate: tuple[Path, Path], tmp_path: Path, *, secure: bool
) -> None:
    small, large = os.urandom(70_000), os.urandom(12 * MIB)
    (tmp_path / "small.c4gh").write_bytes(small)
    (tmp_path / "large.c4gh").write_bytes(large)
    with any_terrain.inboxes(certificate=certificate if secure else None) as inbox:
        mine = account(inbox, tmp_path)
        for name, kit in CLIENTS.items():
            kit.upload(mine, tmp_path / "small.c4gh", f"{name}/small.c4gh")
            kit.upload(mine, tmp_path / "large.c4gh", f"{name}/large one.c4gh")
        wanted = {f"{name}/{file}" for name in CLIENTS for file in ("small.c4gh", "large one.c4gh")}
        for name, kit in CLIENTS.items():
            assert kit.names(mine) == wanted, name
        for path in wanted:
            expected = small if path.endswith("small.c4gh") else large
            assert inbox.first.stored_sha256(path) == sha256(expected), path
        assert len(inbox.first.messages()) == len(wanted)


def test_digest_of_a_file_in_one_piece_is_told_and_that_of_one_in_parts_is_left_to_verify(
    inbox: Replicas, tmp_path: Path
) -> None:
    data = os.urandom(70_000)
    client = account(inbox, tmp_path).boto3()
    client.put_object(Bucket=bucket_of(USER), Key="small.c4gh", Body=data)
    assert inbox.first.digests("small.c4gh") == {"sha256": sha256(data)}
    [told] = inbox.first.messages()
    assert f'"value":"{sha256(data)}"' in told.replace(" ", "")
    assert '"user":"ann@example.org"' in told.replace(" ", "")
    assert '"filepath":"ann_example.org/small.c4gh"' in told.replace(" ", "")


def test_client_that_was_stopped_goes_on_with_the_parts_that_are_there(inbox: Replicas, tmp_path: Path) -> None:
    data = os.urandom(12 * MIB)
    (tmp_path / "a.c4gh").write_bytes(data)
    mine = account(inbox, tmp_path)
    client = mine.boto3()
    begun = client.create_multipart_upload(Bucket=mine.bucket, Key="a.c4gh")["UploadId"]
    client.upload_part(Bucket=mine.bucket, Key="a.c4gh", UploadId=begun, PartNumber=1, Body=data[: 5 * MIB])
    listed = done(mine.s3cmd("multipart", f"s3://{mine.bucket}"))
    assert begun in listed
    done(mine.s3cmd("put", "--continue-put", f"--upload-id={begun}", "a.c4gh", f"s3://{mine.bucket}/a.c4gh"))
    assert inbox.first.stored_sha256("a.c4gh") == sha256(data)
    assert len(inbox.first.messages()) == 1
    assert inbox.states("a.c4gh") == ["uploaded"]


def test_clients_are_told_what_is_refused_and_why(inbox: Replicas, tmp_path: Path) -> None:
    (tmp_path / "a.c4gh").write_bytes(b"a")
    mine, others = account(inbox, tmp_path), account(inbox, tmp_path, "bob")
    refusals = [
        mine.s3cmd("put", "a.c4gh", f"s3://{others.bucket}/a.c4gh"),
        mine.aws("s3", "cp", "a.c4gh", f"s3://{others.bucket}/a.c4gh"),
    ]
    # it asks by HEAD first, whose answer has no words
    assert mine.rclone("copyto", "--s3-no-check-bucket", "a.c4gh", f"inbox:{others.bucket}/a.c4gh").returncode != 0
    for refused in refusals:
        assert refused.returncode != 0
        assert "yours is called ann-40example-2eorg" in refused.stdout + refused.stderr
    done(mine.s3cmd("put", "a.c4gh", f"s3://{mine.bucket}/a.c4gh"))
    assert (
        "gives out no file"
        in mine.aws("s3", "cp", f"s3://{mine.bucket}/a.c4gh", "b").stderr
        + mine.s3cmd("get", "--force", f"s3://{mine.bucket}/a.c4gh", "b").stderr
    )
    assert inbox.first.files("a.c4gh") == [("uploaded", 1, True)]


def test_removed_files_are_told_once(inbox: Replicas, tmp_path: Path) -> None:
    for name in ("a.c4gh", "b.c4gh", "c.c4gh"):
        (tmp_path / name).write_bytes(b"x")
    mine = account(inbox, tmp_path)
    done(mine.s3cmd("put", "a.c4gh", "b.c4gh", "c.c4gh", f"s3://{mine.bucket}/d/"))
    done(mine.s3cmd("del", f"s3://{mine.bucket}/d/a.c4gh"))
    done(mine.rclone("deletefile", f"inbox:{mine.bucket}/d/b.c4gh"))
    done(mine.aws("s3", "rm", f"s3://{mine.bucket}/d/c.c4gh"))
    done(mine.aws("s3", "rm", f"s3://{mine.bucket}/d/c.c4gh"))
    told = [message for message in inbox.first.messages() if '"remove"' in message]
    assert len(told) == 3
    assert CLIENTS["aws"].names(mine) == set()


def test_bucket_is_found_by_the_incumbents_name_too(inbox: Replicas, tmp_path: Path) -> None:
    (tmp_path / "a.c4gh").write_bytes(b"a")
    mine = account(inbox, tmp_path)
    done(mine.s3cmd("put", "a.c4gh", "s3://ann_example.org/a.c4gh"))
    assert "s3://ann-40example-2eorg/a.c4gh" in done(mine.s3cmd("ls", f"s3://{mine.bucket}"))
    assert "s3://ann-40example-2eorg" in done(mine.s3cmd("ls"))


def test_token_alone_lets_the_incumbents_clients_in(inbox: Replicas, tmp_path: Path) -> None:
    (tmp_path / "a.c4gh").write_bytes(b"a")
    # as the incumbent gives them out: keys that say nothing, and a token that says all
    strange = replace(inbox.credentials("bob"), access_key="ann", secret_key="ann")
    mine = Account(inbox.endpoint, strange, "ann_example.org", tmp_path, token=inbox.token(USER))
    done(mine.s3cmd("put", "a.c4gh", f"s3://{mine.bucket}/a.c4gh"))
    mine.boto3().put_object(Bucket=mine.bucket, Key="b.c4gh", Body=b"b")
    mine.minio().fput_object(mine.bucket, "c.c4gh", str(tmp_path / "a.c4gh"))
    assert CLIENTS["s3cmd"].names(mine) == {"a.c4gh", "b.c4gh", "c.c4gh"}
