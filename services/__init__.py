"""One small package per process; services never import each other."""
