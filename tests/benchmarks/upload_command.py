"""`strongroom upload` of a large file, against a client that sends what is encrypted already."""

import json
import os
import subprocess
import sys
from pathlib import Path

from minio import Minio

from shared.crypto.keys import PublicKey, generate
from tests.benchmarks.measure import TRANSFER, Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.benchmarks.uploads import LargeUpload
from tests.stack import s3
from tests.stack.handles import S3Server
from tests.stack.minio import MinioServer
from tests.stack.process import Home

BUCKET = "uploads"
PART = 16 << 20
THREADS = 4
METHOD = f"""\
`strongroom upload` encrypts a file of {TRANSFER >> 20} MiB and sends it to MinIO, {THREADS} parts of 16 MiB at once;
its start is counted in. Beside it the `minio` client sends a file of the same size, encrypted before, in the same
parts, and `strongroom encrypt` encrypts the file to the disk: what people do without it. All share the machine.
"""


def run() -> Figures:
    """Upload, send and encrypt in turn."""
    home = Home.create()
    try:
        with MinioServer(home) as server:
            return _figures(home.folder, server.handle)
    finally:
        home.end()


def _figures(folder: Path, server: S3Server) -> Figures:
    client, key = s3.client(server), generate().public
    client.make_bucket(BUCKET)
    plain, sealed = folder / "plain", folder / "sealed.c4gh"
    _write(plain, sealed, key)
    (folder / "archive.pub").write_text(key.pem(), encoding="ascii")
    environment = _configured(folder, server, key)
    taken = rounds(
        {
            "upload": lambda: seconds(lambda: _strongroom(environment, "upload", "--again", str(plain))),
            "send": lambda: seconds(lambda: _send(client, sealed)),
            "encrypt": lambda: seconds(lambda: _encrypt(folder, environment, plain)),
        }
    )
    before = [send + encrypt for send, encrypt in zip(taken["send"], taken["encrypt"], strict=True)]
    rates = {name: Spread.of([TRANSFER / value / 1e6 for value in values]) for name, values in taken.items()}
    return Figures(
        title="The upload command",
        method=METHOD,
        ratios=[
            Ratio(name="upload, of sending what is encrypted", spread=quotients(taken["send"], taken["upload"])),
            Ratio(name="upload, of encrypting and then sending", spread=quotients(before, taken["upload"]), target=1.0),
        ],
        amounts=[Amount(name=name, unit="MB/s", spread=spread) for name, spread in rates.items()],
    )


def _write(plain: Path, sealed: Path, reader: PublicKey) -> None:
    upload, buffer = LargeUpload(reader, TRANSFER), memoryview(bytearray(1 << 20))
    with sealed.open("wb") as file, plain.open("wb") as other:
        while size := upload.readinto(buffer):
            file.write(buffer[:size])
        for _ in range(TRANSFER >> 20):
            other.write(os.urandom(1 << 20))


def _configured(folder: Path, server: S3Server, key: PublicKey) -> dict[str, str]:
    content = {
        "endpoint": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "bucket": BUCKET,
        "public_key": key.pem(),
    }
    config = folder / "upload.json"
    config.write_text(json.dumps(content), encoding="utf-8")
    return {**os.environ, "STRONGROOM_UPLOAD_CONFIG": str(config), "XDG_STATE_HOME": str(folder / "state")}


def _strongroom(environment: dict[str, str], *words: str) -> None:
    command = [sys.executable, "-m", "services.cli", *words]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def _send(client: Minio, sealed: Path) -> None:
    client.fput_object(BUCKET, "sent", str(sealed), part_size=PART, num_parallel_uploads=THREADS)


def _encrypt(folder: Path, environment: dict[str, str], plain: Path) -> None:
    words = ("--to", str(folder / "archive.pub"), "--force", "--output", str(folder / "encrypted.c4gh"))
    _strongroom(environment, "encrypt", str(plain), *words)
