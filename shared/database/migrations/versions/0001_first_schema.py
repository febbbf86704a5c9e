"""First schema."""

import sqlalchemy as sa
from alembic import op

from shared.database.types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('registered', 'released', 'deprecated')", name=op.f("ck_datasets_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "folders",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="in the user's inbox, without leading or trailing slash"),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user", "path", name=op.f("pk_folders")),
    )
    op.create_table(
        "grants",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True, comment="null: without end"),
        sa.Column("granted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user", "dataset_id", name=op.f("pk_grants")),
    )
    op.create_table(
        "handled",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "message_id", name=op.f("pk_handled")),
    )
    op.create_index("ix_handled_at", "handled", ["at"], unique=False)

    op.create_table(
        "keys",
        sa.Column(
            "fingerprint", sa.Text(), nullable=False, comment="the X25519 public key in hexadecimal, as FEGA's key_hash"
        ),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("deprecated_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_keys")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "outgoing",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("due", UtcDateTime(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column(
            "queue",
            sa.Text(),
            nullable=True,
            comment="set: for this queue alone (embedded, delayed or replayed); null: for the exchange",
        ),
        sa.Column("message_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "attempt", sa.Integer(), server_default="0", nullable=False, comment="how often its delivery was put off"
        ),
        sa.Column("first_seen", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outgoing_queue_due", "outgoing", ["queue", "due"], unique=False)

    op.create_table(
        "sidecars",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="of the .sha256 or .md5 file itself"),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="lower-case hexadecimal"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user", "path", name=op.f("pk_sidecars")),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="bcrypt; null: no log-in by password"),
        sa.Column("enabled", sa.Integer(), server_default="1", nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "dataset_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_events_dataset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_events")),
    )
    op.create_index("ix_dataset_events_dataset_id", "dataset_events", ["dataset_id"], unique=False)

    op.create_table(
        "files",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="in the user's inbox, without leading slash"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="bytes of the upload"),
        sa.Column(
            "inbox_location",
            sa.Text(),
            nullable=True,
            comment="store that holds the upload under the file id; null when it is gone",
        ),
        sa.Column("header", sa.LargeBinary(), nullable=True, comment="Crypt4GH header as uploaded"),
        sa.Column("key_fingerprint", sa.Text(), nullable=True, comment="archive key that opens the header"),
        sa.Column("archive_location", sa.Text(), nullable=True, comment="store that holds the body under the file id"),
        sa.Column("archive_size", sa.BigInteger(), nullable=True, comment="bytes of the body"),
        sa.Column("plain_size", sa.BigInteger(), nullable=True, comment="bytes of the plaintext"),
        sa.Column(
            "backup_location", sa.Text(), nullable=True, comment="store that holds header and body under the file id"
        ),
        sa.Column("accession", sa.Text(), nullable=True),
        sa.Column(
            "error", sa.Text(), nullable=True, comment="why the last thing asked for was refused; null when all is well"
        ),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('registered', 'uploaded', 'submitted', 'archived', 'verified', 'ready', 'cancelled', 'error')",
            name=op.f("ck_files_state"),
        ),
        sa.ForeignKeyConstraint(["key_fingerprint"], ["keys.fingerprint"], name=op.f("fk_files_key_fingerprint")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("accession", name=op.f("uq_files_accession")),
    )
    op.create_index("ix_files_state", "files", ["state"], unique=False)
    op.create_index("ix_files_user_path", "files", ["user", "path"], unique=False)
    op.create_index(
        "uq_files_inbox",
        "files",
        ["user", "path"],
        unique=True,
        sqlite_where=sa.text("inbox_location IS NOT NULL"),
        postgresql_where=sa.text("inbox_location IS NOT NULL"),
    )

    op.create_table(
        "user_keys",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("ssh_key", sa.Text(), nullable=False, comment="OpenSSH form: type and base64, no comment"),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_user_keys_user")),
        sa.PrimaryKeyConstraint("user", "ssh_key", name=op.f("pk_user_keys")),
    )
    op.create_table(
        "checksums",
        sa.Column("file_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="lower-case hexadecimal"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_checksums_file_id")),
        sa.PrimaryKeyConstraint("file_id", "source", "algorithm", name=op.f("pk_checksums")),
    )
    op.create_table(
        "dataset_files",
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_files_dataset_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_dataset_files_file_id")),
        sa.PrimaryKeyConstraint("dataset_id", "file_id", name=op.f("pk_dataset_files")),
    )
    op.create_index("ix_dataset_files_file_id", "dataset_files", ["file_id"], unique=False)

    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_events_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_file_id", "events", ["file_id"], unique=False)

    op.create_table(
        "uploads",
        sa.Column("file_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column(
            "upload_id",
            sa.Text(),
            nullable=True,
            comment="multipart upload in the inbox store; null before its first part",
        ),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_uploads_file_id")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_uploads")),
    )

    for table in ("events", "dataset_events"):
        for statement in append_only(table, op.get_bind().dialect.name):
            op.execute(statement)


def append_only(table: str, dialect: str) -> list[str]:
    """What happened can't be changed afterwards: a trigger refuses UPDATE and DELETE."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    refusal = f"BEGIN RAISE EXCEPTION '{table} is append-only'; END"
    trigger = f"BEFORE UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    return [
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ {refusal} $$",
        f"CREATE TRIGGER {table}_append_only {trigger}",
    ]
