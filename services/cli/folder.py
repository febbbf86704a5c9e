"""The folder of an embedded node: database, store and keys."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from shared.crypto.keys import generate, write_key_pair
from shared.database.migrate import upgrade
from shared.errors import ConfigurationError

_PEM = serialization.Encoding.PEM
_PLAIN = serialization.NoEncryption()


@dataclass(frozen=True)
class Folder:
    """Where an embedded node keeps what it has."""

    root: Path

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.root.resolve() / 'strongroom.db'}"

    @property
    def archive_secret(self) -> Path:
        return self.root / "keys" / "archive.sec"

    @property
    def archive_public(self) -> Path:
        return self.root / "keys" / "archive.pub"

    @property
    def token_key(self) -> Path:
        """Private key (ES256, PKCS #8 PEM) that signs access tokens."""
        return self.root / "keys" / "token.pem"

    @property
    def credentials_secret(self) -> Path:
        """Secret that S3 credentials are made with."""
        return self.root / "keys" / "credentials.secret"

    @property
    def host_key(self) -> Path:
        """Host key (ed25519, OpenSSH form) of the SFTP front."""
        return self.root / "keys" / "ssh_host_ed25519_key"

    @property
    def addresses(self) -> dict[str, str]:
        """Where the fronts of the node listen, or listened when it ran last."""
        path = self.root / "addresses.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}

    def keep_addresses(self, addresses: Mapping[str, str]) -> None:
        """Note where the fronts listen, for commands about the node."""
        (self.root / "addresses.json").write_text(json.dumps(addresses), encoding="utf-8")

    def store(self, name: str) -> str:
        """Return the location of one of the node's stores: inbox, archive, backup or exports."""
        return f"dir:{self.root.resolve() / 'store' / name}"

    def prepare(self) -> None:
        """Make what is missing: folders, keys, database with the present schema."""
        (self.root / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)
        if not self.archive_secret.exists():
            write_key_pair(generate(), self.archive_secret, self.archive_public, None)
        if not self.token_key.exists():
            _write_secret(self.token_key, new_token_key())
        if not self.credentials_secret.exists():
            _write_secret(self.credentials_secret, secrets.token_hex(32).encode())
        if not self.host_key.exists():
            _write_secret(self.host_key, _new_host_key())
        upgrade(self.database_url)

    def require(self) -> None:
        """Raise ConfigurationError if there is no node in the folder."""
        if not (self.root / "strongroom.db").exists():
            raise ConfigurationError(
                f"{self.root} holds no node: make one with `strongroom up --embedded --data {self.root}`"
            )


def new_token_key() -> bytes:
    """Return a new private key that signs access tokens."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, _PLAIN)


def _new_host_key() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(_PEM, serialization.PrivateFormat.OpenSSH, _PLAIN)


def _write_secret(path: Path, content: bytes) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)
