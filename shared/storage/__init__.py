"""Object stores: one port, on S3 or on a directory."""
