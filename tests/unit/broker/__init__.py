"""Units of work, group commit, outcomes and topology; no server."""
