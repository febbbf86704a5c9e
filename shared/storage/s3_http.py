"""Connections to an S3 server."""

from pathlib import Path

import urllib3


def connections(kept: int, ca_cert: Path | None, *, connect_seconds: float, read_seconds: float) -> urllib3.PoolManager:
    """Make a pool that keeps `kept` connections, never sends a request twice and follows no redirect."""
    return urllib3.PoolManager(
        maxsize=kept,
        timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
        retries=urllib3.Retry(total=0, redirect=False),
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(ca_cert) if ca_cert else None,
    )
