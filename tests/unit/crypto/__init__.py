"""Unit tests of shared/crypto."""
