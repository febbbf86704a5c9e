"""Rows that no service writes like this: a file in any state from the start."""

from sqlalchemy import insert

from shared.database.statements import FILE_REGISTER, Statement
from shared.database.tables import files

FILE_ROW = Statement(FILE_REGISTER.order, insert(files))
"""A row of `files`; its values are those of any columns."""
