"""Passwords are kept as bcrypt hashes; a check costs the same whether or not there is such a user.

Central EGA has hashes of crypt(3) as well: SHA-256 (`$5$`) and SHA-512 (`$6$`).
"""

from functools import cache
from typing import Any

import bcrypt
from passlib.hash import sha256_crypt, sha512_crypt

from shared.errors import UserError

ROUNDS = 12
"""Logarithm of the work of one check: about a quarter of a second."""

MAX_BYTES = 72
"""What bcrypt reads of a password; a longer one is refused instead of cut."""

_MAX_CRYPT_BYTES = 1024
_CRYPT = {"$5$": sha256_crypt, "$6$": sha512_crypt}


def hash_password(password: str, *, rounds: int = ROUNDS) -> str:
    """Return the bcrypt hash of a password. Raises UserError if it is empty or longer than 72 bytes."""
    octets = password.encode()
    if not 0 < len(octets) <= MAX_BYTES or b"\0" in octets:
        raise UserError(f"a password has 1 to {MAX_BYTES} bytes, and no NUL among them")
    return bcrypt.hashpw(octets, bcrypt.gensalt(rounds)).decode("ascii")


def check_password(password_hash: str | None, password: str) -> bool:
    """Tell whether a password fits a hash; None fits nothing, and takes as long to say so.

    It works for a quarter of a second without the interpreter's lock: call it on a thread of its own.
    """
    octets = password.encode(errors="surrogatepass")
    crypt = next((scheme for prefix, scheme in _CRYPT.items() if (password_hash or "").startswith(prefix)), None)
    if crypt is None:
        return _fits_bcrypt(password_hash, octets)
    _fits_bcrypt(None, octets)
    return _fits_crypt(crypt, password_hash, octets)


def _fits_bcrypt(password_hash: str | None, octets: bytes) -> bool:
    usable = 0 < len(octets) <= MAX_BYTES
    try:
        fits = bcrypt.checkpw(octets[:MAX_BYTES], (password_hash or _nobody()).encode("ascii"))
    except ValueError:
        # a hash of yet another scheme
        return False
    return fits and usable and password_hash is not None


def _fits_crypt(scheme: Any, password_hash: str | None, octets: bytes) -> bool:  # noqa: ANN401 - passlib has no types
    if not 0 < len(octets) <= _MAX_CRYPT_BYTES:
        return False
    try:
        return bool(scheme.verify(octets, password_hash))
    except ValueError:
        # a damaged hash, or NUL in the password
        return False


@cache
def _nobody() -> str:
    """Return a hash that costs as much as a real one."""
    return hash_password("nobody")
