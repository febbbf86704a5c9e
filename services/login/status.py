"""`GET /api/uploads`: what became of a submitter's files, for programs that have the S3 credentials."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.login.grant import Grant
from services.login.site import Site
from services.login.uploads import Shown, Uploads
from shared.times import iso

_ASK = {"WWW-Authenticate": 'Basic realm="S3 credentials", charset="UTF-8"'}


@dataclass(frozen=True, kw_only=True)
class Status:
    """Answers who sends access key and secret key as name and password (RFC 7617).

    No attempts are counted, since a secret key has 256 bits.
    """

    site: Site
    grant: Grant
    uploads: Uploads

    async def answer(self, request: Request) -> Response:
        """Return a page of the files by path, behind the mark `after`; `next` is the mark of the page that follows."""
        user = await self.site.waiting(self._user, request.headers.get("authorization", ""))
        if user is None:
            problem = {"title": "Unauthorized", "status": 401, "detail": "Send S3 credentials that are good now."}
            return JSONResponse(problem, HTTPStatus.UNAUTHORIZED, _ASK, media_type="application/problem+json")
        after = request.query_params.get("after")
        page = await self.site.waiting(self.uploads.page, user, after=after, faulty=False)
        content = {"files": [_described(file) for file in page.files], "next": page.after}
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    def _user(self, authorization: str) -> str | None:
        access_key, secret_key = _name_and_password(authorization)
        with self.grant.database.read() as connection:
            found = self.grant.keeper.find(connection, access_key)
        if found is None or not hmac.compare_digest(found.secret_key.encode(), secret_key.encode()):
            return None
        return found.user


def _described(file: Shown) -> dict[str, object]:
    upload = file.upload
    return {
        "path": upload.path,
        "state": upload.state,
        "meaning": file.meaning,
        "reason": upload.error,
        "remedy": None if file.remedy is None else file.remedy.text,
        "id": upload.id,
        "accession": upload.accession,
        "size": upload.size,
        "changed": iso(upload.changed_at),
    }


def _name_and_password(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return name, password
