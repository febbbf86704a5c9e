"""The messages about datasets, and the ones with which nodes keep each other in step."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from shared.messages.base import Message, Model
from shared.messages.fields import AnyId, EgaDatasetId, EgaFileId, Sha256


class DatasetMessage(Message):
    """Common part of the messages about a dataset."""

    routing_key: ClassVar[str] = "mappings"
    dataset_id: AnyId


class Mapping(DatasetMessage):
    """Files belong to a dataset."""

    schema_name: ClassVar[str] = "dataset-mapping"
    type: Literal["mapping"] = "mapping"
    accession_ids: tuple[Annotated[str, Field(pattern=r"^\S+$")], ...]


class Release(DatasetMessage):
    """A dataset may be read by those who have a grant."""

    schema_name: ClassVar[str] = "dataset-release"
    type: Literal["release"] = "release"


class Deprecate(DatasetMessage):
    """A dataset is no longer to be read."""

    schema_name: ClassVar[str] = "dataset-deprecate"
    type: Literal["deprecate"] = "deprecate"


class PermittedUser(Model):
    """Someone who was granted a dataset; what else Central EGA says of them is not kept."""

    username: str = Field(min_length=1, max_length=255)


class Permission(DatasetMessage):
    """A data access committee lets users read a dataset, until a time if one is given (Central EGA)."""

    schema_name: ClassVar[str] = "dataset-permission"
    type: Literal["permission"] = "permission"
    users: tuple[PermittedUser, ...]
    expires_at: AwareDatetime | None = None


class PermissionDeleted(DatasetMessage):
    """A user may not read a dataset any more (Central EGA)."""

    schema_name: ClassVar[str] = "dataset-permission-deleted"
    type: Literal["permission.deleted"] = "permission.deleted"
    user: str = Field(min_length=1, max_length=255)


class FederatedPermission(Permission):
    """The same with an id of the EGA."""

    dataset_id: EgaDatasetId


class FederatedPermissionDeleted(PermissionDeleted):
    """The same with an id of the EGA."""

    dataset_id: EgaDatasetId


class FederatedMapping(Mapping):
    """The same with ids of the EGA."""

    dataset_id: EgaDatasetId
    accession_ids: tuple[EgaFileId, ...]


class FederatedRelease(Release):
    """The same with an id of the EGA."""

    dataset_id: EgaDatasetId


class FederatedDeprecate(Deprecate):
    """The same with an id of the EGA."""

    dataset_id: EgaDatasetId


class SyncedFile(Model):
    """A file in a `FileSync` message."""

    filepath: str = Field(min_length=5)
    file_id: str = Field(min_length=11, pattern=r"^\S+$")
    sha256: Sha256


class FileSync(Message):
    """Another centre announces the files of a dataset (Bigpicture)."""

    model_config = ConfigDict(extra="forbid")
    schema_name: ClassVar[str] = "file-sync"
    routing_key: ClassVar[str] = "sync"
    dataset_id: str = Field(min_length=11, pattern=r"^\S+$")
    user: str = Field(min_length=5)
    dataset_files: tuple[SyncedFile, ...] = Field(min_length=1)


class MetadataSync(Message):
    """Another centre sends the metadata of a dataset (Bigpicture)."""

    model_config = ConfigDict(extra="forbid")
    schema_name: ClassVar[str] = "metadata-sync"
    routing_key: ClassVar[str] = "sync"
    dataset_id: str = Field(min_length=11, pattern=r"^\S+$")
    metadata: dict[str, Any] = Field(min_length=1)
