"""Connections that break anywhere, between reader and outbox and before the store: bytes are equal in the end."""

import http.client
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from shared.database.migrate import upgrade
from tests.faults.load.proxy import FaultProxy, proxy_to
from tests.integration.outbox.client import KEY
from tests.integration.outbox.conftest import account_of, bucket_of
from tests.integration.outbox.host import OutboxHost, Sample, decrypted
from tests.stack.handles import S3Server

SIZE = 2_000_000_000 if os.environ.get("FAULTS") == "all" else 20_000_000
RANGES = 50
TRIES = 60
LONGEST = SIZE // 66
"""Bytes that go through a connection at most before it breaks: most ranges need several."""


@pytest.fixture(scope="module")
def plain() -> bytes:
    """What is in the file."""
    return os.urandom(SIZE)


def _piece(url: str, headers: dict[str, str], start: int, stop: int, tag: str, *, harm: Callable[[], None]) -> bytes:
    """Get bytes `start` to `stop`, harmed at each try, going on after every break as long as the tag holds."""
    got = b""
    for _ in range(TRIES):
        if start + len(got) == stop:
            return got
        place = urlsplit(url)
        harm()
        with closing(http.client.HTTPConnection(place.netloc, timeout=20)) as connection:
            asked = {**headers, "Range": f"bytes={start + len(got)}-{stop - 1}", "If-Range": tag}
            try:
                connection.request("GET", place.path, headers=asked)
                answer = connection.getresponse()
                if answer.status == 503:
                    continue
                assert answer.status == 206, answer.read()
                got += answer.read()
            except http.client.IncompleteRead as broken:
                got += broken.partial
            except (ConnectionError, http.client.HTTPException):
                continue
    raise AssertionError("it never came whole")


def _download(outbox: OutboxHost, base: str, sample: Sample, part: str, proxy: FaultProxy) -> bytes:
    """Download in parallel ranges while every connection breaks at a random place."""
    url = f"{base}/files/{sample.id}{part}"
    headers = {"Authorization": f"Bearer {outbox.token()}"}
    if not part:
        headers["X-C4GH-Public-Key"] = KEY
    with closing(http.client.HTTPConnection(urlsplit(outbox.url).netloc, timeout=20)) as connection:
        connection.request("HEAD", f"/files/{sample.id}{part}", headers=headers)
        answer = connection.getresponse()
        size, tag = int(answer.headers["Content-Length"]), str(answer.headers["ETag"])
    chance = random.Random(size)
    cuts = sorted([0, size, *chance.sample(range(1, size), RANGES - 1)])

    def piece(start: int, stop: int) -> bytes:
        return _piece(url, headers, start, stop, tag, harm=lambda: proxy.cut_after(chance.randrange(1000, LONGEST)))

    with ThreadPoolExecutor(RANGES) as pool:
        found = list(pool.map(piece, cuts[:-1], cuts[1:]))
    proxy.behave()
    return b"".join(found)


@pytest.mark.parametrize("part", ["", "/content"])
def test_parallel_ranges_over_a_breaking_network_are_equal_bytes(outbox: OutboxHost, plain: bytes, part: str) -> None:
    sample = outbox.offer(plain)
    with proxy_to(outbox.url) as proxy:
        stream = _download(outbox, proxy.endpoint, sample, part, proxy)
        assert proxy.harmed > RANGES // 2
    header = b"" if not part else _header(outbox, sample)
    same = decrypted(header + stream) == plain  # not compared in the assertion, which would try to show how they differ
    assert same


def test_store_that_breaks_off_never_makes_wrong_bytes(minio: S3Server, plain: bytes, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'outbox.db'}"
    upgrade(url)
    account = account_of(minio)
    with proxy_to(account.endpoint) as proxy:
        broken = account.model_copy(update={"endpoint": proxy.endpoint})
        outbox = OutboxHost(url, bucket_of(account), tmp_path, broken)
        with closing(outbox.database), outbox.up():
            sample = outbox.offer(plain)
            stream = _download(outbox, outbox.url, sample, "", proxy)
            assert proxy.harmed > 0
            same = decrypted(stream) == plain
            assert same


def _header(outbox: OutboxHost, sample: Sample) -> bytes:
    from tests.integration.outbox.client import Client

    return Client(outbox.url, outbox.token()).ask(f"/files/{sample.id}/header").body
