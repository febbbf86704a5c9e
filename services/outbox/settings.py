"""Settings of outbox: the sum of what its adapters need."""

from typing import Literal

from pydantic import Field

from shared.access.settings import PassportSettings
from shared.crypto.settings import KeySettings
from shared.storage.locations import ArchiveStoreSettings, ExportStoreSettings


class OutboxSettings(PassportSettings, KeySettings, ArchiveStoreSettings, ExportStoreSettings):
    """What outbox needs to know."""

    outbox_address: str = Field(
        default="127.0.0.1:8080",
        description="Address of the download side, as host:port; an IPv6 host in brackets. TLS is the proxy's.",
    )
    outbox_address_shared: bool = Field(
        default=False,
        description="Whether other processes on this machine may listen on the same address and share its readers: "
        "one process uses one core.",
    )
    outbox_public_url: str | None = Field(
        default=None,
        description="URL at which readers find the download side; none: the one by which they asked.",
        examples=["https://download.example.org"],
    )
    outbox_own_files: bool = Field(
        default=False,
        description="Whether submitters may read what they have submitted, once its dataset is released. For nodes "
        "where a name in a token and the same name in the inbox are always one person.",
    )
    outbox_content: Literal["stream", "redirect"] = Field(
        default="stream",
        description="How `/files/{id}/content` is given out: passed on, or by a redirect (307) to an address of the "
        "S3 server that is good for this object and a few minutes. Folders have no addresses: they are passed on.",
    )
    outbox_redirect_seconds: int = Field(
        default=300, ge=10, le=604800, description="For so long such an address is good."
    )
    outbox_redirect_endpoint: str | None = Field(
        default=None,
        description="URL of the S3 server as readers reach it; none: `STRONGROOM_S3_ENDPOINT`.",
        examples=["https://s3.example.org"],
    )
    outbox_reader_requests: int = Field(
        default=100, ge=1, description="Requests of one reader that may be under way at a time, in each process."
    )
    outbox_reader_rate: float = Field(
        default=200,
        gt=0,
        description="Requests a second of one reader in the long run, in each process; ten times as many may come at "
        "once. More are answered with 429.",
    )
    outbox_stall_seconds: float = Field(
        default=600, gt=0, description="A reader who takes not a single byte for so long is cut off."
    )
    export_days: float = Field(default=14, gt=0, le=3650, description="Days after which an export is removed.")
    export_most: int = Field(default=10, ge=1, description="Exports that one reader may have at a time.")
    node_id: str = Field(default="org.example.strongroom", description="Id of the node in GA4GH service-info.")
    node_name: str = Field(default="Strongroom", description="Name of the node in GA4GH service-info.")
    organization_name: str = Field(default="Example", description="Who runs the node, in GA4GH service-info.")
    organization_url: str = Field(default="https://example.org", description="Their home page.")
    node_environment: str | None = Field(
        default=None, description="Kind of the node in GA4GH service-info.", examples=["production"]
    )
