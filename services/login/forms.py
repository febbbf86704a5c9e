"""Forms that browsers send: small, from our own pages, and never believed when another site sent them."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from services.login.errors import FormExpired
from services.login.opaque import form_token

FIELD = "form_token"
_LARGEST = 16 * 1024
_MOST_FIELDS = 20


async def read_form(request: Request, opaque: str | None) -> Mapping[str, str]:
    """Return the fields of a form; `opaque` is what the browser keeps. Raises FormExpired if it is not of our page."""
    if opaque is None or not _is_from_here(request):
        raise FormExpired
    fields = _fields(await _body(request))
    if not hmac.compare_digest(fields.get(FIELD, "").encode(), form_token(opaque).encode()):
        raise FormExpired
    return fields


def _is_from_here(request: Request) -> bool:
    """Tell whether the browser says that the form is of this site, or says nothing."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise FormExpired
    return bytes(body)


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}
