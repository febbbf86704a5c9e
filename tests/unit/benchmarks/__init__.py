"""The frame of the benchmarks: turns, ratios, tables, page; no server."""
