"""An index that finds files by the start of their path, in the order of bytes."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_files_path", "files")
    collation = 'COLLATE "C"' if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(f"CREATE INDEX ix_files_path ON files (path {collation}, id)")
