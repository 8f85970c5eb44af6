"""Labelled series of public data sets as frames. Nothing but this module knows a set by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.detection.vus import window_of
from fleet.frames.frame import Frame, SeriesKey

DATA = Path(__file__).parents[2].parent / "shared" / "data"
SETS = ("nab", "kpi", "smd")
_WEEK_SECONDS = 7 * 86_400

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One labelled file.

    Attributes:
        data_set, name: where it is from.
        frame: what is scored, on its own grid.
        history: the train part, or, where there is none, the same values moved to weeks before: the file is its own
            past, and the case ``in_sample``.
        columns: the frame's columns that hold the file's samples, in order.
        labels: 1 where a sample is labelled anomalous; of the samples.
        window: the widest buffer around labels for VUS-PR, by TSB-AD's rule.
    """

    data_set: str
    name: str
    frame: Frame
    history: Frame
    in_sample: bool
    columns: npt.NDArray[np.intp]
    labels: npt.NDArray[np.int64]
    window: int

    @property
    def values(self) -> Numbers:
        """Samples as they stand in the file, (samples, metrics)."""
        return self.frame.values[:, self.columns].T.astype(np.float64)

    @property
    def reference(self) -> Numbers:
        """What a peer may learn from, (samples, metrics), without gaps."""
        if self.in_sample:
            return self.values
        past = self.history.values.T.astype(np.float64)
        return past[np.isfinite(past).all(axis=1)]


def read(data_set: str, data: Path = DATA) -> Iterator[Case]:
    """The labelled files of a set, in order of their names."""
    return {"nab": _nab, "kpi": _kpi, "smd": _smd}[data_set](data / data_set)


def unlabelled(data: Path = DATA) -> list[str]:
    """Files of NAB that have no label, by which nothing can be measured."""
    return [name for name, windows in _nab_windows(data / "nab").items() if not windows]


def _nab_windows(folder: Path) -> dict[str, list[list[str]]]:
    windows: dict[str, list[list[str]]] = json.loads((folder / "labels" / "combined_windows.json").read_text())
    return windows


def _nab(folder: Path) -> Iterator[Case]:
    for name, windows in _nab_windows(folder).items():
        if not windows:
            continue
        table = pd.read_csv(folder / "data" / name, parse_dates=["timestamp"])
        times = table["timestamp"]
        labels = np.zeros(len(table), dtype=np.int64)
        for start, end in windows:
            labels[(times >= pd.Timestamp(start)) & (times <= pd.Timestamp(end))] = 1
        seconds = times.to_numpy().astype("datetime64[s]").astype(np.int64)
        frame, columns = _frame(seconds, table[["value"]].to_numpy())
        yield _case("nab", Path(name).stem, frame, None, columns, labels)


def _kpi(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.parquet")):
        table = pd.read_parquet(path)
        train, test = (table[table["part"] == part] for part in ("train", "test"))
        frame, columns = _frame(test["timestamp"].to_numpy(), test[["value"]].to_numpy())
        history, _ = _frame(train["timestamp"].to_numpy(), train[["value"]].to_numpy())
        yield _case("kpi", path.stem[:8], frame, history, columns, test["label"].to_numpy(dtype=np.int64))


def _smd(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.parquet")):
        table = pd.read_parquet(path)
        metrics = [column for column in table.columns if column not in {"part", "label"}]
        train, test = (table[table["part"] == part] for part in ("train", "test"))
        # The set has no times: minutes, and the test part follows the train part.
        past, now = np.arange(len(train)) * 60, (len(train) + np.arange(len(test))) * 60
        frame, columns = _frame(now, test[metrics].to_numpy())
        history, _ = _frame(past, train[metrics].to_numpy())
        yield _case("smd", path.stem, frame, history, columns, test["label"].to_numpy(dtype=np.int64))


def _frame(seconds: npt.NDArray[np.int64], values: npt.NDArray[Any]) -> tuple[Frame, npt.NDArray[np.intp]]:
    """Samples on the grid of their most usual distance, and the column of each."""
    step = round(float(np.median(np.diff(seconds))))
    columns = np.round((seconds - seconds[0]) / step).astype(np.intp)
    grid = np.full((values.shape[1], int(columns.max()) + 1), np.nan, dtype=np.float32)
    grid[:, columns] = values.T
    keys = [SeriesKey.of("value", {"metric": f"m{number:02d}"}) for number in range(values.shape[1])]
    return Frame(datetime.fromtimestamp(int(seconds[0]), UTC), step, keys, grid), columns


def _case(
    data_set: str,
    name: str,
    frame: Frame,
    history: Frame | None,
    columns: npt.NDArray[np.intp],
    labels: npt.NDArray[np.int64],
) -> Case:
    window = window_of(frame.values[0, columns].astype(np.float64))
    if history is not None:
        return Case(data_set, name, frame, history, False, columns, labels, window)
    weeks = -(-(frame.points + 1) * frame.step_seconds // _WEEK_SECONDS)
    earlier = frame.start - timedelta(seconds=weeks * _WEEK_SECONDS)
    own_past = Frame(earlier, frame.step_seconds, frame.keys, frame.values)
    return Case(data_set, name, frame, own_past, True, columns, labels, window)
