"""S3 credentials, and where users come from."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.database.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SOURCE = sa.Column(
    "source", sa.Text(), nullable=False, server_default="local", comment="local, cega, or an OpenID issuer"
)
_SUBJECT = sa.Column("subject", sa.Text(), nullable=True, comment="what the issuer calls the user")
_VOUCHED: sa.Column[Any] = sa.Column(
    "vouched_until",
    UtcDateTime(),
    nullable=True,
    comment="how long the last answer of Central EGA holds; null: needs none",
)


def upgrade() -> None:
    for column in (_SOURCE, _SUBJECT, _VOUCHED):
        op.add_column("users", column)
    op.create_index("uq_users_source_subject", "users", ["source", "subject"], unique=True)
    op.create_table(
        "s3_credentials",
        sa.Column("access_key", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True, comment="null: not revoked"),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_s3_credentials_user")),
        sa.PrimaryKeyConstraint("access_key", name=op.f("pk_s3_credentials")),
    )
    op.create_index("ix_s3_credentials_user", "s3_credentials", ["user"], unique=False)
