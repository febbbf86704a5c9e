"""Uploads in parts and over several replicas: told exactly once, whatever happens between."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.inbox.begin import register
from services.inbox.inbox import Inbox
from services.inbox.queries import Protocol
from shared.database.types import now
from shared.identifiers import FileId, new_file_id
from tests.integration.inbox_s3.clients import Account
from tests.integration.inbox_s3.host import MIB, Replicas, Terrain, sha256

USER = "ann"


def boto3(inbox: Replicas, folder: Path, replica: int = 0) -> Any:
    return Account(inbox.endpoints[replica], inbox.credentials(USER), USER, folder).boto3(max_pool_connections=50)


def told(inbox: Replicas, operation: str) -> int:
    return sum(f'"operation":"{operation}"' in message.replace(" ", "") for message in inbox.first.messages())


def begun(inbox: Inbox, path: str) -> FileId:
    """Register a file that comes in one piece, and nothing more."""
    file_id = new_file_id()
    inbox.settle(lambda _, unit: register(unit, file_id, USER, path, protocol=Protocol.S3))
    return file_id


def test_fifty_overwrites_over_three_replicas_are_told_once_each(real_terrain: Terrain, tmp_path: Path) -> None:
    with real_terrain.inboxes(3) as inbox:
        clients = [boto3(inbox, tmp_path, replica) for replica in range(3)]
        bodies = [os.urandom(10_000) for _ in range(50)]

        def put(number: int) -> None:
            clients[number % 3].put_object(Bucket=USER, Key="a.c4gh", Body=bodies[number])

        with ThreadPoolExecutor(50) as pool:
            list(pool.map(put, range(50)))
        assert told(inbox, "upload") == 50
        assert told(inbox, "remove") == 49
        assert sorted(inbox.states("a.c4gh")) == ["cancelled"] * 49 + ["uploaded"]
        assert inbox.first.stored_sha256("a.c4gh") in {sha256(body) for body in bodies}


def test_parts_go_to_any_replica_and_on_after_all_were_started_anew(terrain: Terrain, tmp_path: Path) -> None:
    data = os.urandom(11 * MIB)
    pieces = [data[begin : begin + 5 * MIB] for begin in range(0, len(data), 5 * MIB)]
    parts = []
    with terrain.inboxes(2) as inbox:
        begun = boto3(inbox, tmp_path).create_multipart_upload(Bucket=USER, Key="a.c4gh")["UploadId"]
        where = {"Bucket": USER, "Key": "a.c4gh", "UploadId": begun}
        for number in (2, 1):
            stored = boto3(inbox, tmp_path, number - 1).upload_part(**where, PartNumber=number, Body=pieces[number - 1])
            parts.append({"PartNumber": number, "ETag": stored["ETag"]})
    with terrain.inboxes(2) as inbox:
        client = boto3(inbox, tmp_path, 1)
        assert [part["PartNumber"] for part in client.list_parts(**where)["Parts"]] == [1, 2]
        stored = client.upload_part(**where, PartNumber=3, Body=pieces[2])
        parts.append({"PartNumber": 3, "ETag": stored["ETag"]})
        whole = {"Parts": sorted(parts, key=lambda part: part["PartNumber"])}
        first = client.complete_multipart_upload(**where, MultipartUpload=whole)
        again = boto3(inbox, tmp_path).complete_multipart_upload(**where, MultipartUpload=whole)
        assert first["ETag"] == again["ETag"]
        assert inbox.first.stored_sha256("a.c4gh") == sha256(data)
        assert told(inbox, "upload") == 1


def test_parts_that_do_not_make_a_file_are_refused(inbox: Replicas, tmp_path: Path) -> None:
    client = boto3(inbox, tmp_path)
    begun = client.create_multipart_upload(Bucket=USER, Key="a.c4gh")["UploadId"]
    where = {"Bucket": USER, "Key": "a.c4gh", "UploadId": begun}
    tags = [client.upload_part(**where, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)]

    def refused(code: str, *parts: tuple[int, str]) -> None:
        listed = [{"PartNumber": number, "ETag": tag} for number, tag in parts]
        with pytest.raises(client.exceptions.ClientError, match=code):
            client.complete_multipart_upload(**where, MultipartUpload={"Parts": listed})

    refused("InvalidPartOrder", (2, tags[1]), (1, tags[0]))
    refused("InvalidPart", (1, tags[0]), (3, tags[0]))
    refused("InvalidPart", (1, '"0123"'))
    refused("EntityTooSmall", (1, tags[0]), (2, tags[1]))
    for number in (0, 10_001):
        with pytest.raises(client.exceptions.ClientError, match="InvalidArgument"):
            client.upload_part(**where, PartNumber=number, Body=b"x")
    client.abort_multipart_upload(**where)
    with pytest.raises(client.exceptions.ClientError, match="NoSuchUpload"):
        client.upload_part(**where, PartNumber=1, Body=b"x")
    assert inbox.states("a.c4gh") == ["cancelled"]
    assert told(inbox, "upload") == 0


def test_upload_of_another_user_or_name_is_not_found(inbox: Replicas, tmp_path: Path) -> None:
    begun = boto3(inbox, tmp_path).create_multipart_upload(Bucket=USER, Key="a.c4gh")["UploadId"]
    eve = Account(inbox.endpoint, inbox.credentials("eve"), "eve", tmp_path).boto3()
    for client, bucket, key in ((eve, "eve", "a.c4gh"), (boto3(inbox, tmp_path), USER, "b.c4gh")):
        with pytest.raises(client.exceptions.ClientError, match="NoSuchUpload"):
            client.upload_part(Bucket=bucket, Key=key, UploadId=begun, PartNumber=1, Body=b"x")


def test_file_whose_process_was_killed_before_it_was_recorded_is_told_once(inbox: Replicas, tmp_path: Path) -> None:
    host = inbox.first
    ground = host.reconciler._inbox
    boto3(inbox, tmp_path)
    # what a kill between the store's completion and the commit leaves: an object, and an unfinished upload
    file_id = begun(ground, "a.c4gh")
    ground.store.put(file_id, _Bytes(b"abc"), 3)
    host.reconciler.reconcile(now() + timedelta(minutes=5))
    host.reconciler.reconcile(now() + timedelta(minutes=6))
    assert inbox.states("a.c4gh") == ["uploaded"]
    assert told(inbox, "upload") == 1


def test_file_that_its_client_has_sent_again_is_not_replaced_by_the_older_one(inbox: Replicas, tmp_path: Path) -> None:
    host = inbox.first
    ground = host.reconciler._inbox
    client = boto3(inbox, tmp_path)
    file_id = begun(ground, "a.c4gh")
    ground.store.put(file_id, _Bytes(b"old"), 3)
    client.put_object(Bucket=USER, Key="a.c4gh", Body=b"new one")
    host.reconciler.reconcile(now() + timedelta(minutes=5))
    assert host.stored_sha256("a.c4gh") == sha256(b"new one")
    assert told(inbox, "upload") == 1


def test_multipart_upload_completed_before_a_kill_is_completed_by_asking_again(inbox: Replicas, tmp_path: Path) -> None:
    client, store = boto3(inbox, tmp_path), inbox.first.store
    begun = client.create_multipart_upload(Bucket=USER, Key="a.c4gh")["UploadId"]
    where = {"Bucket": USER, "Key": "a.c4gh", "UploadId": begun}
    tag = client.upload_part(**where, PartNumber=1, Body=b"abc")["ETag"]
    [(upload_id,)] = inbox.first.rows("SELECT upload_id FROM uploads")
    store.complete_upload(begun, upload_id, store.list_parts(begun, upload_id))
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    assert inbox.states("a.c4gh") == ["uploaded"]
    assert told(inbox, "upload") == 1


def test_upload_that_nobody_goes_on_with_is_dropped_with_an_event(inbox: Replicas, tmp_path: Path) -> None:
    client = boto3(inbox, tmp_path)
    begun = client.create_multipart_upload(Bucket=USER, Key="a.c4gh")["UploadId"]
    client.upload_part(Bucket=USER, Key="a.c4gh", UploadId=begun, PartNumber=1, Body=b"abc")
    assert client.list_multipart_uploads(Bucket=USER)["Uploads"][0]["UploadId"] == begun
    inbox.first.reconciler.reconcile(now() + timedelta(days=13))
    assert inbox.states("a.c4gh") == ["registered"]
    inbox.first.reconciler.reconcile(now() + timedelta(days=15))
    assert inbox.states("a.c4gh") == ["cancelled"]
    assert ("abandoned",) in inbox.first.rows("SELECT event FROM events")
    assert "Uploads" not in client.list_multipart_uploads(Bucket=USER)
    assert not list(inbox.first.store.unfinished_uploads())


def test_file_in_the_archive_is_not_removed_by_s3(inbox: Replicas, tmp_path: Path) -> None:
    client = boto3(inbox, tmp_path)
    client.put_object(Bucket=USER, Key="a.c4gh", Body=b"abc")
    with inbox.first.database.write() as connection:
        connection.exec_driver_sql("UPDATE files SET state = 'archived'")
    with pytest.raises(client.exceptions.ClientError, match="in the archive already"):
        client.delete_object(Bucket=USER, Key="a.c4gh")
    told_of = client.delete_objects(Bucket=USER, Delete={"Objects": [{"Key": "a.c4gh"}, {"Key": "b.c4gh"}]})
    assert [error["Key"] for error in told_of["Errors"]] == ["a.c4gh"]
    assert told(inbox, "remove") == 0


class _Bytes:
    def __init__(self, rest: bytes) -> None:
        self._rest = rest

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
