"""One suite of promises for every kind of object store."""
