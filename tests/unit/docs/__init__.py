"""The generators of the docs."""
