"""Entry point of alembic."""

from alembic import context

from shared.database.engine import Database
from shared.database.queue_tables import metadata


def run() -> None:
    database = Database(context.config.attributes["url"])
    try:
        with database.write() as connection:
            # SQLite alters tables by copying them, hence the batch mode
            context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
            with context.begin_transaction():
                context.run_migrations()
    finally:
        database.close()


run()
