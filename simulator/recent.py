"""What was made last and is kept, so that very many clusters fit into the memory of one process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Recent(Generic[KeyT, ValueT]):
    """Values by key that can be made again; those asked for longest ago go when the limit is passed.

    Threads that ask for the same key wait for one of them to make it.
    """

    def __init__(self, limit: int, weigh: Callable[[ValueT], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._kept: OrderedDict[KeyT, tuple[ValueT, int]] = OrderedDict()
        self._making: dict[KeyT, Lock] = {}
        self._weight = 0
        self._lock = Lock()

    def get(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """The value of a key, made where it is not kept. The newest is kept whatever its weight."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            making = self._making.setdefault(key, Lock())
        with making:
            with self._lock:
                if key in self._kept:
                    return self._kept[key][0]
            value = make()
            self._keep(key, value)
        return value

    def _keep(self, key: KeyT, value: ValueT) -> None:
        weight = self._weigh(value)
        with self._lock:
            self._kept[key] = value, weight
            self._weight += weight
            self._making.pop(key, None)
            while self._weight > self._limit and len(self._kept) > 1:
                self._weight -= self._kept.popitem(last=False)[1][1]
