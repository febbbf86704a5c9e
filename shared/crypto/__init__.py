"""Crypt4GH: keys, headers, segments, ranges and edit lists; the only importer of the `crypt4gh` library."""
