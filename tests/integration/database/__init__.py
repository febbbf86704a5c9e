"""The database on real servers."""
