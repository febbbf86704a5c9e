"""Genome files made by htslib, and read by it: what regions are compared with."""
