"""Passwords are kept as bcrypt hashes; a check costs the same whether or not there is such a user."""

from functools import cache

import bcrypt

from shared.errors import UserError

ROUNDS = 12
"""Logarithm of the work of one check: about a quarter of a second."""

MAX_BYTES = 72
"""What bcrypt reads of a password; a longer one is refused instead of cut."""


def hash_password(password: str, *, rounds: int = ROUNDS) -> str:
    """Return the bcrypt hash of a password. Raises UserError if it is empty or longer than 72 bytes."""
    octets = password.encode()
    if not 0 < len(octets) <= MAX_BYTES or b"\0" in octets:
        raise UserError(f"a password has 1 to {MAX_BYTES} bytes, and no NUL among them")
    return bcrypt.hashpw(octets, bcrypt.gensalt(rounds)).decode("ascii")


def check_password(password_hash: str | None, password: str) -> bool:
    """Tell whether a password fits a bcrypt hash; None fits nothing, and takes as long to say so.

    It works for a quarter of a second without the interpreter's lock: call it on a thread of its own.
    """
    octets = password.encode(errors="surrogatepass")
    usable = 0 < len(octets) <= MAX_BYTES
    try:
        fits = bcrypt.checkpw(octets[:MAX_BYTES], (password_hash or _nobody()).encode("ascii"))
    except ValueError:
        # a hash of another scheme than bcrypt, written by someone else
        return False
    return fits and usable and password_hash is not None


@cache
def _nobody() -> str:
    """Return a hash that costs as much as a real one."""
    return hash_password("nobody")
