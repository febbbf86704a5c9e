"""The interface in OpenAPI 3.1, as it is served at `/openapi.json` and stands in the reference."""

from typing import Any

from services.outbox.api_schemas import SCHEMAS
from services.outbox.service_info import API_VERSION
from shared.http.pages import DEFAULT_SIZE, LARGEST

Json = dict[str, Any]

_BEARER: list[Json] = [{"bearer": []}]
_PROBLEMS = {
    400: "The request is malformed",
    401: "The access token is missing, invalid or expired",
    403: "This does not exist, or may not be read",
    409: "You have as many of these as you may have",
    416: "The range lies beyond the end",
    429: "Too many requests; `Retry-After` says when to come again",
    503: "The archive cannot answer now; `Retry-After` says when to come again",
}


def api_description() -> Json:
    """Return the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Strongroom download",
            "version": API_VERSION,
            "description": "Crypt4GH files, re-encrypted to the reader's key. What may not be read looks as if it did "
            "not exist; a refusal comes before any complaint about the request.",
        },
        "security": _BEARER,
        "paths": {**_public(), **_datasets(), **_files(), **_objects()},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _public() -> Json:
    def shown(summary: str, schema: str, *others: int) -> Json:
        return {"get": {"summary": summary, "security": [], "responses": answers(json_answer(schema), *others)}}

    ready = shown("Whether all that is needed answers", "Readiness")
    ready["get"]["responses"]["503"] = json_answer("Readiness", "Something does not answer")
    return {
        "/service-info": shown("GA4GH service-info", "ServiceInfo"),
        "/openapi.json": shown("This description", "Anything"),
        "/health/live": shown("Whether the process lives", "Status"),
        "/health/ready": ready,
    }


def _datasets() -> Json:
    filters = [
        parameter("filePath", "query", "Only files at this very path", {"type": "string"}),
        parameter("pathPrefix", "query", "Only files whose path starts so; not with `filePath`", {"type": "string"}),
    ]
    return {
        "/datasets": _get("The datasets that may be read", json_answer("Datasets"), _PAGE, 400),
        "/datasets/{datasetId}": _get("A dataset", json_answer("Dataset"), [_id("datasetId")], 403),
        "/datasets/{datasetId}/files": _get(
            "The files of a dataset", json_answer("Files"), [_id("datasetId"), *filters, *_PAGE], 400, 403
        ),
    }


def _objects() -> Json:
    named = [_id("datasetId"), parameter("path", "path", "Path in the dataset", {"type": "string", "minLength": 1})]
    return {"/objects/{datasetId}/{path}": _get("A file as a DRS object", json_answer("DrsObject"), named, 400, 403)}


def _files() -> Json:
    return {
        "/files/{fileId}": _download("Header and body", [*KEYS, *_RANGES], ranged=True),
        "/files/{fileId}/header": _download("The header alone", KEYS, ranged=False),
        "/files/{fileId}/content": _download("The body alone, the same for all readers", _RANGES, ranged=True),
    }


def _download(summary: str, parameters: list[Json], *, ranged: bool) -> Json:
    parameters = [_id("fileId"), *parameters, *_COORDINATES]
    found: Json = {}
    for method, body in (("get", {"application/octet-stream": {}}), ("head", None)):
        whole = {"description": summary, **({"content": body} if body else {})}
        told = answers(whole, 400, 403, 416)
        if ranged and body:
            told["206"] = {"description": "The range that was asked for", "content": body}
        if ranged:
            told["307"] = {"description": "The store gives it, for a few minutes, at the address in `Location`"}
        found[method] = {"summary": summary, "parameters": parameters, "responses": told}
    return found


def _get(summary: str, answer: Json, parameters: list[Json], *problems: int) -> Json:
    return {"get": {"summary": summary, "parameters": parameters, "responses": answers(answer, *problems)}}


def answers(fine: Json, *problems: int, status: int = 200) -> Json:
    """Return what an operation answers: when all is fine, and the problems that may be besides those of all."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told = {str(n): {"description": _PROBLEMS[n], "content": content} for n in (*problems, 401, 429, 503)}
    return {str(status): fine, **told}


def json_answer(schema: str, description: str = "The answer") -> Json:
    """Return an answer whose body is of a schema."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def parameter(name: str, place: str, description: str, schema: Json) -> Json:
    """Return a parameter of an operation."""
    return {"name": name, "in": place, "description": description, "schema": schema, "required": place == "path"}


def _id(name: str) -> Json:
    return parameter(name, "path", "May hold slashes, encoded or not", {"type": "string", "minLength": 1})


_SIZE = {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": DEFAULT_SIZE}
_PAGE = [
    parameter("pageSize", "query", "Most entries of a page", _SIZE),
    parameter("pageToken", "query", "`nextPageToken` of the page before", {"type": "string"}),
]
_KEY = "The reader's Crypt4GH public key: base64 of its 32 bytes, or of its file. One of the two headers is needed."
KEYS = [
    parameter(name, "header", _KEY, {"type": "string"}) for name in ("X-C4GH-Public-Key", "Htsget-Context-Public-Key")
]
_RANGES = [
    parameter("Range", "header", "One range of bytes of this very stream", {"type": "string"}),
    parameter("If-Range", "header", "The range counts while the `ETag` is this", {"type": "string"}),
]
_COUNT = {"type": "integer", "minimum": 0}
_COORDINATES = [
    parameter("startCoordinate", "query", "First byte of the plaintext that is wanted", _COUNT),
    parameter("endCoordinate", "query", "First byte of the plaintext that is not wanted any more", _COUNT),
]
