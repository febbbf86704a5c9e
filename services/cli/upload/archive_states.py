"""What the archive says of a submitter's files: the log-in service answers who has the S3 credentials."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from services.cli.upload.config import UploadConfig
from shared.errors import StrongroomError

_SECONDS = 20.0


class NoAnswer(StrongroomError):
    """The log-in service does not say what became of the files."""


def archive_states(config: UploadConfig) -> Iterator[dict[str, Any]]:
    """Yield what the archive says of each of the user's files, by path, page by page. Raises NoAnswer."""
    if config.login is None:
        raise NoAnswer("the configuration does not name the log-in service")
    pair = f"{config.access_key.get_secret_value()}:{config.secret_key.get_secret_value()}"
    pool = urllib3.PoolManager(
        headers=urllib3.make_headers(basic_auth=pair),
        timeout=_SECONDS,
        retries=urllib3.Retry(total=2, redirect=False),
        ca_certs=str(config.ca_cert) if config.ca_cert else None,
    )
    after: str | None = None
    while True:
        query = f"?{urlencode({'after': after})}" if after else ""
        page = _page(pool, f"{config.login.rstrip('/')}/api/uploads{query}")
        yield from page["files"]
        after = page["next"]
        if not after:
            return


def _page(pool: urllib3.PoolManager, url: str) -> dict[str, Any]:
    try:
        answer = pool.request("GET", url)
        found = json.loads(answer.data) if answer.status == 200 else None
    except (HTTPError, ValueError) as error:
        raise NoAnswer(f"the log-in service does not answer: {type(error).__name__}") from error
    if not isinstance(found, dict) or not {"files", "next"} <= found.keys():
        raise NoAnswer(
            f"the log-in service answers {answer.status}: is it of another version, or have the credentials ended?"
        )
    return found
