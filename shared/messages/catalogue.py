"""Which models a node speaks (federated or isolated ids), and how a body becomes one of them."""

from codecs import BOM_UTF8
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from shared.errors import MessageRefused
from shared.messages.base import Message
from shared.messages.datasets import (
    Deprecate,
    FederatedDeprecate,
    FederatedMapping,
    FederatedPermission,
    FederatedPermissionDeleted,
    FederatedRelease,
    FileSync,
    Mapping,
    MetadataSync,
    Permission,
    PermissionDeleted,
    Release,
)
from shared.messages.exports import Export, ExportFile
from shared.messages.inbox import InboxRemove, InboxRename, InboxUpload
from shared.messages.ingestion import (
    Accession,
    Archived,
    Completed,
    FederatedAccession,
    FederatedCompleted,
    IngestTrigger,
    Verified,
)
from shared.messages.operations import Cleanup, ErrorMessage, RotateKey, UserErrorMessage

M = TypeVar("M", bound=Message)


class IdRules(StrEnum):
    """Which ids a node accepts: those of the EGA, or any."""

    FEDERATED = "federated"
    ISOLATED = "isolated"


@dataclass(frozen=True)
class Catalogue:
    """The models of one set of rules, by the name of their schema."""

    rules: IdRules
    models: MappingType[str, type[Message]]

    def model(self, kind: type[M]) -> type[M]:
        """Return the model that stands for `kind` under these rules."""
        found = self.models[kind.schema_name]
        assert issubclass(found, kind)
        return found

    def read(self, body: bytes, *kinds: type[M]) -> M:
        """Read a message that must be one of `kinds`, told apart by `type` or `operation`.

        Raises MessageRefused with a sentence for the sender.
        """
        data = _json_object(body)
        kind = _chosen(data, kinds)
        try:
            return self.model(kind).model_validate(data)
        except ValidationError as error:
            raise MessageRefused(f"the message is not a valid {kind.schema_name}: {_first_faults(error)}") from None


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        # not left to `json`, which takes more than others do: UTF-16, which is spoilt where the text is passed on, and
        # half of a surrogate pair, which no database and no other message can hold
        data = from_json(body.removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError:
        raise MessageRefused("the message is not JSON") from None
    if not isinstance(data, dict):
        raise MessageRefused("the message is not a JSON object")
    return data


def message_type(body: bytes) -> str:
    """Return the `type` of a message; raises MessageRefused if there is none."""
    kind = _json_object(body).get("type")
    if not isinstance(kind, str):
        raise MessageRefused("the message has no type")
    return kind


def _chosen(data: dict[str, Any], kinds: tuple[type[M], ...]) -> type[M]:
    if len(kinds) == 1:
        return kinds[0]
    tag = data.get("type", data.get("operation"))
    for kind in kinds:
        if any(kind.model_fields[name].default == tag for name in ("type", "operation") if name in kind.model_fields):
            return kind
    expected = ", ".join(kind.schema_name for kind in kinds)
    raise MessageRefused(f"the message has an unknown type; expected one of {expected}")


def _first_faults(error: ValidationError) -> str:
    faults = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:3]]
    return "; ".join(faults)


_COMMON: tuple[type[Message], ...] = (
    InboxUpload, InboxRename, InboxRemove, IngestTrigger, Archived, Verified,
    ErrorMessage, UserErrorMessage, RotateKey, FileSync, MetadataSync, Cleanup,
    Export, ExportFile,
)  # fmt: skip
_ISOLATED: tuple[type[Message], ...] = (
    Accession, Completed, Mapping, Release, Deprecate, Permission, PermissionDeleted,
)  # fmt: skip
_FEDERATED: tuple[type[Message], ...] = (
    FederatedAccession, FederatedCompleted, FederatedMapping, FederatedRelease, FederatedDeprecate,
    FederatedPermission, FederatedPermissionDeleted,
)  # fmt: skip


def _catalogue(rules: IdRules, *models: type[Message]) -> Catalogue:
    return Catalogue(rules=rules, models={model.schema_name: model for model in (*_COMMON, *models)})


CATALOGUES = {
    IdRules.ISOLATED: _catalogue(IdRules.ISOLATED, *_ISOLATED),
    IdRules.FEDERATED: _catalogue(IdRules.FEDERATED, *_FEDERATED),
}
