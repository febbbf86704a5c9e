"""The JSON that the interface answers with, as schemas."""

from typing import Any

Schema = dict[str, Any]


def _object(required: dict[str, Schema], **optional: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "string", "format": "date-time"}
TOKEN: Schema = {"type": ["string", "null"], "description": "null on the last page"}
CHECKSUM = _object({"type": TEXT, "checksum": TEXT})

SCHEMAS: dict[str, Schema] = {
    "Anything": {"type": "object"},
    "Status": _object({"status": TEXT}),
    "Readiness": _object({"status": TEXT, "services": {"type": "object", "additionalProperties": TEXT}}),
    "ServiceInfo": _object(
        {
            "id": TEXT,
            "name": TEXT,
            "type": _object({"group": TEXT, "artifact": TEXT, "version": TEXT}),
            "organization": _object({"name": TEXT, "url": TEXT}),
            "version": TEXT,
        },
        description=TEXT,
        environment=TEXT,
    ),
    "Datasets": _object({"datasets": _list(TEXT), "nextPageToken": TOKEN}),
    "Dataset": _object({"datasetId": TEXT, "date": TIME, "files": COUNT, "size": COUNT}),
    "File": _object(
        {
            "fileId": TEXT,
            "filePath": TEXT,
            "size": {**COUNT, "description": "bytes of the body, without a header"},
            "decryptedSize": {"type": ["integer", "null"]},
            "checksums": {**_list(CHECKSUM), "description": "of the plaintext"},
            "downloadUrl": TEXT,
        }
    ),
    "Files": _object({"files": _list(_ref("File")), "nextPageToken": TOKEN}),
    "DrsObject": _object(
        {
            "id": TEXT,
            "self_uri": TEXT,
            "size": {**COUNT, "description": "bytes of the body"},
            "created_time": TIME,
            "checksums": {**_list(CHECKSUM), "description": "of the body"},
            "access_methods": _list({"type": "object"}),
        }
    ),
    "Problem": {
        **_object({"title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "errorCode": TEXT}),
        "description": "Problem details (RFC 9457)",
    },
}
