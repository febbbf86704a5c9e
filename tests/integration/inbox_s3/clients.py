"""The S3 clients that submitters use, as they come: s3cmd, aws, rclone, boto3, minio."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import urllib3
from botocore.config import Config
from minio import Minio

from shared.access.credentials import S3Credentials

_SECONDS = 120


@dataclass(frozen=True)
class Account:
    """What a submitter got from the log-in: where, with what, and which bucket; `ca` vouches for the server."""

    endpoint: str
    credentials: S3Credentials
    bucket: str
    folder: Path
    ca: Path | None = None
    token: str | None = None

    @property
    def secure(self) -> bool:
        return self.endpoint.startswith("https")

    @property
    def address(self) -> str:
        return urlsplit(self.endpoint).netloc

    # ---- programs

    def s3cmd(self, *words: str) -> "subprocess.CompletedProcess[str]":
        config = self.folder / "s3cfg"
        lines = [
            "[default]",
            f"access_key = {self.credentials.access_key}",
            f"secret_key = {self.credentials.secret_key}",
            f"host_base = {self.address}",
            f"host_bucket = {self.address}",
            f"use_https = {self.secure}",
            f"ca_certs_file = {self.ca or ''}",
            "multipart_chunk_size_mb = 5",
            f"access_token = {self.token or ''}",
        ]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        program = Path(sys.executable).with_name("s3cmd")
        return _run([str(program), "-c", str(config), "--no-progress", *words], self.folder, {})

    def aws(self, *words: str) -> "subprocess.CompletedProcess[str]":
        program = Path(sys.executable).with_name("aws")
        environment = {
            "AWS_ACCESS_KEY_ID": self.credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": self.credentials.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CA_BUNDLE": str(self.ca or ""),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        command = [sys.executable, str(program), "--endpoint-url", self.endpoint, *words]
        return _run(command, self.folder, {name: value for name, value in environment.items() if value})

    def rclone(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CONFIG_INBOX_TYPE": "s3",
            "RCLONE_CONFIG_INBOX_PROVIDER": "Other",
            "RCLONE_CONFIG_INBOX_ENDPOINT": self.endpoint,
            "RCLONE_CONFIG_INBOX_ACCESS_KEY_ID": self.credentials.access_key,
            "RCLONE_CONFIG_INBOX_SECRET_ACCESS_KEY": self.credentials.secret_key,
            "RCLONE_CONFIG_INBOX_FORCE_PATH_STYLE": "true",
            "RCLONE_S3_CHUNK_SIZE": "5M",
            "RCLONE_S3_UPLOAD_CUTOFF": "5M",
            "RCLONE_CA_CERT": str(self.ca or ""),
            "RCLONE_RETRIES": "1",
            "RCLONE_LOW_LEVEL_RETRIES": "1",
        }
        return _run(["rclone", *words], self.folder, {name: value for name, value in environment.items() if value})

    # ---- libraries

    def boto3(self, **config: Any) -> Any:
        options = {"s3": {"addressing_style": "path"}, "retries": {"total_max_attempts": 1}, **config}
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.credentials.access_key,
            aws_secret_access_key=self.credentials.secret_key,
            aws_session_token=self.token,
            region_name="us-east-1",
            verify=str(self.ca) if self.ca else None,
            config=Config(**options),
        )

    def minio(self) -> Minio:
        pool = urllib3.PoolManager(
            maxsize=10, retries=False, ca_certs=str(self.ca) if self.ca else None, cert_reqs="CERT_REQUIRED"
        )
        return Minio(
            self.address,
            access_key=self.credentials.access_key,
            secret_key=self.credentials.secret_key,
            session_token=self.token,
            secure=self.secure,
            region="us-east-1",
            http_client=pool,
        )


Step = Callable[[Account, Path, str], object]


@dataclass(frozen=True)
class ClientKit:
    """What a client is asked to do: upload a file under a key, and list the names in the bucket."""

    upload: Step
    names: Callable[[Account], set[str]]


def done(process: "subprocess.CompletedProcess[str]") -> str:
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def _boto3_upload(account: Account, file: Path, key: str) -> None:
    account.boto3().upload_file(str(file), account.bucket, key)


def _boto3_names(account: Account) -> set[str]:
    listed = account.boto3().list_objects_v2(Bucket=account.bucket)
    return {item["Key"] for item in listed.get("Contents", [])}


def _minio_upload(account: Account, file: Path, key: str) -> None:
    account.minio().fput_object(account.bucket, key, str(file), part_size=5 * 1024 * 1024)


def _minio_names(account: Account) -> set[str]:
    return {item.object_name or "" for item in account.minio().list_objects(account.bucket, recursive=True)}


def _s3cmd_names(account: Account) -> set[str]:
    listed = done(account.s3cmd("ls", "--recursive", f"s3://{account.bucket}"))
    return {line.rpartition(f"s3://{account.bucket}/")[2] for line in listed.splitlines()}


def _aws_names(account: Account) -> set[str]:
    listed = done(account.aws("s3", "ls", "--recursive", f"s3://{account.bucket}"))
    return {line.split(maxsplit=3)[3] for line in listed.splitlines()}


CLIENTS: Mapping[str, ClientKit] = {
    "boto3": ClientKit(_boto3_upload, _boto3_names),
    "minio": ClientKit(_minio_upload, _minio_names),
    "s3cmd": ClientKit(lambda a, file, key: done(a.s3cmd("put", str(file), f"s3://{a.bucket}/{key}")), _s3cmd_names),
    "aws": ClientKit(
        lambda a, file, key: done(a.aws("s3", "cp", "--only-show-errors", str(file), f"s3://{a.bucket}/{key}")),
        _aws_names,
    ),
    "rclone": ClientKit(
        lambda a, file, key: done(a.rclone("copyto", str(file), f"inbox:{a.bucket}/{key}")),
        lambda a: set(done(a.rclone("lsf", "--recursive", "--files-only", f"inbox:{a.bucket}")).splitlines()),
    ),
}


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RCLONE_"))}
    return subprocess.run(
        command,
        cwd=folder,
        env={**clean, "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
