"""GA4GH Data Repository Service 1.5: files as objects, found by their ids, one or many at a time."""
