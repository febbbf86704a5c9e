"""Settings of the archive's keys."""

from pathlib import Path

from pydantic import Field, SecretStr

from shared.crypto.keys import PrivateKey, load_private_key
from shared.settings import Settings


class KeySettings(Settings):
    """The private keys that open what was sent to the archive."""

    archive_keys: tuple[Path, ...] = Field(
        description="Private key files (Crypt4GH or OpenSSH ed25519); each is tried.",
        examples=['["/run/secrets/archive.sec"]'],
        min_length=1,
    )
    archive_key_passphrase: SecretStr | None = Field(
        default=None, description="Passphrase of these files; none: they have no passphrase."
    )

    def load_keys(self) -> tuple[PrivateKey, ...]:
        """Read the keys; raises KeyFileError, which names the file."""
        passphrase = self.archive_key_passphrase
        text = None if passphrase is None else passphrase.get_secret_value()
        return tuple(load_private_key(path, text) for path in self.archive_keys)
