"""The messages on a file's way from the inbox to an accession id."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.messages.base import Message
from shared.messages.fields import AnyId, Checksums, EgaFileId, FilePath, PlainChecksums, UploadChecksums


class IngestTrigger(Message):
    """Central EGA or archive staff ask to ingest a file, or to cancel it."""

    schema_name: ClassVar[str] = "ingestion-trigger"
    routing_key: ClassVar[str] = "ingest"
    type: Literal["ingest", "cancel"]
    user: str = Field(min_length=2)
    filepath: FilePath
    encrypted_checksums: UploadChecksums | None = None


class Archived(Message):
    """The body of a file is in the archive and waits to be verified."""

    schema_name: ClassVar[str] = "ingestion-verification"
    routing_key: ClassVar[str] = "archived"
    user: str
    filepath: str
    file_id: str
    archive_path: str
    encrypted_checksums: Checksums
    re_verify: bool = False


class Verified(Message):
    """A file decrypts and is what was sent; it may be given an accession id."""

    schema_name: ClassVar[str] = "ingestion-accession-request"
    routing_key: ClassVar[str] = "verified"
    user: str
    filepath: str
    decrypted_checksums: PlainChecksums


class Accession(Message):
    """A file is given its accession id."""

    schema_name: ClassVar[str] = "ingestion-accession"
    routing_key: ClassVar[str] = "accession"
    type: Literal["accession"] = "accession"
    user: str
    filepath: str
    accession_id: AnyId
    decrypted_checksums: Checksums


class Completed(Message):
    """A file has its accession id and a verified backup copy."""

    schema_name: ClassVar[str] = "ingestion-completion"
    routing_key: ClassVar[str] = "completed"
    user: str
    filepath: str
    accession_id: AnyId
    decrypted_checksums: PlainChecksums


class FederatedAccession(Accession):
    """The same with an id of the EGA."""

    accession_id: EgaFileId


class FederatedCompleted(Completed):
    """The same with an id of the EGA."""

    accession_id: EgaFileId
