"""Exports: files that are written for a reader to a place of their own."""

import sqlalchemy as sa
from alembic import op

from shared.database.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _exports()
    _export_files()


def _exports() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=True, comment="the dataset that is wanted; null: a file"),
        sa.Column("file_id", sa.Uuid(as_uuid=False), nullable=True, comment="the file that is wanted; null: a dataset"),
        sa.Column(
            "reader_key", sa.Text(), nullable=False, comment="public key that headers are sealed for, in hexadecimal"
        ),
        sa.Column("visas", sa.Text(), nullable=False, comment="JSON: datasets for which the reader has shown visas"),
        sa.Column("visas_until", UtcDateTime(), nullable=False),
        sa.Column(
            "owner", sa.Text(), nullable=False, comment="the reader, if they may read what they submitted; else empty"
        ),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("listed_at", UtcDateTime(), nullable=True, comment="when all its files were known; null: not yet"),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column(
            "removed_at",
            UtcDateTime(),
            nullable=True,
            comment="set: nobody sees it any more, and what it wrote is being removed",
        ),
        sa.Column("refusal", sa.Text(), nullable=True, comment="why none of it is written; null: it is"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_exports_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index("ix_exports_user", "exports", ["user"], unique=False)
    op.create_index("ix_exports_expires_at", "exports", ["expires_at"], unique=False)


def _export_files() -> None:
    op.create_table(
        "export_files",
        sa.Column("export_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("file_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="waiting, written or refused"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes of the body"),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was refused"),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name=op.f("fk_export_files_export_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_export_files_file_id")),
        sa.PrimaryKeyConstraint("export_id", "file_id", name=op.f("pk_export_files")),
    )
