"""Settings of the messages."""

from pydantic import Field

from shared.messages.catalogue import CATALOGUES, Catalogue, IdRules
from shared.settings import Settings


class MessageSettings(Settings):
    """Which ids this node accepts."""

    ids: IdRules = Field(
        default=IdRules.ISOLATED,
        description="`federated`: EGAF and EGAD ids only, for a node of the Federated EGA; `isolated`: any ids.",
    )

    @property
    def catalogue(self) -> Catalogue:
        return CATALOGUES[self.ids]
