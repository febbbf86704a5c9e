"""Signature version 4 of S3, for requests that are many and small (several times as fast as the S3 client's own).

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import time

ALGORITHM = "AWS4-HMAC-SHA256"


class SigningKey:
    """Signs for one account and region; the key of a day is derived once."""

    def __init__(self, secret_key: str, region: str) -> None:
        self._secret_key = secret_key
        self._region = region
        self._day = ""
        self._key = b""

    def scope(self, moment: str) -> str:
        """Return the scope of signatures made at a moment (`20261125T120000Z`)."""
        return f"{moment[:8]}/{self._region}/s3/aws4_request"

    def sign(self, moment: str, canonical_request: str) -> str:
        """Return the signature of a request, hexadecimal."""
        digest = hashlib.sha256(canonical_request.encode()).hexdigest()
        text = f"{ALGORITHM}\n{moment}\n{self.scope(moment)}\n{digest}"
        return hmac.digest(self._key_of(moment[:8]), text.encode(), "sha256").hex()

    def _key_of(self, day: str) -> bytes:
        if self._day != day:
            key = b"AWS4" + self._secret_key.encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key, self._day = key, day
        return self._key


def this_moment() -> str:
    """Return the present time as S3 writes it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


class Signer:
    """Signs requests by headers; `host` is what the client sends as Host."""

    def __init__(
        self, *, host: str, access_key: str, secret_key: str, region: str, session_token: str | None = None
    ) -> None:
        self._host = host
        self._access_key = access_key
        self._key = SigningKey(secret_key, region)
        self._token = {} if session_token is None else {"x-amz-security-token": session_token}

    def headers(self, method: str, path: str, payload_sha256: str, query: str = "") -> dict[str, str]:
        """Return the headers that sign a request; `path` is quoted, the digest hexadecimal or `UNSIGNED-PAYLOAD`.

        query: names and values quoted, sorted by name, every name with a `=`.
        """
        moment = this_moment()
        signed = {"host": self._host, "x-amz-content-sha256": payload_sha256, "x-amz-date": moment, **self._token}
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        names = ";".join(signed)
        signature = self._key.sign(moment, f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload_sha256}")
        credential = f"{self._access_key}/{self._key.scope(moment)}"
        authorization = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": authorization}
