"""Uploads by S3, and names in the order of their bytes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAMED = ("files", "folders", "sidecars")


def upgrade() -> None:
    tag = sa.Column(
        "tag", sa.Text(), nullable=True, comment="what S3 clients are shown as ETag of the upload; null for one by SFTP"
    )
    op.add_column("files", tag)
    protocol = sa.Column(
        "protocol", sa.Text(), nullable=False, server_default="sftp", comment="how it comes: sftp or s3"
    )
    op.add_column("uploads", protocol)
    received = sa.Column(
        "received",
        sa.BigInteger(),
        nullable=False,
        server_default="0",
        comment="bytes of its parts, for the quota",
    )
    op.add_column("uploads", received)
    if op.get_bind().dialect.name == "postgresql":
        for table in _NAMED:
            op.execute(f'ALTER TABLE {table} ALTER COLUMN path TYPE text COLLATE "C"')
