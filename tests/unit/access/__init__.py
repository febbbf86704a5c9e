"""Unit tests of shared/access."""
