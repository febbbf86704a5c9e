"""Servers that go away, services that are stopped, killed and frozen, while many files are on their way."""
