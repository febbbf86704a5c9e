"""Exports as their readers see them: started, looked at, given up. The service `export` writes the files."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import uuid4

from services.outbox.download import reader_key_of
from services.outbox.exports.queries import EXPORT_ADD, EXPORT_REMOVE, Export, OwnExports, Refusal, Share
from services.outbox.record import SERVICE
from shared.access.grants import Grants, Reader
from shared.broker.committer import Committer
from shared.broker.unit import Unit
from shared.http.bodies import InvalidBody
from shared.http.problems import Forbidden, HttpError
from shared.identifiers import DatasetId, FileId, parse_file_id
from shared.messages.exports import Export as ExportMessage


class TooManyExports(HttpError):
    """You have as many exports as you may have: remove one, or wait until one expires."""

    status = HTTPStatus.CONFLICT
    code = "TOO_MANY_EXPORTS"


class Asked(NamedTuple):
    """What is to be exported: a dataset, or a file by its file id or accession id."""

    dataset: str | None
    file: str | None

    @property
    def name(self) -> str:
        """The id that was given."""
        return self.dataset if self.dataset is not None else str(self.file)


def asked_of(body: Mapping[str, Any]) -> Asked:
    """Read the body of a request. Raises InvalidBody."""
    dataset, file = body.get("datasetId"), body.get("fileId")
    given: list[object] = [name for name in (dataset, file) if name is not None]
    if len(given) != 1 or not isinstance(given[0], str) or not given[0]:
        raise InvalidBody("name what is to be exported: either datasetId or fileId, a string")
    return Asked(dataset, file)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Where exports are, how long they are kept, and how many a reader may have."""

    location: str
    kept: timedelta
    most: int


@dataclass(frozen=True, kw_only=True)
class Exports:
    """The use cases; every method raises DatabaseAway, and of HttpError what it names."""

    grants: Grants
    own: OwnExports
    committer: Committer
    rules: Rules

    async def start(self, reader: Reader, asked: Asked, keys: Sequence[str]) -> dict[str, Any]:
        """Have something written for the key that `keys` hold; the refusal comes before any other complaint.

        Raises Forbidden, KeyMissing, KeyConflict, BadPublicKey, TooManyExports.
        """
        dataset, file = await self._readable(reader, asked)
        key = reader_key_of(keys)
        if len(await self.own.all(reader.user)) >= self.rules.most:
            raise TooManyExports
        unit = Unit(SERVICE)
        export = Export(str(uuid4()), dataset, file, unit.at, None, unit.at + self.rules.kept, None)
        unit.add(EXPORT_ADD, **_row(export, reader), reader_key=key.hex())
        unit.send(ExportMessage(export_id=export.id), None)
        await asyncio.wrap_future(self.committer.submit(unit))
        return self._described(export, {})

    async def all(self, reader: Reader) -> dict[str, Any]:
        """Return the exports of a reader."""
        found = await self.own.all(reader.user)
        return {"exports": [self._described(export, await self.own.progress(export.id)) for export in found]}

    async def one(self, reader: Reader, name: str) -> dict[str, Any]:
        """Return an export of the reader, with the files that were refused. Raises Forbidden."""
        export = await self._own(reader, name)
        told = self._described(export, await self.own.progress(export.id))
        return {**told, "refused": [_refusal(refusal) for refusal in await self.own.refused(export.id)]}

    async def remove(self, reader: Reader, name: str) -> None:
        """Give an export up. Raises Forbidden."""
        export = await self._own(reader, name)
        unit = Unit(SERVICE)
        unit.add(EXPORT_REMOVE, export=export.id, at=unit.at)
        await asyncio.wrap_future(self.committer.submit(unit))

    async def _readable(self, reader: Reader, asked: Asked) -> tuple[DatasetId | None, FileId | None]:
        if asked.dataset is not None:
            dataset = await self.grants.dataset(reader, asked.dataset)
            if dataset is None:
                raise Forbidden
            return dataset.id, None
        file = await self.grants.file(reader, asked.name)
        if file is None:
            raise Forbidden
        return None, file.id

    async def _own(self, reader: Reader, name: str) -> Export:
        export = parse_file_id(name)
        found = None if export is None else await self.own.one(reader.user, export)
        if found is None:
            raise Forbidden
        return found

    def _described(self, export: Export, progress: Mapping[str, Share]) -> dict[str, Any]:
        written, refused = (progress.get(state, Share()) for state in ("written", "refused"))
        told = {
            "exportId": export.id,
            "datasetId": export.dataset,
            "fileId": export.file,
            "state": export.state(progress),
            "reason": export.refusal,
            "created": _time(export.registered_at),
            "expires": _time(export.expires_at),
            "location": f"{self.rules.location.rstrip('/')}/{export.id}/",
            "files": {
                "listed": sum(share.files for share in progress.values()),
                "written": written.files,
                "refused": refused.files,
            },
            "bytes": {"listed": sum(share.size for share in progress.values()), "written": written.size},
        }
        return {name: value for name, value in told.items() if value is not None}


def _row(export: Export, reader: Reader) -> dict[str, Any]:
    # what was shown counts while it lasts, and no longer than the export
    until = datetime.fromtimestamp(min(reader.visas_until, export.expires_at.timestamp()), UTC)
    return {
        "id": export.id,
        "user": reader.user,
        "dataset_id": export.dataset,
        "file_id": export.file,
        "visas": json.dumps(reader.visas),
        "visas_until": until,
        "owner": reader.owner,
        "registered_at": export.registered_at,
        "expires_at": export.expires_at,
    }


def _refusal(refusal: Refusal) -> dict[str, str]:
    return {"fileId": refusal.accession or refusal.file, "reason": refusal.reason}


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
