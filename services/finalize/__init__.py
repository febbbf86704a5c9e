"""Gives a verified file its accession id, and makes a backup copy that it reads back."""
