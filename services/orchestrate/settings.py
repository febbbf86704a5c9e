"""Settings of orchestrate: the sum of what its adapters need."""

from pydantic import Field

from shared.messages.settings import MessageSettings


class OrchestrateSettings(MessageSettings):
    """What orchestrate needs to know."""

    accession_pattern: str = Field(
        default="urn:strongroom:{file_id}",
        description="How accession ids are made, of `{file_id}` and `{number}`.",
        examples=["EGAF{number:011d}"],
    )
