"""Promises of the S3 store alone, on MinIO and on Ceph."""

import hashlib
import io
import time
import urllib.error
import urllib.request
import uuid
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from shared.storage.errors import ObjectMissing, StoreRefused, StoreUnavailable
from shared.storage.port import ObjectStore, Stat
from shared.storage.s3 import S3Store
from shared.storage.settings import S3Settings, open_store
from shared.storage.sizes import MIB
from tests.contract.storage.kit import Bucket, body_of, drained, eventually, get, head, put
from tests.contract.storage.proxy import proxy_to, self_signed


def address(bucket: Bucket) -> str:
    return bucket.server.endpoint.rpartition("//")[2]


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
    return body


def refusal(url: str) -> int:
    """Status with which the server refuses a URL; 200 if it does not."""
    try:
        fetched(url)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    return 200


def test_a_presigned_url_reads_its_object_and_no_other(bucket: Bucket) -> None:
    store = bucket.store()
    put(store, "key", b"body")
    put(store, "other", b"secret")
    url = store.presigned_get("key", timedelta(minutes=5))
    assert fetched(url) == b"body"
    assert refusal(url.replace("/key?", "/other?")) == 403
    assert refusal(url.partition("?")[0]) == 403


def test_a_presigned_url_expires(bucket: Bucket) -> None:
    store = bucket.store()
    put(store, "key", b"body")
    url = store.presigned_get("key", timedelta(seconds=2))
    assert fetched(url) == b"body"
    eventually(lambda: refusal(url) == 403)


@pytest.mark.parametrize("size", [0, 65_688, 5 * MIB])
def test_a_small_object_is_one_request_each_way(bucket: Bucket, size: int) -> None:
    with proxy_to(address(bucket)) as proxy:
        store = bucket.store(endpoint=proxy.endpoint)
        put(store, "key", body_of(size))
        assert proxy.requests == 1
        assert len(get(store, "key")) == size
        assert proxy.requests == 2


@pytest.mark.parametrize("cut", [100_000, 3 * MIB])
def test_a_body_that_breaks_off_is_no_end(bucket: Bucket, cut: int) -> None:
    put(bucket.store(), "key", body_of(5 * MIB))
    with proxy_to(address(bucket)) as proxy:
        proxy.cut_after(cut)
        store = bucket.store(endpoint=proxy.endpoint)
        with store.open("key") as body, pytest.raises(StoreUnavailable):
            drained(body)


def test_a_body_that_stalls_is_given_up_in_time(bucket: Bucket) -> None:
    put(bucket.store(), "key", body_of(20 * MIB))
    with proxy_to(address(bucket)) as proxy:
        store = bucket.store(endpoint=proxy.endpoint, read_seconds=0.5)
        began = time.monotonic()
        with store.open("key") as body:
            assert head(body, 100) == body_of(20 * MIB)[:100]
            proxy.hold_back()
            with pytest.raises(StoreUnavailable):
                drained(body)
        assert time.monotonic() - began < 5


def test_a_put_whose_upload_is_taken_away_is_tried_again_later(bucket: Bucket) -> None:
    """Here the janitor, too eager, takes the upload away while its second part is read."""
    store = bucket.store()

    class EndsUpload:
        def __init__(self) -> None:
            self._calls = 0

        def readinto(self, buffer: memoryview, /) -> int:
            self._calls += 1
            if self._calls == 2:
                [upload] = store.unfinished_uploads()
                store.abort_upload(upload.key, upload.upload_id)
            return buffer[: 5 * MIB].nbytes

    with pytest.raises(StoreUnavailable):
        store.put("key", EndsUpload(), 16 * MIB)
    assert list(store.unfinished_uploads()) == []
    with pytest.raises(ObjectMissing):
        store.stat("key")


def test_a_store_that_is_away_is_unavailable(bucket: Bucket) -> None:
    with proxy_to(address(bucket)) as proxy:
        store = bucket.store(endpoint=proxy.endpoint)
        store.check()
    for request in (
        store.check,
        lambda: store.stat("key"),
        lambda: put(store, "key", b"body"),
        lambda: [*store.list()],
    ):
        with pytest.raises(StoreUnavailable):
            request()


def test_a_store_that_does_not_answer_is_given_up_in_time(bucket: Bucket) -> None:
    with proxy_to(address(bucket)) as proxy:
        proxy.hold_back()
        store = bucket.store(endpoint=proxy.endpoint, read_seconds=0.3)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            store.check()
        assert time.monotonic() - began < 3


def test_a_connection_closed_while_idle_costs_nothing(bucket: Bucket) -> None:
    with proxy_to(address(bucket)) as proxy:
        store = bucket.store(endpoint=proxy.endpoint)
        put(store, "key", b"body")
        proxy.drop_connections()
        assert get(store, "key") == b"body"


@pytest.mark.parametrize(
    "wrong", [{"secret_key": "wrong-secret"}, {"access_key": "nobody", "secret_key": "wrong-secret"}]
)
def test_wrong_credentials_are_refused(bucket: Bucket, wrong: dict[str, str]) -> None:
    put(bucket.store(), "key", b"body")
    store = bucket.store(**wrong)
    for request in (
        store.check,
        lambda: store.stat("key"),
        lambda: get(store, "key"),
        lambda: put(store, "key", b"no"),
    ):
        with pytest.raises(StoreRefused):
            request()
    assert get(bucket.store(), "key") == b"body"


