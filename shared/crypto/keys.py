"""X25519 key pairs: made, read from files and HTTP headers, and written."""

import base64
import binascii
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.crypto.errors import BadPublicKey, KeyFileError
from shared.crypto.library import key_files, key_format, translated

_KEY = 32
_BEGIN_PUBLIC = "-----BEGIN CRYPT4GH PUBLIC KEY-----"
_END_PUBLIC = "-----END CRYPT4GH PUBLIC KEY-----"
_LONGEST_TEXT = 1024
_KEYS_KNOWN = 1024

# Any key serves to find out whether a point is of low order: their product is zero for all of them (RFC 7748, 6.1).
_probe = X25519PrivateKey.generate()


@dataclass(frozen=True)
class PublicKey:
    """The key that a file is encrypted for: 32 bytes.

    Raises BadPublicKey for another length and for points of low order, with which anybody could open the file.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != _KEY:
            raise BadPublicKey(f"A Crypt4GH public key has {_KEY} bytes, and this has {len(self.raw)}.")
        try:
            _probe.exchange(X25519PublicKey.from_public_bytes(self.raw))
        except ValueError as error:
            raise BadPublicKey("This public key gives no protection: make a new key pair.") from error

    def hex(self) -> str:
        """Return the key in lower-case hexadecimal digits."""
        return self.raw.hex()

    @property
    def fingerprint(self) -> str:
        """What names the key in messages and in the database: FEGA's `key_hash`, the key in hexadecimal digits."""
        return self.hex()

    def pem(self) -> str:
        """Return the text of a Crypt4GH public key file."""
        return f"{_BEGIN_PUBLIC}\n{base64.b64encode(self.raw).decode()}\n{_END_PUBLIC}\n"


class PrivateKey:
    """The key that opens files: 32 bytes that never show in repr, str or pickle."""

    __slots__ = ("_public", "_secret")

    def __init__(self, secret: bytes) -> None:
        """Raise ValueError unless `secret` has 32 bytes."""
        self._secret = bytes(secret)
        self._public = PublicKey(X25519PrivateKey.from_private_bytes(self._secret).public_key().public_bytes_raw())

    @property
    def secret(self) -> bytes:
        """The key itself, for those who compute with it."""
        return self._secret

    @property
    def public(self) -> PublicKey:
        """The public key that belongs to it."""
        return self._public

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the public key."""
        return self._public.fingerprint

    def derived(self, purpose: bytes, length: int) -> bytes:
        """Return a secret for one purpose (RFC 5869), the same wherever this key is; it does not give the key away."""
        return HKDF(SHA256(), length, salt=None, info=b"strongroom: " + purpose).derive(self._secret)

    def __repr__(self) -> str:
        return f"PrivateKey(fingerprint={self.fingerprint!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrivateKey) and self._public == other._public

    def __hash__(self) -> int:
        return hash(self._public)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


def generate() -> PrivateKey:
    """Return a new random private key."""
    return PrivateKey(os.urandom(_KEY))


def load_private_key(path: Path | str, passphrase: str | None) -> PrivateKey:
    """Read a Crypt4GH or an OpenSSH (ed25519) private key file; KeyFileError says what is wrong with it.

    The library prints a line of its own to stderr when the passphrase is wrong.
    """
    hint = "check the passphrase" if passphrase else "give its passphrase, if it has one"
    refusal = KeyFileError(f"{path}: not a readable Crypt4GH or OpenSSH ed25519 private key; {hint}")
    with _file_errors(path), translated(refusal):
        return PrivateKey(key_files.get_private_key(path, lambda: passphrase or ""))


def load_public_key(path: Path | str) -> PublicKey:
    """Read a Crypt4GH or an OpenSSH (ssh-ed25519) public key file; KeyFileError says what is wrong with it."""
    refusal = KeyFileError(f"{path}: not a readable Crypt4GH or OpenSSH ed25519 public key; check the file")
    with _file_errors(path), translated(refusal):
        raw = bytes(key_files.get_public_key(path))
    try:
        return PublicKey(raw)
    except BadPublicKey as error:
        raise KeyFileError(f"{path}: {error}") from error


@lru_cache(maxsize=_KEYS_KNOWN)
def parse_public_key(text: str | bytes) -> PublicKey:
    """Read a Crypt4GH public key as HTTP clients send it; raises BadPublicKey.

    Taken are the text of a public key file, that text in base64, and the 32 bytes of the key in base64. Good ones are
    remembered: to find out that a point is not of low order takes as long as half of a small download.
    """
    if len(text) > _LONGEST_TEXT:
        raise BadPublicKey
    key = _from_base64_or_pem(text)
    return PublicKey(key if len(key) == _KEY else _from_base64_or_pem(key))


def write_key_pair(private: PrivateKey, secret_path: Path, public_path: Path, passphrase: str | None) -> None:
    """Write both Crypt4GH key files, the secret one with mode 0600; KeyFileError when one of them is there already."""
    if public_path.exists():
        raise KeyFileError(f"{public_path}: there is a file already; move it away or choose another name")
    content = base64.b64encode(_encoded(private, passphrase)).decode()
    secret = f"-----BEGIN CRYPT4GH PRIVATE KEY-----\n{content}\n-----END CRYPT4GH PRIVATE KEY-----\n"
    _write_new(secret_path, secret, mode=0o600)
    _write_new(public_path, private.public.pem(), mode=0o644)


def _from_base64_or_pem(text: str | bytes) -> bytes:
    try:
        stripped = (text if isinstance(text, str) else text.decode("ascii")).strip()
        if stripped.startswith(_BEGIN_PUBLIC) and stripped.endswith(_END_PUBLIC):
            stripped = stripped.removeprefix(_BEGIN_PUBLIC).removesuffix(_END_PUBLIC).strip()
        return base64.b64decode(stripped, validate=True)
    except (UnicodeError, binascii.Error, ValueError) as error:
        raise BadPublicKey from error


def _encoded(private: PrivateKey, passphrase: str | None) -> bytes:
    if passphrase:
        return bytes(key_format.encode_private_key(private.secret, passphrase.encode(), None))
    # The library would print a warning about this on stderr.
    fields = (b"none", b"none", private.secret)
    return bytes(key_format.MAGIC_WORD) + b"".join(key_format.encode_string(field) for field in fields)


def _write_new(path: Path, text: str, *, mode: int) -> None:
    with _file_errors(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)


@contextmanager
def _file_errors(path: Path | str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise KeyFileError(f"{path}: there is a file already; move it away or choose another name") from error
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; check the path and its permissions") from error
