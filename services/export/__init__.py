"""Writes files for readers to the place of the exports, re-encrypted to the reader's key."""
