"""Passwords and passphrases: from standard input, never from the command line, where others could read them."""

import sys
from getpass import getpass

from shared.errors import UserError


def read_secret(name: str) -> str:
    """Return the first line of standard input, asked for where it is a terminal. Raises UserError if it is empty."""
    line = getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline()
    secret = line.rstrip("\r\n")
    if not secret:
        raise UserError(f"standard input holds no {name}")
    return secret
