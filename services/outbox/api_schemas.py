"""The JSON that the interface answers with, as schemas."""

from typing import Any

Schema = dict[str, Any]


def object_of(required: dict[str, Schema], **optional: Schema) -> Schema:
    """Return an object with these properties."""
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def list_of(item: Schema) -> Schema:
    """Return a list of such items."""
    return {"type": "array", "items": item}


def reference(name: str) -> Schema:
    """Return a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "string", "format": "date-time"}
TOKEN: Schema = {"type": ["string", "null"], "description": "null on the last page"}
CHECKSUM = object_of({"type": TEXT, "checksum": TEXT})

SCHEMAS: dict[str, Schema] = {
    "Anything": {"type": "object"},
    "Status": object_of({"status": TEXT}),
    "Readiness": object_of({"status": TEXT, "services": {"type": "object", "additionalProperties": TEXT}}),
    "ServiceInfo": object_of(
        {
            "id": TEXT,
            "name": TEXT,
            "type": object_of({"group": TEXT, "artifact": TEXT, "version": TEXT}),
            "organization": object_of({"name": TEXT, "url": TEXT}),
            "version": TEXT,
        },
        description=TEXT,
        environment=TEXT,
    ),
    "Datasets": object_of({"datasets": list_of(TEXT), "nextPageToken": TOKEN}),
    "Dataset": object_of({"datasetId": TEXT, "date": TIME, "files": COUNT, "size": COUNT}),
    "File": object_of(
        {
            "fileId": TEXT,
            "filePath": TEXT,
            "size": {**COUNT, "description": "bytes of the body, without a header"},
            "decryptedSize": {"type": ["integer", "null"]},
            "checksums": {**list_of(CHECKSUM), "description": "of the plaintext"},
            "downloadUrl": TEXT,
        }
    ),
    "Files": object_of({"files": list_of(reference("File")), "nextPageToken": TOKEN}),
    "DrsObject": object_of(
        {
            "id": TEXT,
            "self_uri": TEXT,
            "size": {**COUNT, "description": "bytes of the body"},
            "created_time": TIME,
            "checksums": {**list_of(CHECKSUM), "description": "of the body"},
            "access_methods": list_of({"type": "object"}),
        }
    ),
    "Problem": {
        **object_of({"title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "errorCode": TEXT}),
        "description": "Problem details (RFC 9457)",
    },
}
