"""Messages about exports, which only our own services exchange."""

from typing import ClassVar, Literal

from shared.messages.base import Message
from shared.messages.operations import LowerCaseUuid


class Export(Message):
    """The files of an export are to be listed: all, or those whose ids sort behind `after`."""

    schema_name: ClassVar[str] = "export-start"
    routing_key: ClassVar[str] = "exports"
    type: Literal["export"] = "export"
    export_id: LowerCaseUuid
    after: LowerCaseUuid | None = None


class ExportFile(Message):
    """A file of an export is to be written."""

    schema_name: ClassVar[str] = "export-file"
    routing_key: ClassVar[str] = "exports"
    type: Literal["export_file"] = "export_file"
    export_id: LowerCaseUuid
    file_id: LowerCaseUuid
