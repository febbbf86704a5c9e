"""Tests: promises of Strongroom, kept by unit tests and by tests on real servers."""
