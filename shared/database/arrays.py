"""Lists of texts as parameters: an array in PostgreSQL, JSON in SQLite; the statement is the same for any number."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Boolean, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class TextArray(TypeDecorator[Sequence[str]]):
    """A list of texts."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(Text()))

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:  # noqa: ANN401 - as declared
        return json.dumps(list(value or ())) if dialect.name == "sqlite" else list(value or ())


class is_among(FunctionElement[bool]):  # noqa: N801 - reads as the functions of SQLAlchemy do
    """Whether a column is one of a list of texts: `is_among(column, bindparam(..., type_=TextArray()))`."""

    type = Boolean()
    name = "is_among"
    inherit_cache = True


@compiles(is_among, "postgresql")
def _in_array(element: is_among, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - the compiler's business
    column, texts = element.clauses
    return f"{compiler.process(column, **how)} = ANY({compiler.process(texts, **how)})"


@compiles(is_among, "sqlite")
def _in_json(element: is_among, compiler: SQLCompiler, **how: Any) -> str:  # noqa: ANN401 - the compiler's business
    column, texts = element.clauses
    values = f"json_each({compiler.process(texts, **how)})"
    return f"{compiler.process(column, **how)} IN (SELECT value FROM {values})"  # noqa: S608 - a parameter's name
