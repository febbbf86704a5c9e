"""The command line as people write it, put into the form that typer reads."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

WAIT = "10m"
"""How long `--wait` without a time waits."""

_TIME = re.compile(r"\d+[smhd]?")


def arranged(arguments: Sequence[str]) -> list[str]:
    """Bring `--data` and `--json` before the verb, wherever they stand; what follows `--` is left alone."""
    before, behind = _split(arguments)
    leading: list[str] = []
    rest: list[str] = []
    words = iter(before)
    for word in words:
        if word == "--data":
            leading += [word, *_next(words)]
        elif word == "--json" or word.startswith("--data="):
            leading.append(word)
        else:
            rest.append(word)
    return [*leading, *_with_times(rest), *behind]


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end:]


def _next(words: Iterator[str]) -> list[str]:
    return list(islice(words, 1))


def _with_times(words: list[str]) -> list[str]:
    """Give `--wait` its time where there is none: typer knows no options whose value may be left out."""
    return [
        f"--wait={WAIT}" if word == "--wait" and not _TIME.fullmatch(following) else word
        for word, following in zip_longest(words, words[1:], fillvalue="")
    ]
