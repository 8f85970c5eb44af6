"""What every command shares at the terminal: the consoles, JSON output, progress, and how a failure is told."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from interfaces.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from rich.console import Console


_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>[smhd])")
_LONGEST = timedelta(days=3653)


def out() -> Console:
    """The console for results: standard output."""
    from rich.console import Console

    return Console(highlight=False)


def err() -> Console:
    """The console for progress and messages: standard error, so that JSON on standard output stays clean."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Write a value (models, times and plain data) as indented JSON to standard output."""
    sys.stdout.write(_json(value) + "\n")


def write_json_object(fields: Iterable[tuple[str, Any]]) -> None:
    """Write an object to standard output; a field whose value is an iterator of pairs is an object written as it comes.

    Nothing is held that was written: the whole may be larger than the memory.
    """
    write = sys.stdout.write
    for number, (name, value) in enumerate(fields):
        write(("{" if number == 0 else ",") + f"\n{_json(name)}: ")
        if not isinstance(value, Iterator):
            write(_json(value))
            continue
        write("{")
        for count, (key, item) in enumerate(value):
            write(("," if count else "") + f"\n{_json(key)}: {_json(item)}")
        write("}")
    write("\n}\n")


def _json(value: Any) -> str:
    import orjson
    from pydantic import BaseModel

    def encode(item: Any) -> Any:
        if isinstance(item, BaseModel):
            return item.model_dump(mode="json")
        raise TypeError(f"{type(item).__name__} is not JSON")

    return orjson.dumps(value, default=encode, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode()


def explain_failure(failure: Exception) -> int:
    """Tell a failure on standard error and return its exit code: a known one in words, a bug with its traceback.

    Left to Python, a bug would end with 1, which scripts read as findings.
    """
    from fleet.errors import FleetscopeError, UsageError

    if not isinstance(failure, FleetscopeError):
        traceback.print_exception(failure)
        return ExitCode.COULD_NOT_RUN
    console = err()
    console.print(f"[bold red]error:[/] {_plain(failure.message)}")
    if failure.hint:
        console.print(f"[bold]what to do:[/] {_plain(failure.hint)}")
    return ExitCode.USAGE if isinstance(failure, UsageError) else ExitCode.COULD_NOT_RUN


def _plain(text: str) -> str:
    """Without markup and control characters: a message may quote a file, or a server."""
    from rich.markup import escape

    return escape("".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text))


def parse_duration(text: str) -> timedelta:
    """A duration as people write it: ``90m``, ``24h``, ``7d``.

    Raises:
        typer.BadParameter: not a positive number with one of the units s, m, h, d, or more than ten years.
    """
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    match = _DURATION.fullmatch(text)
    duration = timedelta(**{units[match["unit"]]: int(match["number"])}) if match else timedelta(0)
    if not timedelta(0) < duration <= _LONGEST:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90m, 24h or 7d, of ten years at most")
    return duration


def parse_time(text: str) -> datetime:
    """An RFC 3339 time; one without a zone is UTC.

    Raises:
        typer.BadParameter: not a time.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-11-21T14:00:00Z") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def parse_labels(items: list[str]) -> dict[str, str]:
    """``key=value`` items as a dictionary.

    Raises:
        typer.BadParameter: an item without ``=`` or with an empty key.
    """
    labels: dict[str, str] = {}
    for item in items:
        key, separator, value = item.partition("=")
        if not separator or not key:
            raise typer.BadParameter(f"{item!r} is not of the form key=value")
        labels[key] = value
    return labels
