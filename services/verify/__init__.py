"""Decrypts every segment of an archived file and compares all that is known about it."""
