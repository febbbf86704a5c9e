"""A group whose verbs are imported when they are called, so that `strongroom --help` answers at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command


@dataclass(frozen=True)
class Verb:
    """Where a verb or group of verbs is found (`attribute`: a Typer, or the function of a single verb), and its help.

    The help stands here, and not with the code, since it is shown without an import.
    """

    module: str
    attribute: str
    help: str

    def command(self, name: str) -> Any:  # noqa: ANN401 - the class of commands is no public part of typer
        """Import the verb."""
        found = getattr(import_module(self.module), self.attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode="rich")
            single.command(name)(found)
            found = single
        command = get_command(found)
        command.name, command.help = name, self.help
        return command

    def placard(self, name: str) -> TyperGroup:
        """Return what stands for the verb in a list of verbs."""
        return TyperGroup(name=name, help=self.help)


class LazyGroup(TyperGroup):
    """Adds the verbs of a table, which a subclass names, to those registered with the app itself."""

    verbs: Mapping[str, Verb] = {}

    def __init__(self, *, commands: Any = None, **attributes: Any) -> None:  # noqa: ANN401 - those of TyperGroup
        super().__init__(commands=dict(commands or {}), **attributes)
        self.commands = {name: verb.placard(name) for name, verb in self.verbs.items()} | dict(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer's context is no public class
        name, found, rest = super().resolve_command(ctx, args)
        verb = self.verbs.get(name or "")
        return name, verb.command(name or "") if verb else found, rest
