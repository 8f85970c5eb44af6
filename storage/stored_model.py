"""The state of one version, read a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import MADV_DONTNEED, mmap

from fleet.detectors.model_version import ModelPart, ModelVersion
from fleet.detectors.state_parquet import decode_state
from fleet.detectors.trained_state import TrainedState
from fleet.errors import CorruptObject, NotFound
from storage.objects import ObjectStore
from storage.stored_frames import MEMORY_BYTES


class StoredModel:
    """A version's objects, all of them fetched and proven whole when it is made.

    Args:
        objects: where they lie.
        version: of what.
        strike_out: notes that the version is damaged.

    Raises:
        CorruptObject: here and in ``state``: an object is gone, damaged, or of another form; it is noted by then.
    """

    def __init__(self, objects: ObjectStore, version: ModelVersion, strike_out: Callable[[], None]) -> None:
        self.version = version
        self._strike_out = strike_out
        get = objects.get_mapped if sum(part.object_bytes for part in version.parts) > MEMORY_BYTES else objects.get
        with self._noted():
            self._data: list[bytes | mmap] = [get(part.object_key, part.object_hash) for part in version.parts]

    def state(self, part: ModelPart) -> TrainedState:
        """What was learnt of the queries of one of the version's parts."""
        data = self._data[self.version.parts.index(part)]
        with self._noted():
            state = decode_state(data)
        if isinstance(data, mmap):
            # What was read stays in the system's cache, and is no memory of ours.
            data.madvise(MADV_DONTNEED)
        return state

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except (CorruptObject, NotFound) as failure:
            self._strike_out()
            raise CorruptObject(
                failure.message, hint="What was learnt was struck out: run again, and it is learnt anew."
            ) from failure
