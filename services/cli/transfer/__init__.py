"""What uploads and downloads share: patience, journals, what is told while bytes move."""
