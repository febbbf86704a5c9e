"""Verify inside one process: the service's reading of one and of four files against a plain serial loop."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from shared.crypto.cores import Cores
from shared.crypto.examine import examine
from shared.crypto.header import open_header, read_header
from shared.crypto.keys import generate
from shared.crypto.reading import read_full
from shared.crypto.segments import CIPHER_SEGMENT, NONCE, cipher_buffer, plain_buffer
from shared.storage.directory import DirectoryStore
from shared.storage.port import ObjectStore
from shared.storage.s3 import S3Store
from tests.benchmarks.measure import BYTES, Amount, Figures, Ratio, Spread, quotients, rounds, seconds
from tests.benchmarks.uploads import LargeUpload
from tests.stack.minio import MinioServer
from tests.stack.process import Home

KEY = generate()
FILES = tuple(f"file-{number}" for number in range(4))
SIZE = min(BYTES, 256 << 20)
METHOD = (
    f"Files of {SIZE >> 20} MiB are verified in one process, one alone and four at once, from a folder in the page "
    "cache and from MinIO on the same cores. The serial loop does the same by the same primitives: read, decrypt, "
    "SHA-256 of upload, body and plaintext, MD5 of the plaintext."
)


def run() -> Figures:
    """Verify the same files by all ways in turn."""
    home = Home.create()
    try:
        with MinioServer(home) as minio, tempfile.TemporaryDirectory() as folder:
            server = minio.handle
            bucket = S3Store(
                endpoint=server.address,
                access_key=server.access_key,
                secret_key=server.secret_key,
                bucket="bench-verify",
                secure=False,
            )
            bucket.ensure_bucket()
            return _measure(DirectoryStore(Path(folder), name="files"), bucket)
    finally:
        home.end()


def _measure(files: ObjectStore, bucket: ObjectStore) -> Figures:
    for store in (files, bucket):
        for key in FILES:
            upload = LargeUpload(KEY.public, SIZE)
            store.put(key, upload, upload.size)
    os.sync()  # what is still being written takes time of the cores
    cores = Cores()
    taken = rounds(
        {
            "serial": lambda: seconds(lambda: serial(files, FILES[0])),
            "one": lambda: seconds(lambda: verified(files, FILES[:1], cores)),
            "four": lambda: seconds(lambda: verified(files, FILES, cores)) / 4,
            "one, MinIO": lambda: seconds(lambda: verified(bucket, FILES[:1], cores)),
            "four, MinIO": lambda: seconds(lambda: verified(bucket, FILES, cores)) / 4,
        }
    )

    def ratio(name: str, ours: str, beside: str, target: float) -> Ratio:
        return Ratio(name=name, spread=quotients(taken[beside], taken[ours]), target=target)

    return Figures(
        title="Verify",
        method=METHOD,
        ratios=[
            ratio("one file, of a serial loop", "one", "serial", 1.8),
            ratio("four files, of a serial loop", "four", "serial", 1.9),
            ratio("one file, from MinIO of from a folder", "one, MinIO", "one", 0.7),
            ratio("four files, from MinIO of from a folder", "four, MinIO", "four", 0.7),
        ],
        amounts=[
            Amount(name=f"{name}: rate", unit="MB/s", spread=Spread.of([SIZE / value / 1e6 for value in values]))
            for name, values in taken.items()
        ],
    )


def verified(store: ObjectStore, keys: Sequence[str], cores: Cores) -> None:
    """Examine the files as the service's queue workers do, one thread for each."""

    def one(key: str) -> None:
        with cores.for_file(), store.open(key) as content:
            examine(read_header(content), content, [KEY], cores=cores)

    with ThreadPoolExecutor(len(keys)) as pool:
        list(pool.map(one, keys))


def serial(store: ObjectStore, key: str) -> None:
    """Do the same with nothing but the primitives, one after the other."""
    cipher, plain = cipher_buffer(), plain_buffer()
    digests = upload, archived, sha256, md5 = (
        *(hashlib.sha256() for _ in range(3)),
        hashlib.md5(usedforsecurity=False),
    )
    with store.open(key) as content:
        header = read_header(content)
        upload.update(header)
        box = ChaCha20Poly1305(open_header(header, [KEY]).data_keys[0])
        while count := read_full(content, cipher):
            sealed = cipher[:count]
            upload.update(sealed)
            archived.update(sealed)
            size = 0
            for start in range(0, count, CIPHER_SEGMENT):
                segment = sealed[start : start + CIPHER_SEGMENT]
                length = len(segment) - NONCE - 16
                box.decrypt_into(segment[:NONCE], segment[NONCE:], None, plain[size : size + length])
                size += length
            sha256.update(plain[:size])
            md5.update(plain[:size])
    for digest in digests:
        digest.hexdigest()
