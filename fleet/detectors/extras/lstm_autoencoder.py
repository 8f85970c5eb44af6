"""Windows that a small recurrent network cannot draw from memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from fleet.detectors.contract import FloatArray, Scores
from fleet.detectors.extras.optional_package import optional_package
from fleet.detectors.shortlist.windows import (
    WINDOW_POINTS,
    Deviations,
    Windows,
    beyond_usual,
    point_scores,
    windows_of,
)
from fleet.frames.frame import Frame

_UNITS = 8
_MOST_WINDOWS = 1000
_LEAST_WINDOWS = 36
_EPOCHS = 20
_BATCH = 100
_RATE = 0.01
_MOST_SPREADS = 10.0
"""What is learnt is cut off here: one wild value of the past must not be all that the network learns."""
_LEAST_ERROR = 0.25

Weights = dict[str, FloatArray]
"""A trained network as plain arrays by name."""


class LstmAutoencoder:
    """How badly a window is drawn anew from eight numbers, by a network that learnt to draw the past's windows.

    Assumption: usual windows are few shapes with noise; what the network has not seen it draws as something usual.
    Fails: for series that are mostly noise, which nobody draws; for strange windows that are simple (a flat line is
        drawn well); a longer past than its thousand windows is thinned out.
    Cost: 0.7 s a series on one core, nearly all of it to learn.
    Source: P. Malhotra and others, LSTM-based Encoder-Decoder for Multi-sensor Anomaly Detection, 2016; on PyTorch.
    """

    name = "lstm-autoencoder"

    def require(self) -> None:
        """Raises UsageError where the package is not installed."""
        optional_package("torch", detector=self.name, group="deep")

    def score(self, frame: Frame, history: Frame | None) -> Scores:
        """1 is as badly drawn as the worst hundredth of the past's windows.

        Raises:
            UsageError: the package is not installed.
        """
        torch = optional_package("torch", detector=self.name, group="deep")
        deviations = Deviations.of(frame, history)
        scores = np.full(deviations.judged.shape, np.nan)
        with _repeatable(torch):
            for row in np.flatnonzero(deviations.profile.known):
                scores[row] = _scores_of_series(torch, deviations.past[row], deviations.judged[row])
        return deviations.scores(scores)


def learn(torch: Any, windows: Windows) -> Weights:
    """Weights that draw windows (count, 12) anew; the same ones every time."""
    torch.manual_seed(0)
    network = _network(torch)
    steps = torch.optim.Adam(network.parameters(), lr=_RATE)
    learnt = torch.from_numpy(windows.clip(-_MOST_SPREADS, _MOST_SPREADS).astype(np.float32))
    for _ in range(_EPOCHS):
        for batch in torch.randperm(len(learnt)).split(_BATCH):
            steps.zero_grad()
            error = ((_drawn(torch, network, learnt[batch]) - learnt[batch]) ** 2).mean()
            error.backward()
            steps.step()
    return {name: value.numpy().copy() for name, value in network.state_dict().items()}


def errors(torch: Any, weights: Weights, windows: Windows) -> npt.NDArray[np.float64]:
    """For each window of (count, 12) the root mean square of what the network draws wrongly, in spreads."""
    network = _network(torch)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    with torch.no_grad():
        drawn = _drawn(torch, network, torch.from_numpy(windows.astype(np.float32))).numpy()
    return np.asarray(np.sqrt(((drawn - windows) ** 2).mean(axis=1)), dtype=np.float64)


def _scores_of_series(torch: Any, past: FloatArray, judged: FloatArray) -> npt.NDArray[np.float64]:
    windows, seen = windows_of(past)
    learnt = windows[seen]
    if len(learnt) < _LEAST_WINDOWS or judged.size < WINDOW_POINTS:
        return np.full(judged.size, np.nan)
    if len(learnt) > _MOST_WINDOWS:
        learnt = learnt[np.linspace(0, len(learnt) - 1, _MOST_WINDOWS).astype(np.intp)]
    weights = learn(torch, learnt)
    windows, seen = windows_of(judged)
    of_windows = np.full(len(windows), np.nan)
    if seen.any():
        of_windows[seen] = errors(torch, weights, windows[seen])
    return beyond_usual(point_scores(of_windows), errors(torch, weights, learnt), _LEAST_ERROR)


def _network(torch: Any) -> Any:
    layers = torch.nn
    return layers.ModuleDict(
        {
            "encoder": layers.LSTM(1, _UNITS, batch_first=True),
            "decoder": layers.LSTM(_UNITS, _UNITS, batch_first=True),
            "value": layers.Linear(_UNITS, 1),
        }
    )


def _drawn(torch: Any, network: Any, windows: Any) -> Any:
    """The windows as the network draws them from the encoder's last state."""
    _, (state, _) = network["encoder"](windows[:, :, None])
    repeated = state[0][:, None, :].expand(-1, windows.shape[1], -1)
    states, _ = network["decoder"](repeated)
    return network["value"](states)[:, :, 0]


@contextmanager
def _repeatable(torch: Any) -> Iterator[None]:
    """One thread, so that sums have one order, and the process's random numbers as they were afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
