"""The configurations that users are given, by the clients that they are for, as they are."""

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

from shared.access.credentials import S3Credentials
from shared.access.s3_clients import FORMS, Inbox
from shared.database.types import now
from tests.stack import s3
from tests.stack.handles import S3Server

SIZE = 70 * 1024 * 1024
"""More than one part."""


@pytest.fixture
def inbox(minio: S3Server) -> Iterator[Inbox]:
    """The bucket of a user on a real S3 server, in the place of the inbox."""
    keys = {"access_key": minio.access_key, "secret_key": minio.secret_key}
    issued = S3Credentials(user="Ann@example.org", issued_at=now(), expires_at=now() + timedelta(days=1), **keys)
    inbox = Inbox(minio.endpoint, issued)
    s3.client(minio).make_bucket(bucket_name=inbox.bucket)
    yield inbox
    s3.delete_bucket(minio, inbox.bucket)


@pytest.mark.parametrize("client", ["s3cmd", "rclone", "aws"])
def test_client_uploads_with_its_configuration_and_the_command_beside_it(
    inbox: Inbox, minio: S3Server, tmp_path: Path, client: str
) -> None:
    form = FORMS[client]
    (tmp_path / form.file_name).write_text(form.write(inbox))
    with (tmp_path / "GENOME.c4gh").open("wb") as genome:
        genome.truncate(SIZE)
    done = _run(form.command_for(inbox), tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    found = s3.client(minio).stat_object(bucket_name=inbox.bucket, object_name="GENOME.c4gh")
    assert found.size == SIZE
    assert found.etag is not None
    assert "-" in found.etag, "it came in parts"


@pytest.mark.parametrize("client", ["s3cmd", "rclone", "aws"])
def test_client_turns_away_from_a_server_whose_certificate_nobody_vouches_for(tmp_path: Path, client: str) -> None:
    with impostor(tmp_path) as (endpoint, heard):
        issued = S3Credentials("KEY", "ann", now(), now() + timedelta(days=1), "secret")
        inbox = Inbox(endpoint, issued)
        (tmp_path / FORMS[client].file_name).write_text(FORMS[client].write(inbox))
        (tmp_path / "GENOME.c4gh").write_bytes(b"crypt4gh")
        at_once = {"s3cmd": "--max-retries=1", "rclone": "--retries=1 --low-level-retries=1", "aws": ""}[client]
        done = _run(f"{FORMS[client].command_for(inbox)} {at_once}", tmp_path, AWS_MAX_ATTEMPTS="1")
    assert done.returncode != 0
    assert "certificate" in (done.stderr + done.stdout).lower()
    assert heard == []


@contextmanager
def impostor(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A server with a certificate of its own making: its address, and what it hears of those who believe it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            if said := self.rfile.read1():
                heard.append(said.decode(errors="replace"))

    class Server(ThreadingTCPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that turns away is what is wanted."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": programs, "HOME": str(folder), "LANG": "C.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
