"""What browsers keep: random, and known to the database by its digest alone."""

import hashlib
import hmac
import secrets


def new_opaque() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def digest(opaque: str) -> str:
    """Return what the database keeps."""
    return hashlib.sha256(opaque.encode()).hexdigest()


def form_token(opaque: str) -> str:
    """Return what a form has to carry that came from this browser: made of what only the browser has."""
    return hmac.digest(opaque.encode(), b"strongroom form", hashlib.sha256).hex()
