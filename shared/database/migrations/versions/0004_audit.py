"""The audit log, and finding files by their path."""

import sqlalchemy as sa
from alembic import op

from shared.database.types import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "number", sa.BigInteger(), autoincrement=False, nullable=False, comment="1, 2, 3 and so on, without a gap"
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False, comment="what was asked for, as it was asked for"),
        sa.Column("file_id", sa.Uuid(as_uuid=False), nullable=True, comment="the file that was found, if one was"),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False, comment="that were really sent"),
        sa.Column(
            "reader_key",
            sa.Text(),
            nullable=True,
            comment="public key that the header was sealed for, in hexadecimal",
        ),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.Column(
            "digest",
            sa.Text(),
            nullable=False,
            comment="SHA-256 over the digest before and this record, in hexadecimal",
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_user", "audit", ["user"], unique=False)
    op.create_index("ix_audit_file_id", "audit", ["file_id"], unique=False)
    op.create_index("ix_files_path", "files", ["path"], unique=False)
    for statement in _append_only(op.get_bind().dialect.name):
        op.execute(statement)


def _append_only(dialect: str) -> list[str]:
    """What is on record can't be changed afterwards: a trigger refuses UPDATE and DELETE."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER audit_{verb.lower()} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    refusal = "BEGIN RAISE EXCEPTION 'audit is append-only'; END"
    trigger = "BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    return [
        f"CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ {refusal} $$",
        f"CREATE TRIGGER audit_append_only {trigger}",
    ]
