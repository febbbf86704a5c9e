"""The use cases of the pipeline's services, called through their handlers."""
