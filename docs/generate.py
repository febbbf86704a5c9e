"""Generate the pages of docs/reference from the code; with --check tell whether they are what the code says."""

import filecmp
import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, Metric
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.cli import registry
from services.outbox.api import api_description
from services.outbox.exports.api import with_exports
from shared.database.engine import Database
from shared.database.metrics import DatabaseCollector
from shared.database.migrate import upgrade
from shared.messages.base import Message
from shared.messages.catalogue import CATALOGUES, IdRules
from shared.messages.schemas import write_schemas
from shared.settings import variable

REFERENCE = Path(__file__).parent / "reference"
_MADE = "<!-- made by docs/generate.py; `make generate` makes it anew -->\n\n"


def generate(folder: Path) -> None:
    """Write all generated pages below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_schemas(folder / "schemas")
    (folder / "download-api.json").write_text(
        json.dumps(with_exports(api_description()), indent=2) + "\n", encoding="utf-8"
    )
    for name, text in (("configuration", configuration()), ("messages", messages()), ("metrics", metrics())):
        (folder / f"{name}.md").write_text(_MADE + text, encoding="utf-8")


# ---- configuration


def configuration() -> str:
    """Return the page of all settings and the services that read them."""
    users: dict[str, list[str]] = {}
    fields: dict[str, FieldInfo] = {}
    for service in registry.SERVICES:
        for name, field in registry.process_fields(service).items():
            users.setdefault(name, []).append(service)
            fields[name] = field
    rows = [_setting(name, fields[name], users[name]) for name in sorted(fields)]
    head = (
        "# Configuration\n\nEvery service is configured by environment variables, or by files of these names in lower "
        "case in the folder that `STRONGROOM_SECRETS_DIR` names (such as `/run/secrets/strongroom_database_url`). "
        "Lists are JSON. A variable that begins with `STRONGROOM_` and is not here is refused.\n\n"
        "| variable | default | meaning | read by |\n|---|---|---|---|\n"
    )
    return head + "".join(rows)


def _setting(name: str, field: FieldInfo, services: list[str]) -> str:
    readers = "all services" if len(services) == len(registry.SERVICES) else ", ".join(services)
    example = f" Example: `{field.examples[0]}`" if field.examples else ""
    return f"| `{variable(name)}` | {_default(field)} | {field.description}{example} | {readers} |\n"


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined:
        return "(required)"
    if value in (None, (), {}):
        return ""
    assert not isinstance(value, SecretStr)
    return f"`{list(value) if isinstance(value, tuple) else value}`"


# ---- messages


def messages() -> str:
    """Return the page of all messages."""
    rows = "".join(_message(model) for model in CATALOGUES[IdRules.ISOLATED].models.values())
    return (
        "# Messages\n\nExchange `sda` (topic), JSON, `correlation_id` = file id, persistent. What comes in may hold "
        "fields that are not listed here. The schemas differ between the two sets of id rules: "
        "[federated](schemas/federated) (EGAF and EGAD ids) and [isolated](schemas/isolated) (any ids).\n\n"
        f"| message | routing key | meaning | fields |\n|---|---|---|---|\n{rows}"
    )


def _message(model: type[Message]) -> str:
    names = ", ".join(f"`{field.alias or name}`" for name, field in model.model_fields.items())
    link = f"[{model.schema_name}](schemas/isolated/{model.schema_name}.json)"
    return f"| {link} | `{model.routing_key}` | {_first_line(model.__doc__)} | {names} |\n"


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


# ---- metrics

_METRICS = (
    "shared.access.metrics",
    "shared.metrics",
    "shared.storage.metered",
    "services.export.metrics",
    "services.inbox.metrics",
    "services.login.metrics",
    "services.outbox.metrics",
)


def metrics() -> str:
    """Return the page of all metrics."""
    for module in _METRICS:
        import_module(module)
    described = [*REGISTRY.collect(), *_database_metrics()]
    ours = {family.name: family for family in described if family.name.startswith("strongroom_")}
    rows = "".join(
        f"| `{_exposed(ours[name])}` | {ours[name].type} | {ours[name].documentation} |\n" for name in sorted(ours)
    )
    return f"# Metrics\n\nServed by every process at `/metrics`.\n\n| metric | type | meaning |\n|---|---|---|\n{rows}"


def _metric(family: Metric) -> str:
    return f"| `{_exposed(family)}` | {family.type} | {family.documentation} |\n"


def _exposed(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else str(family.name)


def _database_metrics() -> list[Metric]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.db"
        upgrade(url)
        database = Database(url)
        found = list(DatabaseCollector(database).collect())
        database.close()
    return found


def differences(made: Path, kept: Path) -> list[str]:
    """Return the files that differ, or are on one side only."""
    names = {path.relative_to(root) for root in (made, kept) for path in root.rglob("*") if path.is_file()}
    return sorted(str(name) for name in names if not _same(made / name, kept / name))


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and filecmp.cmp(one, other, shallow=False)


def main() -> int:
    """Generate, or check; return the exit code."""
    if "--check" not in sys.argv:
        generate(REFERENCE)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(Path(folder), REFERENCE)
    if stale:
        print(f"out of date, run `make generate`: {', '.join(stale)}", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
