"""Readers who stall or leave, stores and databases that fail: nobody else notices, nothing short passes for whole."""

import http.client
import io
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from shared.database.migrate import upgrade
from shared.storage.directory import DirectoryStore
from shared.storage.settings import S3Settings, s3_store
from tests.integration.outbox.client import KEY, Client
from tests.integration.outbox.host import OutboxHost, Sample, decrypted
from tests.integration.outbox.test_downloads import until
from tests.stack.minio import MinioServer
from tests.stack.postgres import PostgresProcess, create_database

BIG = os.urandom(6_000_000)


@contextmanager
def stalled(outbox: OutboxHost, sample: Sample) -> Iterator[socket.socket]:
    """Ask for a file, and do not read the answer."""
    host, port = outbox.front.address
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(30)
        connection.connect((host, port))
        head = f"GET /files/{sample.id} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {outbox.token()}\r\n"
        connection.sendall(f"{head}X-C4GH-Public-Key: {KEY}\r\nConnection: close\r\n\r\n".encode())
        yield connection


def rest(connection: socket.socket) -> bytes:
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    with answer:
        return answer.read()


def test_more_stalled_readers_than_threads_do_not_block_another(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    with ExitStack() as stack:
        stack.enter_context(outbox.up())
        connections = [stack.enter_context(stalled(outbox, sample)) for _ in range(40)]
        until(lambda: outbox.streams.open_bodies == 40)
        assert decrypted(Client(outbox.url, outbox.token()).ask(f"/files/{sample.id}").body) == BIG
        until(lambda: outbox.streams.open_bodies == 40)
        for connection in connections[:3]:
            assert decrypted(rest(connection)) == BIG


def test_what_a_stalled_reader_does_not_take_waits_in_the_kernel(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    with outbox.up():
        before = _pipes()
        with stalled(outbox, sample) as connection:
            until(lambda: _pipes() == before + (2 if outbox.s3 else 0))
            assert decrypted(rest(connection)) == BIG
        until(lambda: _pipes() == before)


def _pipes() -> int:
    """Count the ends of pipes that this process has."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += str(descriptor.readlink()).startswith("pipe:")
    return found


def test_concurrent_downloads_all_decrypt(outbox: OutboxHost, client: Client) -> None:
    samples = [outbox.offer(os.urandom(400_000), f"EGAD{number:011}") for number in range(4)]

    def download(number: int) -> bool:
        sample = samples[number % 4]
        return decrypted(client.ask(f"/files/{sample.id}").body) == sample.plain

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(download, range(32)))


def test_reader_who_leaves_lets_go_of_the_store(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    with outbox.up():
        with stalled(outbox, sample) as connection:
            connection.recv(1000)
            assert outbox.streams.open_bodies == 1
        until(lambda: outbox.streams.open_bodies == 0, 2)
    assert outbox.downloads(sample) == []


def test_reader_who_takes_nothing_for_too_long_is_cut_off(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    with outbox.up(outbox_stall_seconds=0.3), stalled(outbox, sample) as connection:
        until(lambda: outbox.streams.open_bodies == 1)
        until(lambda: outbox.streams.open_bodies == 0)
        with pytest.raises((ConnectionError, http.client.IncompleteRead)):
            rest(connection)
    assert outbox.downloads(sample) == []


def test_slow_reader_is_not_cut_off(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG[:1_500_000])
    with outbox.up(outbox_stall_seconds=0.5), stalled(outbox, sample) as connection:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        pause, pieces = threading.Event(), [answer.read(150_000)]
        while pieces[-1]:
            pause.wait(0.1)
            pieces.append(answer.read(150_000))
        answer.close()
    assert decrypted(b"".join(pieces)) == BIG[:1_500_000]


def test_body_that_is_gone_is_unavailable(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(BIG)
    outbox.archive.delete(sample.id)
    answer = client.ask(f"/files/{sample.id}")
    assert answer.problem == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "10"


def test_body_that_ends_early_never_passes_for_whole(outbox: OutboxHost, client: Client) -> None:
    sample = outbox.offer(BIG)
    outbox.archive.put(sample.id, io.BytesIO(bytes(1_000_000)), 1_000_000)
    # S3 says so before the first byte; of a folder it is found out when its end comes too early
    with suppress(ConnectionError, http.client.IncompleteRead):
        assert client.ask(f"/files/{sample.id}").problem == (503, "UNAVAILABLE")
    assert outbox.downloads(sample) == []


def test_download_under_way_is_finished_at_stop(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    with ExitStack() as stack:
        stack.enter_context(outbox.up())
        connection = stack.enter_context(stalled(outbox, sample))
        connection.recv(17, socket.MSG_PEEK | socket.MSG_WAITALL)
        with ThreadPoolExecutor(1) as pool:
            stopped = pool.submit(outbox.front.stop)
            assert decrypted(rest(connection)) == BIG
            stopped.result(10)
    assert outbox.downloads(sample) == [f"{sample.size} bytes"]


def test_store_that_was_away_is_used_again(own_minio: MinioServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'outbox.db'}"
    upgrade(url)
    server = own_minio.handle
    account = S3Settings(
        endpoint=server.endpoint, access_key=SecretStr(server.access_key), secret_key=SecretStr(server.secret_key)
    )
    store = s3_store("archive", account)
    store.ensure_bucket()
    outbox = OutboxHost(url, store, tmp_path, account)
    with closing(outbox.database), outbox.up():
        sample = outbox.offer(BIG)
        client = Client(outbox.url, outbox.token())
        own_minio.kill()
        assert client.ask(f"/files/{sample.id}").problem == (503, "UNAVAILABLE")
        ready = client.ask("/health/ready")
        assert (ready.status, ready.json["services"]) == (503, {"database": "ok", "archive": "error"})
        own_minio.start()
        until(lambda: client.ask(f"/files/{sample.id}").status == 200)
        assert decrypted(client.ask(f"/files/{sample.id}").body) == BIG


def test_database_that_was_away_is_used_again(own_postgres: PostgresProcess, tmp_path: Path) -> None:
    create_database(own_postgres.handle, "outbox")
    url = own_postgres.handle.url("outbox")
    upgrade(url)
    outbox = OutboxHost(url, DirectoryStore(tmp_path / "archive", name="archive"), tmp_path)
    with closing(outbox.database), outbox.up():
        sample = outbox.offer(b"plain")
        client = Client(outbox.url, outbox.token())
        own_postgres.stop_immediately()
        assert client.ask(f"/files/{sample.id}").problem == (503, "UNAVAILABLE")
        assert client.ask("/datasets").problem == (503, "UNAVAILABLE")
        assert client.ask("/health/ready").json["services"] == {"database": "error", "archive": "ok"}
        own_postgres.start()
        until(lambda: client.ask(f"/files/{sample.id}").status == 200)


def test_one_connection_serves_many_requests(outbox: OutboxHost) -> None:
    sample = outbox.offer(BIG)
    connection = http.client.HTTPConnection(urlsplit(outbox.url).netloc, timeout=20)
    headers = {"Authorization": f"Bearer {outbox.token()}", "X-C4GH-Public-Key": KEY}
    with closing(connection):
        for path in (f"/files/{sample.id}", "/files/none", f"/files/{sample.id}"):
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as answer:
                assert (answer.status, len(answer.read()) > 100) == (403 if path == "/files/none" else 200, True)
