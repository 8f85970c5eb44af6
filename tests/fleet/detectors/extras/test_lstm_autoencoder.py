"""What the autoencoder learns is plain arrays, and always the same."""

from pathlib import Path

import numpy as np
import pytest

from fleet.detectors.extras.lstm_autoencoder import errors, learn

torch = pytest.importorskip("torch", reason="torch is not installed")


def waves(count: int) -> np.ndarray:
    return np.sin(np.arange(12)[None, :] / 2 + np.linspace(0, 6, count)[:, None])


def test_weights_are_plain_arrays_that_score_alike_wherever_they_are_read_back(tmp_path: Path) -> None:
    weights = learn(torch, waves(200))
    np.savez(tmp_path / "weights.npz", **weights)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as stored:
        read = dict(stored)
    assert {value.dtype for value in read.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(errors(torch, read, waves(30)), errors(torch, weights, waves(30)))


def test_learning_repeats_itself_and_draws_what_it_saw_better_than_what_it_did_not() -> None:
    weights, again = (learn(torch, waves(200)) for _ in range(2))
    for name, value in weights.items():
        np.testing.assert_array_equal(value, again[name])
    flipped = waves(30) * np.where(np.arange(12) % 2, 1, -1)
    assert errors(torch, weights, flipped).mean() > 2 * errors(torch, weights, waves(30)).mean()
