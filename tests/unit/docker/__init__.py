"""compose.yaml, the images and the files of docker/, without a Docker engine."""
