"""Benchmarks: ratios of things measured in one run, on real servers; no figure here is a test."""