def test_a_missing_bucket_is_refused_until_it_is_made(bucket: Bucket) -> None:
    store = bucket.store(bucket=f"missing-{uuid.uuid4().hex[:12]}")
    with pytest.raises(StoreRefused):
        store.check()
    with pytest.raises(StoreRefused):
        put(store, "key", b"body")
    store.ensure_bucket()
    store.ensure_bucket()
    store.check()
    store._client.remove_bucket(store.name)


def test_a_server_without_tls_is_unavailable_over_https(bucket: Bucket) -> None:
    with pytest.raises(StoreUnavailable):
        bucket.store(secure=True).check()


def test_a_part_damaged_on_its_way_is_not_stored(bucket: Bucket) -> None:
    store = bucket.store()
    upload = store.start_upload("key")
    with proxy_to(address(bucket)) as proxy:
        proxy.damage(b"intact", b"broken")
        with pytest.raises(StoreUnavailable):
            bucket.store(endpoint=proxy.endpoint).put_part("key", upload, 1, b"an intact part")
    assert store.list_parts("key", upload) == []


def test_an_object_with_a_content_encoding_is_read_as_it_was_stored(bucket: Bucket) -> None:
    store = bucket.store()
    body = io.BytesIO(b"not really gzip")
    store._client.put_object(bucket.name, "key", body, 15, metadata={"Content-Encoding": "gzip"})
    assert get(store, "key") == b"not really gzip"


def test_the_tag_of_a_small_object_is_its_md5(bucket: Bucket) -> None:
    assert put(bucket.store(), "key", b"body").etag == hashlib.md5(b"body").hexdigest()


def test_a_source_replaced_during_a_copy_is_noticed(bucket: Bucket) -> None:
    class Replacing:
        """Its object is replaced as soon as it was looked at."""

        def __init__(self, store: S3Store) -> None:
            self.wrapped = store
            self.name = store.name

        def stat(self, key: str) -> Stat:
            found = self.wrapped.stat(key)
            put(self.wrapped, key, body_of(12 * MIB, seed=2))
            return found

    put(bucket.store(), "source", body_of(12 * MIB))
    source = cast("ObjectStore", Replacing(bucket.store()))
    with pytest.raises(StoreUnavailable):
        bucket.store().copy_range(source, "source", 124, 11 * MIB, "target")
    assert list(bucket.store().list()) == ["source"]
    assert list(bucket.store().unfinished_uploads()) == []


def test_what_a_killed_process_left_of_an_object_goes_when_the_object_is_made(bucket: Bucket) -> None:
    store = bucket.store()
    put(store, "source", body_of(12 * MIB))
    for key in ("copied", "put", "put-too"):
        store.put_part(key, store.start_upload(key), 1, body_of(5 * MIB))
    store.copy_range(store, "source", 124, 11 * MIB, "copied")
    put(store, "put", body_of(17 * MIB))
    assert [upload.key for upload in store.unfinished_uploads()] == ["put-too"]


def test_only_one_account_on_one_server_copies(bucket: Bucket) -> None:
    store = bucket.store()
    assert store.can_copy_from(bucket.store(bucket="another"))
    assert not store.can_copy_from(bucket.store(access_key="another"))
    other = bucket.store(endpoint="127.0.0.1:1")
    assert not store.can_copy_from(other)
    with pytest.raises(ValueError, match="cannot copy"):
        store.copy_range(other, "key", 0, 1, "target")


def test_a_location_opens_the_store(bucket: Bucket) -> None:
    account = S3Settings.model_validate(
        {
            "endpoint": f"http://{address(bucket)}",
            "access_key": bucket.server.access_key,
            "secret_key": bucket.server.secret_key,
        }
    )
    store = open_store(f"s3://{bucket.name}", account)
    store.check()
    assert store.name == bucket.name
    assert bucket.server.secret_key not in repr(account)


def test_a_body_crosses_tls_only_with_a_trusted_certificate(bucket: Bucket, tmp_path: Path) -> None:
    certificate, tls = self_signed(tmp_path)
    with proxy_to(address(bucket), tls=tls) as proxy:
        with pytest.raises(StoreRefused):
            bucket.store(endpoint=proxy.endpoint, secure=True).check()
        store = bucket.store(endpoint=proxy.endpoint, secure=True, ca_cert=certificate)
        put(store, "key", body_of(6 * MIB))
        assert get(store, "key") == body_of(6 * MIB)


def test_a_part_damaged_behind_tls_is_not_stored(bucket: Bucket, tmp_path: Path) -> None:
    certificate, tls = self_signed(tmp_path)
    upload = bucket.store().start_upload("key")
    with proxy_to(address(bucket), tls=tls) as proxy:
        proxy.damage(b"intact", b"broken")
        store = bucket.store(endpoint=proxy.endpoint, secure=True, ca_cert=certificate)
        with pytest.raises(StoreUnavailable):
            store.put_part("key", upload, 1, b"an intact part")
    assert bucket.store().list_parts("key", upload) == []
