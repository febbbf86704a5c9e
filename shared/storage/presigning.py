"""Presigned addresses of objects: signature version 4 of S3, by query (several times as fast as the S3 client's own).

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hashlib
import hmac
import time
from urllib.parse import quote, urlsplit

from shared.storage.keys import check_key

MOST_SECONDS = 7 * 24 * 3600
"""No server takes an address that is good for longer."""

_ALGORITHM = "AWS4-HMAC-SHA256"


class Presigner:
    """Signs requests for the objects of one bucket; `endpoint` is the URL under which the asker reaches the server."""

    def __init__(self, *, endpoint: str, access_key: str, secret_key: str, region: str, bucket: str) -> None:
        url = urlsplit(endpoint)
        self.endpoint = f"{url.scheme}://{url.netloc}"
        self.host = url.netloc
        self._access_key = quote(access_key, safe="")
        self._secret_key = secret_key
        self._region = region
        self._prefix = f"/{quote(bucket)}/"
        self._day = ""
        self._key = b""

    def target(self, method: str, key: str, *, seconds: int) -> str:
        """Return path and query that let anybody do `method` to one object for `seconds`."""
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{moment[:8]}/{self._region}/s3/aws4_request"
        path = self._prefix + check_key(key)
        query = (
            f"X-Amz-Algorithm={_ALGORITHM}&X-Amz-Credential={self._access_key}%2F{scope.replace('/', '%2F')}"
            f"&X-Amz-Date={moment}&X-Amz-Expires={min(seconds, MOST_SECONDS)}&X-Amz-SignedHeaders=host"
        )
        request = f"{method}\n{path}\n{query}\nhost:{self.host}\n\nhost\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
        signature = hmac.digest(self._signing_key(moment[:8]), text.encode(), "sha256").hex()
        return f"{path}?{query}&X-Amz-Signature={signature}"

    def _signing_key(self, day: str) -> bytes:
        """Return the key of a day, which is derived once."""
        if self._day != day:
            key = b"AWS4" + self._secret_key.encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day, self._key = day, key
        return self._key
