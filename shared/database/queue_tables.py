"""The tables of the message flow (design, section 4) and of uploads under way."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from shared.database.tables import metadata as metadata  # noqa: PLC0414 - whole only with the tables of this module
from shared.database.types import FileUuid, Octets, SerialKey, UtcDateTime

outgoing = Table(
    "outgoing",
    metadata,
    Column("id", SerialKey, primary_key=True),
    Column("due", UtcDateTime, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("queue", Text, comment="set: for this queue alone (embedded, delayed or replayed); null: for the exchange"),
    Column("message_id", FileUuid, nullable=False),
    Column("correlation_id", Text),
    Column("body", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0", comment="how often its delivery was put off"),
    Column("first_seen", UtcDateTime, nullable=False),
    Index("ix_outgoing_queue_due", "queue", "due"),
    # a number never comes again, so that who settles a row late can't mean another one
    sqlite_autoincrement=True,
)

handled = Table(
    "handled",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("message_id", FileUuid, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_handled_at", "at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token", FileUuid, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", SerialKey, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("correlation_id", Text),
    Column("body", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("trace", Text),
    Column("at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

uploads = Table(
    "uploads",
    metadata,
    Column("file_id", FileUuid, ForeignKey("files.id"), primary_key=True),
    Column("upload_id", Text, comment="multipart upload in the inbox store; null before its first part"),
    Column("touched_at", UtcDateTime, nullable=False),
    Column("protocol", Text, nullable=False, server_default="sftp", comment="how it comes: sftp or s3"),
    Column("received", BigInteger, nullable=False, server_default="0", comment="bytes of its parts, for the quota"),
)

folders = Table(
    "folders",
    metadata,
    Column("user", Text, primary_key=True),
    Column("path", Octets, primary_key=True, comment="in the user's inbox, without leading or trailing slash"),
    Column("made_at", UtcDateTime, nullable=False),
)

sidecars = Table(
    "sidecars",
    metadata,
    Column("user", Text, primary_key=True),
    Column("path", Octets, primary_key=True, comment="of the .sha256 or .md5 file itself"),
    Column("algorithm", Text, nullable=False),
    Column("value", Text, nullable=False, comment="lower-case hexadecimal"),
    Column("size", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
