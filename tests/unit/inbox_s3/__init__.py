"""The S3 front without servers."""
