"""Log-in by real browsers, and by clients that browsers would not be."""
