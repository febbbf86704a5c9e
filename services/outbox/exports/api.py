"""The description of the exports' routes, for nodes that have exports."""

from typing import Any

from services.outbox.api import KEYS, answers, json_answer, parameter
from services.outbox.api_schemas import COUNT, TEXT, TIME, Schema, list_of, object_of, reference

Json = dict[str, Any]

_STATES = ["queued", "running", "done", "refused"]
_NAMES = {"datasetId": TEXT, "fileId": TEXT}
_REFUSAL = object_of({"fileId": TEXT, "reason": TEXT})
_EXPORT = object_of(
    {
        "exportId": TEXT,
        "state": {"type": "string", "enum": _STATES},
        "created": TIME,
        "expires": TIME,
        "location": {**TEXT, "description": "where its files are: `<location><file id>/<path>`"},
        "files": object_of({"listed": COUNT, "written": COUNT, "refused": COUNT}),
        "bytes": {**object_of({"listed": COUNT, "written": COUNT}), "description": "of bodies"},
    },
    **_NAMES,
    reason={**TEXT, "description": "why it is refused as a whole"},
    refused={**list_of(_REFUSAL), "description": "files that were not written, a hundred at most"},
)
_SCHEMAS: dict[str, Schema] = {
    "ExportRequest": {
        "type": "object",
        "oneOf": [{"required": ["datasetId"]}, {"required": ["fileId"]}],
        "properties": {name: {"type": "string", "minLength": 1} for name in _NAMES},
    },
    "Export": _EXPORT,
    "Exports": object_of({"exports": list_of(reference("Export"))}),
}


def with_exports(description: Json) -> Json:
    """Return a description of the interface that tells of exports besides."""
    components = description["components"]
    return {
        **description,
        "paths": {**description["paths"], "/exports": _collection(), "/exports/{exportId}": _member()},
        "components": {**components, "schemas": {**components["schemas"], **_SCHEMAS}},
    }


def _collection() -> Json:
    accepted = json_answer("Export", "It will be written; `Location` tells how far it is")
    return {
        "get": {"summary": "The exports of the reader", "responses": answers(json_answer("Exports"))},
        "post": {
            "summary": "Have a dataset or a file written to the place of the exports",
            "parameters": KEYS,
            "requestBody": {"required": True, "content": {"application/json": {"schema": reference("ExportRequest")}}},
            "responses": answers(accepted, 400, 403, 409, status=202),
        },
    }


def _member() -> Json:
    named = [parameter("exportId", "path", "Its id", {"type": "string", "minLength": 1})]
    removed = {"description": "It is removed, and so will be what was written of it"}
    return {
        "get": {
            "summary": "How far an export is",
            "parameters": named,
            "responses": answers(json_answer("Export"), 403),
        },
        "delete": {
            "summary": "Give an export up",
            "parameters": named,
            "responses": answers(removed, 403, status=204),
        },
    }
