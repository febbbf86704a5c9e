"""The OpenID provider of the tests."""
