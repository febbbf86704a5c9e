"""Every effect of a node is numbered, and its process is ended before and after each of them."""
