"""Ten thousand messages through runners that are killed again and again."""
