"""What can be wrong with a Crypt4GH file or key, in words for people who are not cryptographers."""

from shared.errors import ConfigurationError, FileRefused, UserError


class NotCrypt4GH(FileRefused):
    """The file is not in the Crypt4GH format (version 1): encrypt it with a Crypt4GH tool and upload it again."""


class HeaderTooLarge(FileRefused):
    """The header of the file is larger than this archive accepts: encrypt it for fewer readers and upload it again."""


class NoFittingKey(FileRefused):
    """The file is not encrypted for this archive: encrypt it with the archive's public key and upload it again."""


class BadHeader(FileRefused):
    """The header of the file is damaged: encrypt the original file again and upload the result."""


class BodyDamaged(FileRefused):
    """A segment of the body (64 KiB of data each, counted from 0) does not match its checksum (MAC)."""

    def __init__(self, segment: int) -> None:
        self.segment = segment
        super().__init__(
            f"The file is damaged in segment {segment} (64 KiB of data each, counted from 0): the segment was changed, "
            "or it is encrypted with a key that the header does not hold. Upload the file again; "
            "if that does not help, encrypt the original again."
        )


class BodyTruncated(FileRefused):
    """The file ends in the middle of a segment: the upload is not complete. Upload the file again."""


class KeyFileError(ConfigurationError):
    """A key file can't be used: the message names the file and says what to do."""


class BadPublicKey(UserError):
    """This is not a Crypt4GH public key: give the whole text of the public key file, or its 32 bytes in base64."""
