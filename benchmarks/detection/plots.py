"""Plots for the documentation, as small SVG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.detection.cases import Case, Numbers

_MOST_POINTS = 1000


def bars(path: Path, figures: dict[str, dict[str, float]]) -> None:
    """VUS-PR by set and method, best method last."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fleetscope", "font.size": 8})
    figure, axes = pyplot.subplots(1, len(figures), figsize=(9, 3), sharex=True, layout="constrained")
    for axis, (data_set, of_methods) in zip(np.atleast_1d(axes), figures.items(), strict=True):
        ordered = sorted(of_methods.items(), key=lambda each: each[1])
        colours = ["#b3402e" if name == "pipeline" else "#8a9aa8" for name, _ in ordered]
        axis.barh([name for name, _ in ordered], [value for _, value in ordered], color=colours)
        axis.set_title(f"{data_set}: mean VUS-PR")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def example(path: Path, case: Case, scores: Numbers) -> None:
    """One file: its values, its labels, and the pipeline's score below."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fleetscope", "font.size": 8})
    every = max(1, len(scores) // _MOST_POINTS)
    places = np.arange(len(scores))
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(9, 3), sharex=True, layout="constrained")
    above.plot(places[::every], case.values[::every, 0], linewidth=0.6, color="#34495e")
    below.plot(places[::every], scores[::every], linewidth=0.6, color="#b3402e")
    for axis in (above, below):
        axis.fill_between(
            places[::every],
            0,
            1,
            where=case.labels[::every] == 1,
            transform=axis.get_xaxis_transform(),
            color="#f0c419",
            alpha=0.35,
            linewidth=0,
        )
        axis.spines[["top", "right"]].set_visible(False)
    above.set_title(f"{case.name}: values and labels; the pipeline's score below")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
