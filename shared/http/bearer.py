"""Who asks: the access token in the `Authorization` header (RFC 6750, section 2.1), and nowhere else."""

from anyio.to_thread import run_sync
from starlette.requests import Request

from shared.access.tokens import NotAuthenticated, TokenVerifier


async def authenticated(request: Request, verifier: TokenVerifier) -> str:
    """Return the user who asks. Raises NotAuthenticated."""
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        raise NotAuthenticated
    scheme, _, token = values[0].partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated
    return await verified(token.strip(), verifier)


async def verified(token: str, verifier: TokenVerifier) -> str:
    """Return the subject of a token, off the event loop if its issuer has to be asked. Raises NotAuthenticated."""
    if verifier.is_prepared(token):
        return verifier.verify(token)
    return await run_sync(verifier.verify, token)
