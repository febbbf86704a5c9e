"""Moves bodies from the inbox to the archive, and takes them back when an ingestion is cancelled."""
