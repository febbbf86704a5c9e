"""Rest of a path, whatever characters it holds: the framework's own `path` stops at a line break."""

from starlette.convertors import Convertor, register_url_convertor


class Anything(Convertor[str]):
    """`{name:anything}` in the path of a route."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


ANYTHING = "anything"
register_url_convertor(ANYTHING, Anything())
