"""A bare S3 client for the tests' own needs: to see whether a server serves, and to empty buckets."""

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from tests.stack.handles import S3Server


def client(server: S3Server) -> Minio:
    """Make a client that gives up soon instead of trying again."""
    timeout = urllib3.Timeout(connect=2, read=10)
    pool = urllib3.PoolManager(timeout=timeout, retries=False)
    return Minio(
        server.address,
        access_key=server.access_key,
        secret_key=server.secret_key,
        secure=server.endpoint.startswith("https:"),
        http_client=pool,
    )


def listens(server: S3Server) -> bool:
    """Whether the server answers HTTP at all, whatever it says."""
    try:
        urllib3.request("GET", server.endpoint, timeout=2, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return True


def lists_buckets(server: S3Server) -> bool:
    """Whether the server lists its buckets for its owner."""
    try:
        client(server).list_buckets()
    except (S3Error, urllib3.exceptions.HTTPError):
        return False
    return True


def delete_bucket(server: S3Server, name: str) -> None:
    """Delete a bucket with all it holds; harmless when it does not exist."""
    s3 = client(server)
    if not s3.bucket_exists(name):
        return
    versions = s3.list_objects(name, recursive=True, include_version=True)
    failed = list(s3.remove_objects(name, (DeleteObject(v.object_name or "", v.version_id) for v in versions)))
    if failed:
        raise AssertionError(f"objects of {name} could not be deleted: {failed}")
    s3.remove_bucket(name)
