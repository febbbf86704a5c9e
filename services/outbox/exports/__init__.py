"""Exports: files that are written for a reader to a place of their own."""
