"""The inbox's use cases on SQLite and a folder."""
