"""The tables about files, datasets, keys and people (design, section 3). All constraints have names."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from shared.database.states import DatasetState, FileState
from shared.database.types import FileUuid, Octets, SerialKey, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


_IN_INBOX = text("inbox_location IS NOT NULL")


def _one_of(column: str, values: type[FileState] | type[DatasetState]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


files = Table(
    "files",
    metadata,
    Column("id", FileUuid, primary_key=True),
    Column("user", Text, nullable=False),
    Column("path", Octets, nullable=False, comment="in the user's inbox, without leading slash"),
    Column("state", Text, nullable=False),
    Column("size", BigInteger, comment="bytes of the upload"),
    Column("tag", Text, comment="what S3 clients are shown as ETag of the upload; null for one by SFTP"),
    Column("inbox_location", Text, comment="store that holds the upload under the file id; null when it is gone"),
    Column("header", LargeBinary, comment="Crypt4GH header as uploaded"),
    Column("key_fingerprint", Text, ForeignKey("keys.fingerprint"), comment="archive key that opens the header"),
    Column("archive_location", Text, comment="store that holds the body under the file id"),
    Column("archive_size", BigInteger, comment="bytes of the body"),
    Column("plain_size", BigInteger, comment="bytes of the plaintext"),
    Column("backup_location", Text, comment="store that holds header and body under the file id"),
    Column("accession", Text, unique=True),
    Column("error", Text, comment="why the last thing asked for was refused; null when all is well"),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    CheckConstraint(_one_of("state", FileState), name="state"),
    Index("ix_files_user_path", "user", "path"),
    Index("ix_files_state", "state"),
    # in the order of bytes, in PostgreSQL too
    Index("ix_files_path", "path", "id"),
    # one upload per path is the current one, however many sessions finish at the same time
    Index("uq_files_inbox", "user", "path", unique=True, sqlite_where=_IN_INBOX, postgresql_where=_IN_INBOX),
)

checksums = Table(
    "checksums",
    metadata,
    Column("file_id", FileUuid, ForeignKey("files.id"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("value", Text, nullable=False, comment="lower-case hexadecimal"),
)

events = Table(
    "events",
    metadata,
    Column("id", SerialKey, primary_key=True),
    Column("file_id", FileUuid, ForeignKey("files.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("reason", Text),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_events_file_id", "file_id"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    CheckConstraint(_one_of("state", DatasetState), name="state"),
)

dataset_files = Table(
    "dataset_files",
    metadata,
    Column("dataset_id", Text, ForeignKey("datasets.id"), primary_key=True),
    Column("file_id", FileUuid, ForeignKey("files.id"), primary_key=True),
    Column("added_at", UtcDateTime, nullable=False),
    Index("ix_dataset_files_file_id", "file_id"),
)

dataset_events = Table(
    "dataset_events",
    metadata,
    Column("id", SerialKey, primary_key=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_dataset_events_dataset_id", "dataset_id"),
)

keys = Table(
    "keys",
    metadata,
    Column("fingerprint", Text, primary_key=True, comment="the X25519 public key in hexadecimal, as FEGA's key_hash"),
    Column("description", Text, nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("deprecated_at", UtcDateTime),
)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text, comment="bcrypt; null: no log-in by password"),
    Column("enabled", Integer, nullable=False, server_default="1"),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("source", Text, nullable=False, server_default="local", comment="local, cega, or an OpenID issuer"),
    Column("subject", Text, comment="what the issuer calls the user"),
    Column("vouched_until", UtcDateTime, comment="how long the last answer of Central EGA holds; null: needs none"),
    Index("uq_users_source_subject", "source", "subject", unique=True),
)

user_keys = Table(
    "user_keys",
    metadata,
    Column("user", Text, ForeignKey("users.name"), primary_key=True),
    Column("ssh_key", Text, primary_key=True, comment="OpenSSH form: type and base64, no comment"),
)

s3_credentials = Table(
    "s3_credentials",
    metadata,
    Column("access_key", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name"), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime, comment="null: not revoked"),
    Index("ix_s3_credentials_user", "user"),
)

grants = Table(
    "grants",
    metadata,
    Column("user", Text, primary_key=True),
    Column("dataset_id", Text, primary_key=True),
    Column("until", UtcDateTime, comment="null: without end"),
    Column("granted_at", UtcDateTime, nullable=False),
)

login_sessions = Table(
    "login_sessions",
    metadata,
    Column("id_hash", Text, primary_key=True, comment="SHA-256 of what the browser keeps"),
    Column("user", Text, ForeignKey("users.name"), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_login_sessions_expires_at", "expires_at"),
)

login_pending = Table(
    "login_pending",
    metadata,
    Column("state_hash", Text, primary_key=True, comment="SHA-256 of the state that the provider sends back"),
    Column("browser_hash", Text, nullable=False, comment="SHA-256 of what the browser that began keeps"),
    Column("nonce", Text, nullable=False),
    Column("code_verifier", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_login_pending_expires_at", "expires_at"),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("subject", Text, primary_key=True, comment="digest of the name or address that tries passwords"),
    Column("count", Integer, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False, comment="when they are forgotten"),
    Index("ix_login_attempts_ends_at", "ends_at"),
)

exports = Table(
    "exports",
    metadata,
    Column("id", FileUuid, primary_key=True),
    Column("user", Text, nullable=False),
    Column("dataset_id", Text, comment="the dataset that is wanted; null: a file"),
    Column("file_id", FileUuid, ForeignKey("files.id"), comment="the file that is wanted; null: a dataset"),
    Column("reader_key", Text, nullable=False, comment="public key that headers are sealed for, in hexadecimal"),
    Column("visas", Text, nullable=False, comment="JSON: datasets for which the reader has shown visas"),
    Column("visas_until", UtcDateTime, nullable=False),
    Column("owner", Text, nullable=False, comment="the reader, if they may read what they submitted; else empty"),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("listed_at", UtcDateTime, comment="when all its files were known; null: not yet"),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime, comment="set: nobody sees it any more, and what it wrote is being removed"),
    Column("refusal", Text, comment="why none of it is written; null: it is"),
    Index("ix_exports_user", "user"),
    Index("ix_exports_expires_at", "expires_at"),
)

export_files = Table(
    "export_files",
    metadata,
    Column("export_id", FileUuid, ForeignKey("exports.id"), primary_key=True),
    Column("file_id", FileUuid, ForeignKey("files.id"), primary_key=True),
    Column("state", Text, nullable=False, comment="waiting, written or refused"),
    Column("size", BigInteger, nullable=False, comment="bytes of the body"),
    Column("reason", Text, comment="why it was refused"),
    Column("changed_at", UtcDateTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3 and so on, without a gap"),
    Column("at", UtcDateTime, nullable=False),
    Column("service", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False, comment="what was asked for, as it was asked for"),
    Column("file_id", FileUuid, comment="the file that was found, if one was"),
    Column("outcome", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False, comment="that were really sent"),
    Column("reader_key", Text, comment="public key that the header was sealed for, in hexadecimal"),
    Column("correlation_id", Text),
    Column("digest", Text, nullable=False, comment="SHA-256 over the digest before and this record, in hexadecimal"),
    Index("ix_audit_user", "user"),
    Index("ix_audit_file_id", "file_id"),
)
"""Append-only, and chained by its digests (shared/access/audit.py)."""
