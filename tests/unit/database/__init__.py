"""States, names and columns; SQLite at most."""
