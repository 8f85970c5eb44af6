"""Which lines a person asks for, in words that do not depend on how a Loki labels its streams."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fleet.collectors.loki.client import LokiClient
from fleet.collectors.loki.error_lines import (
    ERROR_LEVELS,
    ERROR_TEXT,
    EVERY_STREAM,
    any_value,
    label_names,
    queries_of_level,
)
from fleet.collectors.loki.logql import Contains, LineFilter, LogQuery, Matcher
from fleet.collectors.loki.place_labels import place_labels_of
from fleet.frames.window import Window

_WARNING_TEXT = (
    r"""(?i:\b(?:level|lvl|severity)(?:_?text)?\\?["']?\s*[:=]\s*\\?["']?(?:warn|wrn))"""
    r"""|\bWARN(?:ING)?\b"""
    r"""|(?:^|")W\d{4} \d\d:"""
)


class LogLevel(StrEnum):
    """From which level on lines are wanted."""

    WARN = "warn"
    ERROR = "error"


_LEVELS = {
    LogLevel.WARN: (("warn", *ERROR_LEVELS), f"{_WARNING_TEXT}|{ERROR_TEXT}"),
    LogLevel.ERROR: (ERROR_LEVELS, ERROR_TEXT),
}


@dataclass(frozen=True)
class LogSelection:
    """Lines of places, with texts in them, of a level or worse; what is empty is not asked for.

    Attributes:
        namespaces, pods, containers: where they come from.
        contains: texts that all have to be in a line.
        matches: expressions (RE2) that all have to match somewhere in a line.
        level: as Loki detected it, or as the line says where Loki detects none.
    """

    namespaces: tuple[str, ...] = ()
    pods: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    level: LogLevel | None = None

    def queries(self, client: LokiClient, window: Window) -> tuple[LogQuery, ...]:
        """The queries for one tenant, by the labels that its streams have; no line is found by two of them.

        Args:
            client: of the tenant.
            window: when; by its streams the labels are known.

        Raises:
            SourceError: it does not answer.
        """
        texts = [LineFilter(Contains.TEXT, text) for text in self.contains]
        expressions = [LineFilter(Contains.REGEX, expression) for expression in self.matches]
        query = LogQuery(self._matchers(client, window), (*texts, *expressions))
        if self.level is None:
            return (query,)
        levels, text = _LEVELS[self.level]
        # Of streams that are silent now it is not known what their lines will be kept with.
        told = (query.narrowed(LineFilter(Contains.REGEX, text)),)
        return queries_of_level(client, window, query, levels, text) or told

    def _matchers(self, client: LokiClient, window: Window) -> tuple[Matcher, ...]:
        names = label_names(client, window)
        places = place_labels_of(names)
        matchers = places.matchers(namespaces=self.namespaces, pods=self.pods, containers=self.containers)
        if matchers:
            return matchers
        every = next((label for label in (EVERY_STREAM, *sorted(names)) if label in names), places.namespace)
        return (any_value(every),)
