"""Presigned addresses of objects: signature version 4 of S3, by query (several times as fast as the S3 client's own).

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from urllib.parse import quote, urlsplit

from shared.storage.keys import check_key
from shared.storage.signing import ALGORITHM, SigningKey, this_moment

MOST_SECONDS = 7 * 24 * 3600
"""No server takes an address that is good for longer."""


class Presigner:
    """Signs requests for the objects of one bucket; `endpoint` is the URL under which the asker reaches the server."""

    def __init__(self, *, endpoint: str, access_key: str, secret_key: str, region: str, bucket: str) -> None:
        url = urlsplit(endpoint)
        self.endpoint = f"{url.scheme}://{url.netloc}"
        self.host = url.netloc
        self._access_key = quote(access_key, safe="")
        self._key = SigningKey(secret_key, region)
        self._prefix = f"/{quote(bucket)}/"
        self._last = ("", 0, "")

    def target(self, method: str, key: str, *, seconds: int) -> str:
        """Return path and query that let anybody do `method` to one object for `seconds`."""
        moment = this_moment()
        path = self._prefix + check_key(key)
        query = self._query(moment, min(seconds, MOST_SECONDS))
        request = f"{method}\n{path}\n{query}\nhost:{self.host}\n\nhost\nUNSIGNED-PAYLOAD"
        return f"{path}?{query}&X-Amz-Signature={self._key.sign(moment, request)}"

    def _query(self, moment: str, seconds: int) -> str:
        """Return the part of the query that is the same for all objects; it is asked for often in a second."""
        known = self._last
        if known[:2] != (moment, seconds):
            scope = self._key.scope(moment).replace("/", "%2F")
            query = (
                f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={self._access_key}%2F{scope}"
                f"&X-Amz-Date={moment}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host"
            )
            known = self._last = moment, seconds, query
        return known[2]
