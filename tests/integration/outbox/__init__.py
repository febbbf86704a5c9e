"""The download side on real databases and stores, driven by ordinary HTTP clients."""
