"""Keeps the datasets: which files belong to one, and who may see it; cleans the inbox afterwards."""
