"""What the inbox tells: a file came, was renamed or removed."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.messages.base import Message
from shared.messages.fields import FilePath, UploadChecksums


class InboxMessage(Message):
    """Common part of the inbox's messages."""

    routing_key: ClassVar[str] = "inbox"
    user: str
    filepath: FilePath


class InboxUpload(InboxMessage):
    """A file is whole and safe in the inbox."""

    schema_name: ClassVar[str] = "inbox-upload"
    operation: Literal["upload"] = "upload"
    filesize: int | None = Field(default=None, ge=0)
    file_last_modified: int | None = Field(default=None, description="Unix time, seconds")
    encrypted_checksums: UploadChecksums | None = None


class InboxRename(InboxMessage):
    """A file in the inbox has another path."""

    schema_name: ClassVar[str] = "inbox-rename"
    operation: Literal["rename"] = "rename"
    oldpath: FilePath


class InboxRemove(InboxMessage):
    """A file is no longer in the inbox."""

    schema_name: ClassVar[str] = "inbox-remove"
    operation: Literal["remove"] = "remove"
