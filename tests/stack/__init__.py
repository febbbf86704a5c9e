"""The real servers that tests run on: started, broken on purpose, and never left behind."""
