"""The services by name: their settings and how they are put together. Imported only when one is started."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, NoReturn

from pydantic.fields import FieldInfo

from shared.broker.node import Assembly, Node
from shared.service import ServerSettings
from shared.settings import Settings

SERVICES = ("inbox", "intercept", "ingest", "verify", "finalize", "mapper", "outbox", "export", "login", "orchestrate")


def settings_of(service: str) -> type[Settings]:
    """Return the settings that a service needs besides those of the servers."""
    module = import_module(f"services.{service}.settings")
    found: type[Settings] = getattr(module, f"{service.capitalize()}Settings")
    return found


def assemble(service: str, node: Node, settings: Settings) -> Assembly:
    """Put a service together on a node."""
    build: Callable[[Node, Any], Assembly] = import_module(f"services.{service}.wiring").assemble
    return build(node, settings)


def process_fields(service: str) -> Mapping[str, FieldInfo]:
    """Return all that the process of a service needs to know on the real stack, without importing what it does."""
    return {**ServerSettings.model_fields, **settings_of(service).model_fields}


def all_fields() -> Iterable[str]:
    """Return the names of the settings of all services."""
    return {name for service in SERVICES for name in process_fields(service)}


def serve(service: str) -> NoReturn:
    """Become the process of a service, without what the command line has imported."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", f"services.{service}"])  # noqa: S606 - that is the point
