"""Generate the JSON Schemas of all messages, one file each, for both sets of id rules."""

import json
from pathlib import Path
from typing import Any

from shared.messages.base import Message
from shared.messages.catalogue import CATALOGUES


def schema(model: type[Message]) -> dict[str, Any]:
    """Return the JSON Schema of a message as it is on the wire; unknown fields are allowed unless said otherwise."""
    generated = model.model_json_schema(by_alias=True)
    generated["title"] = model.schema_name
    generated.setdefault("additionalProperties", True)
    constants = [name for name in ("type", "operation") if name in generated["properties"]]
    generated["required"] = sorted({*generated.get("required", []), *constants})
    return generated


def write_schemas(folder: Path) -> None:
    """Write `folder/<rules>/<name>.json` for every message."""
    for rules, catalogue in CATALOGUES.items():
        (folder / rules).mkdir(parents=True, exist_ok=True)
        for name, model in catalogue.models.items():
            text = json.dumps(schema(model), indent=2, sort_keys=True) + "\n"
            (folder / rules / f"{name}.json").write_text(text, encoding="utf-8")
