"""Deliveries in, units of work committed, messages out; the only place that commits and settles (ADR 0002)."""
