"""Sessions, log-ins under way, and attempts at passwords."""

import sqlalchemy as sa
from alembic import op

from shared.database.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_sessions",
        sa.Column("id_hash", sa.Text(), nullable=False, comment="SHA-256 of what the browser keeps"),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name=op.f("fk_login_sessions_user")),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_login_sessions")),
    )
    op.create_index("ix_login_sessions_expires_at", "login_sessions", ["expires_at"], unique=False)
    op.create_table(
        "login_pending",
        sa.Column("state_hash", sa.Text(), nullable=False, comment="SHA-256 of the state that the provider sends back"),
        sa.Column("browser_hash", sa.Text(), nullable=False, comment="SHA-256 of what the browser that began keeps"),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("code_verifier", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_login_pending")),
    )
    op.create_index("ix_login_pending_expires_at", "login_pending", ["expires_at"], unique=False)
    op.create_table(
        "login_attempts",
        sa.Column("subject", sa.Text(), nullable=False, comment="digest of the name or address that tries passwords"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False, comment="when they are forgotten"),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_attempts")),
    )
    op.create_index("ix_login_attempts_ends_at", "login_attempts", ["ends_at"], unique=False)
