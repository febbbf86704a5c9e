"""Arithmetic, keys, settings and metrics of the object stores; no server."""
