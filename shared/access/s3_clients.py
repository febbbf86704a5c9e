"""Configurations of S3 clients, with which a submitter reaches the inbox without typing anything else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.access.buckets import bucket_of
from shared.access.credentials import S3Credentials
from shared.times import iso

REGION = "us-east-1"
"""Of the inbox, which takes any: clients that are told none ask for it, or guess this one."""

_PART_MIB = 64
"""10,000 parts, which is the most that S3 knows, make 640 GB."""


@dataclass(frozen=True)
class Inbox:
    """The S3 inbox as one user sees it: at `endpoint`, with S3 credentials.

    public_key: text of the archive's Crypt4GH public key; login: URL of the log-in pages. None: not known here.
    """

    endpoint: str
    credentials: S3Credentials
    public_key: str | None = None
    login: str | None = None

    @property
    def bucket(self) -> str:
        return bucket_of(self.credentials.user)

    @property
    def secure(self) -> bool:
        return urlsplit(self.endpoint).scheme == "https"


def json_of(inbox: Inbox) -> dict[str, str | None]:
    """Return what programs need to know, `strongroom upload` among them."""
    more = {"public_key": inbox.public_key, "login": inbox.login}
    return {
        "endpoint": inbox.endpoint,
        "access_key": inbox.credentials.access_key,
        "secret_key": inbox.credentials.secret_key,
        "session_token": None,
        "bucket": inbox.bucket,
        "expires": iso(inbox.credentials.expires_at),
        **{name: value for name, value in more.items() if value is not None},
    }


def _as_json(inbox: Inbox) -> str:
    return json.dumps(json_of(inbox), indent=2) + "\n"


def _as_s3cmd(inbox: Inbox) -> str:
    """Return a configuration of s3cmd; both names of hosts are alike, so that the bucket stays in the path."""
    host = urlsplit(inbox.endpoint).netloc
    return _lines(
        "[default]",
        f"access_key = {inbox.credentials.access_key}",
        f"secret_key = {inbox.credentials.secret_key}",
        f"host_base = {host}",
        f"host_bucket = {host}",
        f"bucket_location = {REGION}",
        f"use_https = {inbox.secure}",
        "check_ssl_certificate = True",
        "check_ssl_hostname = True",
        "signature_v2 = False",
        "encrypt = False",
        "enable_multipart = True",
        f"multipart_chunk_size_mb = {_PART_MIB}",
        "socket_timeout = 300",
        "guess_mime_type = False",
        "human_readable_sizes = True",
    )


def _as_rclone(inbox: Inbox) -> str:
    """Return a configuration of rclone with the remote `archive`; buckets can be neither made nor asked for."""
    return _lines(
        "[archive]",
        "type = s3",
        "provider = Other",
        f"access_key_id = {inbox.credentials.access_key}",
        f"secret_access_key = {inbox.credentials.secret_key}",
        f"endpoint = {inbox.endpoint}",
        f"region = {REGION}",
        "force_path_style = true",
        "no_check_bucket = true",
        f"upload_cutoff = {_PART_MIB}Mi",
        f"chunk_size = {_PART_MIB}Mi",
        "upload_concurrency = 4",
    )


def _as_aws(inbox: Inbox) -> str:
    return _lines(
        "[default]",
        f"aws_access_key_id = {inbox.credentials.access_key}",
        f"aws_secret_access_key = {inbox.credentials.secret_key}",
        f"region = {REGION}",
        f"endpoint_url = {inbox.endpoint}",
        "s3 =",
        "    addressing_style = path",
        f"    multipart_chunksize = {_PART_MIB}MB",
    )


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Form:
    """One way to write the configuration down, the file that it goes to, and the command that then uploads."""

    write: Callable[[Inbox], str]
    file_name: str
    command: str

    def command_for(self, inbox: Inbox) -> str:
        """Return the command that uploads a file."""
        return self.command.format(file=self.file_name, bucket=inbox.bucket)


FORMS: Mapping[str, Form] = {
    "s3cmd": Form(_as_s3cmd, "strongroom-s3cmd.conf", "s3cmd -c {file} put GENOME.c4gh s3://{bucket}/"),
    "rclone": Form(_as_rclone, "strongroom-rclone.conf", "rclone --config {file} copy GENOME.c4gh archive:{bucket}/"),
    "aws": Form(_as_aws, "strongroom-aws.conf", "AWS_CONFIG_FILE={file} aws s3 cp GENOME.c4gh s3://{bucket}/"),
    "json": Form(_as_json, "strongroom-upload.json", "strongroom upload --config {file} GENOME.bam"),
}
"""The configurations that users are given, by the name of the client."""
