"""Tables, sessions, named statements and migrations; SQLite and PostgreSQL through one code path."""
