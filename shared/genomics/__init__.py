"""Formats of genome files, as far as it takes to cut regions out of them: pure functions of bytes."""
