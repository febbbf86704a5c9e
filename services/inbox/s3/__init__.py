"""The S3 front of the inbox."""
