"""Messages that nobody can act on, to every queue that a node consumes."""
