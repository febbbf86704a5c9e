"""Which stores a service uses: a location for each, and one S3 account."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from shared.errors import ConfigurationError
from shared.storage.directory import DirectoryStore
from shared.storage.port import ObjectStore
from shared.storage.s3 import S3Store

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class S3Settings(BaseModel):
    """An account on an S3 server; `endpoint` is a URL such as `https://s3.example.org`, `ca_cert` None the system's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    access_key: SecretStr
    secret_key: SecretStr
    session_token: SecretStr | None = None
    region: str = "us-east-1"
    ca_cert: Path | None = None


def open_store(location: str, s3: S3Settings | None, *, threads: int = 8) -> ObjectStore:
    """Return the store at `s3://bucket`, `dir:/path` or `file:///path`. Raises ConfigurationError.

    threads: how many threads will use it at once. Neither kind asks a server: see `check` and `S3Store.ensure_bucket`.
    """
    scheme, _, rest = location.partition(":")
    if scheme == "s3":
        return s3_store(rest.removeprefix("//").rstrip("/"), s3, threads=threads)
    if scheme in {"dir", "file"}:
        root = Path(unquote(urlsplit(location).path) if scheme == "file" else rest)
        if root.is_absolute() and root.name:
            return DirectoryStore(root, name=root.name)
    raise ConfigurationError("a store is s3://bucket, dir:/path or file:///path")


def s3_store(bucket: str, s3: S3Settings | None, *, threads: int = 8) -> S3Store:
    """Return the store of one bucket. Raises ConfigurationError."""
    s3 = required_account(s3)
    if not _BUCKET.fullmatch(bucket):
        raise ConfigurationError("not the name of a bucket: 3 to 63 of a-z, 0-9, dot and hyphen")
    url = urlsplit(s3.endpoint)
    if url.scheme not in {"http", "https"} or not url.netloc or url.path.strip("/"):
        raise ConfigurationError("an S3 endpoint is http:// or https:// with a host and perhaps a port")
    return S3Store(
        endpoint=url.netloc,
        access_key=s3.access_key.get_secret_value(),
        secret_key=s3.secret_key.get_secret_value(),
        session_token=None if s3.session_token is None else s3.session_token.get_secret_value(),
        bucket=bucket,
        region=s3.region,
        secure=url.scheme == "https",
        ca_cert=s3.ca_cert,
        threads=threads,
    )


def required_account(s3: S3Settings | None) -> S3Settings:
    """Return the account. Raises ConfigurationError where there is none."""
    if s3 is None:
        raise ConfigurationError("a store in S3 needs an endpoint and its keys")
    return s3
