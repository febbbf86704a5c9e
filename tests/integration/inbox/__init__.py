"""The inbox with real SFTP clients."""
