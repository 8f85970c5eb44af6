"""Answers of log queries as log frames. Format: Loki's HTTP API, as recorded from 3.8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from fleet.collectors.loki.compact import CompactLines, compact_lines
from fleet.collectors.loki.escapes import taken
from fleet.collectors.transport.faults import clean_words
from fleet.errors import AnswerTruncated, SourceError, WrongService
from fleet.frames.log_frame import Labels, LogFrame

_Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LogPage:
    """One answer: its lines in order of time, and what the server says beside them (it may not be whole)."""

    frame: LogFrame
    warnings: list[str] = field(default_factory=list)


def decode_lines(body: bytes | bytearray, url: str, *, backward: bool = False) -> LogPage:
    """The lines of an answer, oldest first.

    Args:
        body: of the answer.
        url: of the endpoint, for messages.
        backward: the server was asked for the newest first: lines of one time come reversed.

    Raises:
        AnswerTruncated, WrongService: the body is cut, or something else.
    """
    text = _readable(body)
    lines = compact_lines(text)
    if lines is not None:
        return _page_of_compact(lines, backward=backward)
    try:
        return _page_of_answer(orjson.loads(text), url, backward=backward)
    except orjson.JSONDecodeError as error:
        raise undecodable(error, url) from None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, pa.ArrowException):
        raise WrongService(f"{url} answered a log query with no log lines.", endpoint=url) from None


def undecodable(error: orjson.JSONDecodeError, url: str) -> SourceError:
    """What an answer that is no JSON means."""
    if "unexpected end" in str(error) or "end of data" in str(error):
        return AnswerTruncated(f"The answer of {url} ended in the middle.", endpoint=url)
    return WrongService(f"{url} answered something that is no JSON.", endpoint=url, hint="Is it the address of Loki?")


def frame_of_streams(streams: Sequence[tuple[Labels, Sequence[Sequence[Any]]]], *, backward: bool = False) -> LogFrame:
    """A frame of streams with their entries as JSON has them: time, text, and perhaps metadata.

    Raises:
        LookupError, TypeError, ValueError, OverflowError, pyarrow.ArrowException: something in it is of another form.
    """
    entries = [entry for _, values in streams for entry in values]
    counts = np.array([len(values) for _, values in streams], dtype=np.int64)
    times = _nanoseconds([entry[0] for entry in entries])
    lines = pa.array([entry[1] for entry in entries], pa.large_string())
    order = _order(times, backward=backward)
    stream = np.repeat(np.arange(len(streams), dtype=np.int32), counts)
    return LogFrame(
        times[order],
        stream[order],
        [_checked(labels) for labels, _ in streams],
        taken(lines, order),
        _metadata(entries, order),
    )


def _readable(body: bytes | bytearray) -> bytes | bytearray:
    """The body as UTF-8: a byte of a log line that is none becomes the sign for that, and takes no other line away."""
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace").encode()
    return body


def _page_of_compact(lines: CompactLines, *, backward: bool) -> LogPage:
    order = _order(lines.timestamps_ns, backward=backward)
    stream = np.repeat(np.arange(len(lines.streams), dtype=np.int32), lines.counts)
    texts = taken(lines.lines, order)
    frame = LogFrame(lines.timestamps_ns[order], stream[order], lines.streams, texts)
    return LogPage(frame, [clean_words(text) for text in lines.warnings])


def _page_of_answer(answer: Any, url: str, *, backward: bool) -> LogPage:
    if answer["status"] != "success" or answer["data"]["resultType"] != "streams":
        raise WrongService(f"{url} answered a log query with no log lines.", endpoint=url)
    streams = [(each["stream"], each["values"]) for each in answer["data"]["result"]]
    warnings = [clean_words(text) for text in answer.get("warnings") or []]
    return LogPage(frame_of_streams(streams, backward=backward), warnings)


def _order(times: _Places, *, backward: bool) -> _Places:
    """Rows in order of time; of one time as the source had them."""
    rows = np.arange(len(times), dtype=np.int64)
    if backward:
        rows = rows[::-1]
        times = times[::-1]
    if (np.diff(times) >= 0).all():
        return rows
    order: _Places = rows[np.argsort(times, kind="stable")]
    return order


def _nanoseconds(texts: list[str]) -> _Places:
    """Times from their decimal digits, never through a float."""
    times: _Places = pa.array(texts, pa.string()).cast(pa.int64()).to_numpy()
    return times


def _checked(labels: Any) -> Labels:
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in labels.items()):
        raise TypeError("labels are texts")
    return dict(labels)


def _metadata(entries: list[Sequence[Any]], order: _Places) -> Any:
    """What lines have beside their text, as JSON; None where no line has any."""
    if max(map(len, entries), default=0) < 3:
        return None
    texts = [orjson.dumps(entry[2]).decode() if len(entry) > 2 else None for entry in entries]
    return pa.array(texts, pa.large_string()).take(pa.array(order))
