"""Unit tests of shared/http and shared/health."""
