"""Faults on purpose: kills, lost servers, and messages that come twice, late or in another order."""
