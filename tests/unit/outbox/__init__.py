"""Unit tests of services/outbox."""
