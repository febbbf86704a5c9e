"""What the service says of itself to everybody (GA4GH service-info 1.0)."""

from typing import Any

from services.outbox.settings import OutboxSettings

DRS = ("drs", "1.5.0")
HTSGET = ("htsget", "1.3.0")
API_VERSION = "2.0.0"
"""Version of the incumbent's download interface that this one is compatible with."""


def service_info(settings: OutboxSettings, kind: tuple[str, str] = DRS) -> dict[str, Any]:
    """Return the description of one of the interfaces: its name and its version among the standards of GA4GH."""
    artifact, version = kind
    found = {
        "id": settings.node_id,
        "name": settings.node_name,
        "type": {"group": "org.ga4gh", "artifact": artifact, "version": version},
        "description": "Crypt4GH files, re-encrypted to the reader's key",
        "organization": {"name": settings.organization_name, "url": settings.organization_url},
        "version": API_VERSION,
    }
    if settings.node_environment is not None:
        found["environment"] = settings.node_environment
    return found
