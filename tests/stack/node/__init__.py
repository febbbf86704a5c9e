"""The node of compose.yaml as plain processes: the same services and settings, one process for each container."""
