"""The `strongroom` command; the only package that may import the other services, to start them."""
