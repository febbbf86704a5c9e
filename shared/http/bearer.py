"""Who asks: the access token in the `Authorization` header (RFC 6750, section 2.1), and nowhere else."""

from starlette.requests import Request

from shared.access.tokens import NotAuthenticated, TokenVerifier


def authenticated(request: Request, verifier: TokenVerifier) -> str:
    """Return the user who asks. Raises NotAuthenticated."""
    values = request.headers.getlist("authorization")
    if len(values) != 1:
        raise NotAuthenticated
    scheme, _, token = values[0].partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticated
    return verifier.verify(token.strip())
