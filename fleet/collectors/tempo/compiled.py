"""Very many spans out of OTLP's protobuf straight into columns, by compiled loops (``loops`` says at what price)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.collectors.tempo.loops import (
    AFTER,
    BEGIN,
    LONGEST_ESCAPE,
    RESOURCE_ATTRIBUTES,
    SPAN_ATTRIBUTES,
    WIDTH,
    ZERO,
    Bytes,
    Flags,
    Ints,
    compiled_loops,
)


@dataclass(frozen=True)
class Texts:
    """Texts one behind the other, and where each begins and the last ends: the two buffers of an Arrow array."""

    data: Bytes
    offsets: Ints


@dataclass(frozen=True)
class Scanned:
    """Columns of spans and of their resources.

    Attributes:
        spans: places of each span's fields, by ``TRACE_ID`` and the others; ``BEGIN``, ``AFTER`` of the message and the
            number of its ``RESOURCE``. Of ``KIND`` it is the number itself.
        times: start and end in Unix nanoseconds.
        statuses: the code, and where the message's text begins and ends.
        resources: where each resource's message begins and ends.
        attributes: of the spans as JSON; ``special`` marks those that ``wire`` has to read.
        resource_attributes: likewise of the resources, with ``special_resources``.
        services: where the text of each resource's service name begins and ends.
    """

    data: Bytes
    spans: Ints
    times: Ints
    statuses: Ints
    resources: Ints
    attributes: Texts
    special: Flags
    resource_attributes: Texts
    special_resources: Flags
    services: Ints

    def texts(self, begins: Ints, ends: Ints) -> Texts:
        """Parts of the buffer one behind the other."""
        out = np.empty(int((ends - begins).sum()), dtype=np.uint8)
        offsets = np.zeros(len(begins) + 1, dtype=np.int64)
        compiled_loops().gather(self.data, begins, ends, out, offsets)
        return Texts(out, offsets)

    def digits(self, column: int, count: int) -> Texts:
        """Ids as hexadecimal digits, padded to ``count``."""
        out = np.full(len(self.spans) * count, ZERO)
        compiled_loops().hexadecimal(self.data, self.spans, column, out, count)
        return Texts(out, count * np.arange(len(self.spans) + 1, dtype=np.int64))


def scan(buffer: bytes) -> Scanned | None:
    """The spans of ``TracesData`` messages one behind the other; None where the bytes are malformed."""
    data, loops = np.frombuffer(buffer, dtype=np.uint8), compiled_loops()
    count, resource_count = loops.count(data)
    if count < 0:
        return None
    spans, resources = np.zeros((count, WIDTH), np.int64), np.zeros((resource_count, 2), np.int64)
    loops.locate(data, spans, resources)
    times, statuses = np.zeros((count, 2), np.int64), np.zeros((count, 3), np.int64)
    services = np.zeros((resource_count, 2), np.int64)
    if not loops.read(data, spans, times, statuses) or not loops.name(data, resources, services):
        return None
    own = _attributes(data, spans[:, BEGIN : AFTER + 1], SPAN_ATTRIBUTES)
    theirs = _attributes(data, resources, RESOURCE_ATTRIBUTES)
    if own is None or theirs is None:
        return None
    return Scanned(data, spans, times, statuses, resources, *own, *theirs, services)


def _attributes(data: Bytes, messages: Ints, number: int) -> tuple[Texts, Flags] | None:
    """The attributes of messages as JSON objects, and which of them have to be read otherwise."""
    room = LONGEST_ESCAPE * int((messages[:, 1] - messages[:, 0]).sum()) + 4 * len(messages)
    out, offsets = np.empty(room, np.uint8), np.zeros(len(messages) + 1, np.int64)
    special = np.zeros(len(messages), np.bool_)
    if not compiled_loops().write(data, messages, number, out, offsets, special):
        return None
    return Texts(out[: offsets[-1]].copy(), offsets), special
