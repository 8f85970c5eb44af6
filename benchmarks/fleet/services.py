"""What the servers beside a run cost while it goes on: CPU time, and peak memory (shared pages once)."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import psutil

_SAMPLE_SECONDS = 2.0


class Services:
    """A block during which servers, each with the processes below it, are looked at every two seconds.

    Args:
        pids: the servers' process ids, by name.
    """

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._roots = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._peaks = dict.fromkeys(pids, 0.0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Services:
        self._before = {name: _cpu_seconds(root) for name, root in self._roots.items()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.figures: dict[str, float] = {}
        for name, root in self._roots.items():
            self.figures[f"{name}_cpu_seconds"] = _cpu_seconds(root) - self._before[name]
            self.figures[f"{name}_peak_mib"] = self._peaks[name]

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            for name, root in self._roots.items():
                self._peaks[name] = max(self._peaks[name], sum(_mib(each) for each in _tree(root)))


def _tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _cpu_seconds(root: psutil.Process) -> float:
    """Of processes that live, and of those that have ended below them."""
    return sum(_of_one(each) for each in _tree(root))


def _of_one(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.Error:
        return 0.0


def _mib(process: psutil.Process) -> float:
    """A process's memory; of pages that it shares, its share."""
    try:
        return float(process.memory_full_info().pss) / 2**20
    except psutil.Error:
        return 0.0
