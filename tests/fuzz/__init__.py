"""Fuzzing of what strangers can send: `python -m tests.fuzz TARGET` (see README.md)."""
