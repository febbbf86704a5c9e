"""The pages, made on the server: they work without scripts, and there are none."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from services.login.forms import FIELD

_HERE = Path(__file__).parent
STYLE = (_HERE / "static" / "style.css").read_text(encoding="utf-8")


class Pages:
    """Renders templates; whatever is put into one is escaped."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(moment=_moment, size=_size)
        self._templates.globals.update(token_field=FIELD)

    def page(
        self,
        template: str,
        /,
        *,
        user: str | None,
        token: str,
        status: HTTPStatus = HTTPStatus.OK,
        **values: object,
    ) -> HTMLResponse:
        """Return a page for a user, None before log-in; `token` goes into its forms."""
        shared: Mapping[str, object] = {"user": user, "token": token, "here": template}
        text = self._templates.get_template(f"{template}.html").render(**shared, **values)
        return HTMLResponse(text, status_code=status)


def _moment(at: datetime) -> str:
    return at.strftime("%-d %B %Y, %H:%M UTC")


def _size(count: int | None) -> str:
    if count is None:
        return ""
    value, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{count} bytes" if units[0] == "bytes" else f"{value:.1f} {units[0]}"
