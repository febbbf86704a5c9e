"""Error messages, key rotation, and the clean-up of the inbox."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.messages.base import Message
from shared.messages.fields import FilePath, UploadChecksums

LowerCaseUuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class ErrorMessage(Message):
    """Something was refused: why, and the message that asked for it as text."""

    schema_name: ClassVar[str] = "info-error"
    routing_key: ClassVar[str] = "error"
    error: str
    reason: str = Field(min_length=1)
    original_message: str = Field(alias="original-message")


class UserErrorMessage(Message):
    """A submitter's file was refused (declared by FEGA, sent by no service of the incumbent)."""

    schema_name: ClassVar[str] = "ingestion-user-error"
    routing_key: ClassVar[str] = "error"
    user: str
    filepath: FilePath
    reason: str
    encrypted_checksums: UploadChecksums | None = None


class RotateKey(Message):
    """The header of a file is to be re-encrypted to the archive's new key."""

    schema_name: ClassVar[str] = "rotate-key"
    routing_key: ClassVar[str] = "rotatekey"
    type: Literal["key_rotation"] = "key_rotation"
    file_id: LowerCaseUuid


class Cleanup(Message):
    """Inbox objects of these files are no longer needed: they are archived, backed up and in a dataset."""

    schema_name: ClassVar[str] = "inbox-cleanup"
    routing_key: ClassVar[str] = "cleanup"
    type: Literal["cleanup"] = "cleanup"
    file_ids: tuple[LowerCaseUuid, ...]
