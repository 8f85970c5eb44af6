"""Pushes: what the distributor takes, what it adds, and what it refuses. Forms are those recorded from Loki 3.8."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from simulator.answers import Answer, RefusedError, Request, text_answer
from simulator.loki.entries import Labels, label_string
from simulator.loki.levels import level_of
from simulator.loki.pushed import Entry, PushedLogs
from simulator.truth import rfc3339

_GZIP_WINDOW_BITS = 31
_MAX_LINE_BYTES = 262_144
_MAX_LABELS = 15
_OLDEST_SECONDS = 7 * 24 * 3600
_NEWEST_SECONDS = 600
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SERVICE_LABELS = (
    "service",
    "app",
    "application",
    "app_name",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "k8s_container_name",
    "component",
    "workload",
    "job",
    "k8s_job_name",
)


def take_push(logs: PushedLogs, request: Request) -> Answer:
    """Keeps the good entries of a push.

    Raises:
        RefusedError: some are not good (400), the others are kept all the same; or there are none (422).
    """
    streams = _streams(request)
    if not any(stream.get("values") for stream in streams):
        raise RefusedError(text_answer("error at least one valid stream is required for ingestion\n", 422))
    refusals: list[str] = []
    kept: list[Entry] = []
    for stream in streams:
        labels = _labelled(_texts(stream.get("stream") or {}, request))
        kept += _entries(labels, stream.get("values") or [], refusals, request)
    logs.push(kept)
    if refusals:
        raise _refused(refusals[-1])
    return Answer(204, b"", "")


def service_of(labels: Labels) -> str:
    """The ``service_name`` that the distributor adds to a stream."""
    return next((labels[name] for name in _SERVICE_LABELS if labels.get(name)), "unknown_service")


def _refused(text: str) -> RefusedError:
    return RefusedError(text_answer(f"{text}\n", 400))


def _streams(request: Request) -> list[dict[str, Any]]:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        try:
            body = zlib.decompress(body, _GZIP_WINDOW_BITS)
        except zlib.error as error:
            raise _refused("gzip: invalid header") from error
    if not body:
        raise _refused("EOF")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise _refused("snappy: corrupt input")
    try:
        streams = orjson.loads(body)["streams"]
        if not all(isinstance(each, dict) for each in streams):
            raise TypeError
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise _malformed(body) from error
    return list(streams)


def _malformed(body: bytes, what: str = "decode slice: expect [ or n, but found \\x00") -> RefusedError:
    end = body[-10:].decode("utf-8", "replace")
    place = f"error found in #10 byte of ...|{end}|..., bigger context ...|{body[-50:].decode('utf-8', 'replace')}|..."
    return _refused(f"loghttp.PushRequest.Streams: []loghttp.LogProtoStream: {what}, {place}")


def _texts(labels: Any, request: Request) -> dict[str, str]:
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        what = "unmarshalerDecoder: Value is string, but can't find closing '\"' symbol"
        raise _malformed(request.body, what)
    return labels


def _labelled(given: dict[str, str]) -> Labels:
    for name in given:
        if not _LABEL_NAME.fullmatch(name):
            sign = next((at for at, char in enumerate(name) if not (char.isalnum() or char == "_")), 0)
            column, text = sign + 2, f"unexpected character inside braces: '{name[sign]}'"
            raise _refused(f"couldn't parse labels: 1:{column}: parse error: {text}")
    named = {name: value for name, value in given.items() if value}
    labels = dict(sorted({"service_name": service_of(named), **named}.items()))
    if len(named) > _MAX_LABELS:
        text = f"has {len(named)} label names; limit {_MAX_LABELS}"
        raise _refused(f"entry for stream '{label_string(labels)}' {text}")
    return labels


def _entries(labels: Labels, values: list[Any], refusals: list[str], request: Request) -> Iterator[Entry]:
    now = time.time()
    for value in values:
        stamp_ns, line, metadata = _entry(value, request)
        refusal = _refusal(labels, stamp_ns, line, now)
        if refusal:
            refusals.append(refusal)
            continue
        level = metadata.get("detected_level") or level_of(line, labels, metadata)
        yield Entry(labels, stamp_ns, line, dict(sorted({**metadata, "detected_level": level}.items())))


def _entry(value: Any, request: Request) -> tuple[int, str, dict[str, str]]:
    if not isinstance(value, list) or not 2 <= len(value) <= 3:
        raise _malformed(request.body)
    stamp, line = value[0], value[1]
    if not isinstance(stamp, str) or not stamp.isdigit():
        what = "unmarshalerDecoder: Value looks like Number/Boolean/None, but can't find its end: ',' or '}' symbol"
        raise _malformed(request.body, what)
    if not isinstance(line, str):
        what = "unmarshalerDecoder: Value is string, but can't find closing '\"' symbol"
        raise _malformed(request.body, what)
    return int(stamp), line, _texts(value[2] if len(value) == 3 else {}, request)


def _refusal(labels: Labels, stamp_ns: int, line: str, now: float) -> str | None:
    """Why an entry is not taken; None where it is."""
    name, at = label_string(labels), rfc3339(stamp_ns // 1_000_000_000)
    if stamp_ns < (now - _OLDEST_SECONDS) * 1e9:
        oldest = rfc3339(now - _OLDEST_SECONDS)
        return f"entry for stream '{name}' has timestamp too old: {at}, oldest acceptable timestamp is: {oldest}"
    if stamp_ns > (now + _NEWEST_SECONDS) * 1e9:
        return f"entry for stream '{name}' has timestamp too new: {at}"
    size = len(line.encode())
    if size > _MAX_LINE_BYTES:
        limit = f"max entry size '{_MAX_LINE_BYTES}' bytes exceeded for stream '{name}'"
        return f"{limit} while adding an entry with length '{size}' bytes"
    return None
