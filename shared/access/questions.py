"""The questions that decide what a reader may read (shared/access/grants.py), each for one page or one file."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    join,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
)

from shared.database.arrays import TextArray, is_among
from shared.database.collation import in_bytes
from shared.database.records import ChecksumSource
from shared.database.states import DatasetState, FileState
from shared.database.tables import checksums, dataset_files, datasets, files, grants
from shared.database.types import FileUuid, UtcDateTime


def _granted() -> ColumnElement[bool]:
    """Whether the dataset at hand is granted to the reader."""
    at = bindparam("at", type_=UtcDateTime())
    row = exists().where(
        grants.c.user == bindparam("user"),
        grants.c.dataset_id == datasets.c.id,
        or_(grants.c.until.is_(None), grants.c.until > at),
    )
    return or_(row.correlate(datasets), is_among(datasets.c.id, bindparam("visas", type_=TextArray())))


def _checksum(source: ChecksumSource, algorithm: str) -> ColumnElement[str | None]:
    found = select(func.max(checksums.c.value)).where(
        checksums.c.file_id == files.c.id,
        checksums.c.source == source.value,
        checksums.c.algorithm == algorithm,
    )
    return found.scalar_subquery()


_NONE = literal_column("0", Integer())
_OWNER: ColumnElement[str] = bindparam("owner", type_=Text())
_RELEASED = datasets.c.state == DatasetState.RELEASED.value
_IS_THERE = and_(files.c.state == FileState.READY.value, files.c.header.is_not(None), files.c.archive_size.is_not(None))
_OWN_DATASETS = (
    select(dataset_files.c.dataset_id)
    .select_from(join(files, dataset_files, dataset_files.c.file_id == files.c.id))
    .where(files.c.user == _OWNER)
)
_IS_OWN_DATASET = and_(literal("") != _OWNER, datasets.c.id.in_(_OWN_DATASETS))

DATASETS = (
    select(datasets.c.id)
    .where(_RELEASED, datasets.c.id > bindparam("after"), or_(_granted(), _IS_OWN_DATASET))
    .order_by(datasets.c.id)
    .limit(bindparam("count", type_=Integer()))
)
DATASET = select(datasets.c.id, datasets.c.changed_at, case((_granted(), 1), else_=0)).where(
    _RELEASED, datasets.c.id == bindparam("dataset"), or_(_granted(), _IS_OWN_DATASET)
)

_LISTED = (
    select(
        files.c.id,
        files.c.accession,
        files.c.path,
        files.c.archive_size,
        files.c.plain_size,
        _checksum(ChecksumSource.PLAIN, "sha256"),
        _checksum(ChecksumSource.PLAIN, "md5"),
    )
    .select_from(join(dataset_files, files, files.c.id == dataset_files.c.file_id))
    .where(
        dataset_files.c.dataset_id == bindparam("dataset"),
        _IS_THERE,
        or_(bindparam("whole", type_=Integer()) == 1, files.c.user == _OWNER),
    )
)
FILES = (
    _LISTED.where(dataset_files.c.file_id > bindparam("after", type_=FileUuid))
    .order_by(dataset_files.c.file_id)
    .limit(bindparam("count", type_=Integer()))
)
_PATH = in_bytes(files.c.path)
_IS_AT_PATH = bindparam("path", type_=Text()) == _PATH
FILES_AT_PATH = FILES.where(_IS_AT_PATH)
# by path and not by id, so that the index on paths gives a page without looking at other files
FILES_BELOW = (
    _LISTED.where(
        bindparam("behind", type_=Text()) > _PATH,
        tuple_(_PATH, files.c.id) > tuple_(bindparam("after_path", type_=Text()), bindparam("after", type_=FileUuid)),
    )
    .order_by(_PATH, files.c.id)
    .limit(bindparam("count", type_=Integer()))
)
SUMMARY = _LISTED.with_only_columns(func.count(), func.coalesce(func.sum(files.c.archive_size), 0))


def _readable_file(named: ColumnElement[bool], *in_dataset: ColumnElement[bool]) -> Select[Any]:
    holding = (
        select(literal(1))
        .select_from(join(dataset_files, datasets, datasets.c.id == dataset_files.c.dataset_id))
        .where(
            dataset_files.c.file_id == files.c.id,
            _RELEASED,
            *in_dataset,
            or_(_granted(), files.c.user == _OWNER),
        )
        .correlate(files)
    )
    # the offset keeps PostgreSQL from making this a join, for which it may read all that is in any dataset: a file is
    # in a few of them
    may_read = holding.offset(_NONE).exists()
    return select(
        files.c.id,
        files.c.accession,
        files.c.path,
        files.c.header,
        files.c.archive_size,
        files.c.plain_size,
        files.c.registered_at,
        _checksum(ChecksumSource.ARCHIVED, "sha256"),
    ).where(named, _IS_THERE, may_read)


_IS_FILE = files.c.id == bindparam("file", type_=FileUuid)
_IS_ACCESSION = files.c.accession == bindparam("name")
BY_ID = _readable_file(_IS_FILE)
BY_ACCESSION = _readable_file(_IS_ACCESSION).limit(1)
# should an accession id be another file's id
BY_EITHER_ID = _readable_file(or_(_IS_FILE, _IS_ACCESSION)).order_by(_IS_FILE.desc()).limit(1)
_BESIDE = dataset_files.alias()
_IN_A_DATASET_OF_FILE = dataset_files.c.dataset_id.in_(
    select(_BESIDE.c.dataset_id).where(_BESIDE.c.file_id == bindparam("file", type_=FileUuid))
)
_DATA = files.alias()
_SAME_USER = select(_DATA.c.user).where(_DATA.c.id == bindparam("file", type_=FileUuid)).scalar_subquery()
BESIDE = (
    _readable_file(
        and_(is_among(_PATH, bindparam("paths", type_=TextArray())), files.c.user == _SAME_USER), _IN_A_DATASET_OF_FILE
    )
    .order_by(files.c.registered_at.desc())
    .limit(bindparam("count", type_=Integer()))
)
BY_PATH = (
    _readable_file(_IS_AT_PATH, datasets.c.id == bindparam("dataset")).order_by(files.c.registered_at.desc()).limit(1)
)
