"""Random histories of a node, compared with a small model of the legal states."""
