"""Logs, traces, alerts and rules: what scans keep of each chunk of time, beside the frames of metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from fleet.errors import CorruptObject
from fleet.frames.alerts import AlertFrame, RuleFrame
from fleet.frames.coverage import Coverage
from fleet.frames.log_frame import LogFrame
from fleet.frames.log_parquet import decode_logs, encode_logs
from fleet.frames.trace_frame import SpanFrame
from fleet.frames.trace_parquet import decode_spans, encode_spans
from storage.chunk_objects import ChunkObjects
from storage.coverage import CoverageStore
from storage.frames import CONTENT_TYPE
from storage.objects import ObjectStore

FrameT = TypeVar("FrameT")
ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class Form(Generic[FrameT]):
    """How a kind of frame becomes bytes; ``encode`` gives none for one that holds nothing."""

    extension: str
    content_type: str
    encode: Callable[[FrameT], bytes]
    decode: Callable[[bytes], FrameT]


class SignalStore(Generic[FrameT]):
    """Frames of one kind, by the coverage of their chunk.

    Every method raises StoreUnavailable or StoreError when the database or the object store does.
    """

    def __init__(self, form: Form[FrameT], objects: ObjectStore, coverage: CoverageStore) -> None:
        self._form = form
        self._chunks = ChunkObjects(objects, coverage, form.extension, form.content_type)

    def save(self, chunks: Iterable[tuple[Coverage, FrameT]]) -> None:
        """Store chunks as they come, as ``ChunkObjects.save`` does; one that holds nothing is a row alone."""
        self._chunks.save((coverage, self._form.encode(frame)) for coverage, frame in chunks)

    def load(self, chunk: Coverage) -> FrameT | None:
        """What is stored of a chunk; None where its row names nothing.

        Raises:
            CorruptObject: the bytes are gone or damaged; the chunk was struck out, and is asked for again.
        """
        return self._chunks.read(chunk, self._form.decode) if chunk.object_key else None


def _json_form(model: type[ModelT], holds: Callable[[ModelT], bool]) -> Form[ModelT]:
    def encode(frame: ModelT) -> bytes:
        return frame.model_dump_json().encode() if holds(frame) else b""

    def decode(data: bytes) -> ModelT:
        try:
            return model.model_validate_json(data)
        except ValidationError:
            raise CorruptObject(f"Stored {model.__name__} of {len(data)} bytes cannot be read.") from None

    return Form("json", "application/json", encode, decode)


LOGS: Form[LogFrame] = Form(
    "parquet", CONTENT_TYPE, lambda frame: encode_logs(frame) if len(frame) else b"", decode_logs
)
TRACES: Form[SpanFrame] = Form(
    "parquet", CONTENT_TYPE, lambda frame: encode_spans(frame) if len(frame) else b"", decode_spans
)
ALERTS = _json_form(AlertFrame, lambda frame: bool(frame.alerts or frame.silences or frame.groups))
RULES = _json_form(RuleFrame, lambda frame: bool(frame.alert_rules or frame.recording_rules or frame.health_groups))
