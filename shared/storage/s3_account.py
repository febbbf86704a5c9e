"""What an account on an S3 server sees, before one of its buckets is chosen."""

from urllib.parse import urlsplit

from minio import Minio

from shared.errors import ConfigurationError
from shared.storage.s3_errors import s3_errors
from shared.storage.s3_http import connections
from shared.storage.settings import S3Settings

_SECONDS = 20.0


def only_bucket(account: S3Settings) -> str:
    """Ask for the one bucket that an account sees. Raises ConfigurationError, StoreRefused, StoreUnavailable."""
    url, token = urlsplit(account.endpoint), account.session_token
    client = Minio(
        url.netloc,
        account.access_key.get_secret_value(),
        account.secret_key.get_secret_value(),
        None if token is None else token.get_secret_value(),
        secure=url.scheme == "https",
        region=account.region,
        http_client=connections(1, account.ca_cert, connect_seconds=_SECONDS, read_seconds=_SECONDS),
    )
    with s3_errors():
        found = [bucket.name for bucket in client.list_buckets()]
    if len(found) != 1:
        raise ConfigurationError(f"the account sees {len(found)} buckets: the configuration has to name one")
    return found[0]
