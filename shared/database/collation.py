"""Texts in the order of their bytes, whatever the language of the database: what an index for prefixes needs."""

from typing import Any

from sqlalchemy import Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

LAST = "\U0010ffff"
"""Behind every text that continues a prefix."""


class in_bytes(FunctionElement[str]):  # noqa: N801 - reads as the functions of SQLAlchemy do
    """A column, to be compared and ordered by its bytes."""

    type = Text()
    name = "in_bytes"
    inherit_cache = True


@compiles(in_bytes, "postgresql")
def _collated(element: in_bytes, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - the compiler's business
    (column,) = element.clauses
    return f'{compiler.process(column, **how)} COLLATE "C"'


@compiles(in_bytes, "sqlite")
def _plain(element: in_bytes, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - the compiler's business
    (column,) = element.clauses
    return compiler.process(column, **how)
