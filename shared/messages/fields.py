"""Field types of the messages; patterns are those of the FEGA schemas."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from shared.messages.base import Model


def _lower(value: str) -> str:
    return value.lower()


Sha256 = Annotated[str, Field(pattern=r"^[a-fA-F0-9]{64}$"), AfterValidator(_lower)]
Md5 = Annotated[str, Field(pattern=r"^[a-fA-F0-9]{32}$"), AfterValidator(_lower)]


class Sha256Checksum(Model):
    """A SHA-256 digest in hexadecimal."""

    type: Literal["sha256"] = "sha256"
    value: Sha256


class Md5Checksum(Model):
    """An MD5 digest in hexadecimal."""

    type: Literal["md5"] = "md5"
    value: Md5


Checksum = Annotated[Sha256Checksum | Md5Checksum, Field(discriminator="type")]

_MULTIPART_ETAG = re.compile(r"^[0-9a-f]{32}-\d+$")


def _without_multipart_etags(value: Any) -> Any:  # noqa: ANN401 - whatever came in
    """Drop what the S3 inboxes of other nodes call an MD5 but is the ETag of a multipart upload."""
    if not isinstance(value, list):
        return value
    return [c for c in value if not (isinstance(c, dict) and _MULTIPART_ETAG.match(str(c.get("value", ""))))]


def _holds_sha256(value: tuple[Checksum, ...]) -> tuple[Checksum, ...]:
    if not any(checksum.type == "sha256" for checksum in value):
        message = "holds no sha256 checksum"
        raise ValueError(message)
    return value


Checksums = tuple[Checksum, ...]
UploadChecksums = Annotated[Checksums, BeforeValidator(_without_multipart_etags)]
PlainChecksums = Annotated[
    Checksums,
    AfterValidator(_holds_sha256),
    Field(json_schema_extra={"contains": {"properties": {"type": {"const": "sha256"}}}}),
]

FilePath = Annotated[str, Field(min_length=2)]
AnyId = Annotated[str, Field(min_length=2, pattern=r"^\S+$")]
EgaFileId = Annotated[str, Field(pattern=r"^EGAF[0-9]{11}$")]
EgaDatasetId = Annotated[str, Field(pattern=r"^EGAD[0-9]{11}$")]


def checksums(digests: dict[str, str]) -> Checksums:
    """Turn `{"sha256": hex, "md5": hex}` into the list that messages carry."""
    return tuple(
        Sha256Checksum(value=value) if name == "sha256" else Md5Checksum(value=value) for name, value in digests.items()
    )


def digests(values: Iterable[Checksum]) -> dict[str, str]:
    """Turn the list that messages carry into `{"sha256": hex, "md5": hex}`."""
    return {checksum.type: checksum.value for checksum in values}
