"""Log-in: who somebody is, and what they may use for it elsewhere."""
