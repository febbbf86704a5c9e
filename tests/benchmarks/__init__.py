"""Benchmarks: ratios of things measured in one run, on real servers; no figure here is a test."""

NAMES = (
    "small_files",
    "lone_file",
    "embedded",
    "verifying",
    "large_file",
    "copying",
    "streaming",
    "sftp_upload",
    "upload_command",
    "s3_front",
    "download",
    "startup",
)
"""All benchmarks, in the order of the page; each is a module with `run()`, which gives `Figures`."""
