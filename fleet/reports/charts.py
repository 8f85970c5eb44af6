"""Charts of a report: a series with what was expected of it, and the lanes of an incident.

Nothing is told by colour alone: the usual range is filled, the anomalous stretch hatched and drawn thicker,
thresholds are dashed and named. The colours keep apart in grey and for the common kinds of colour blindness.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from fleet.detectors.contract import Baseline
from fleet.findings.quantity import CLOSE
from fleet.frames.frame import Frame
from fleet.frames.pack import PackQuery, Severity, Thresholds
from fleet.frames.window import Window, floor_time
from fleet.reports.content import Drawing
from fleet.reports.drawing import INK, MUTED, RULE, drawable, finish, font, new_figure
from fleet.reports.wording import short_time, unit_scale, value

FloatArray = npt.NDArray[np.float64]

COLUMNS = 260
"""With two points each about a hundred an inch: more could not be seen in print."""
_LINE = "#1f4e79"
_BAND = "#c4d7e8"
_MARK = "#b3261e"
_CHANGE = "#6a3d9a"
_SEVERITY = {
    Severity.CRITICAL: ("#b3261e", "////"),
    Severity.WARNING: ("#e08a2e", "\\\\\\\\"),
    Severity.INFO: ("#8fb4d6", "...."),
}
_LONGEST_LABEL = 44
_TICK_STEPS = [timedelta(minutes=each) for each in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080)]
_MOST_TICKS = 9


@dataclass(frozen=True)
class ChartSeries:
    """One series to be drawn.

    Attributes:
        fingerprint: of the finding that it shows.
        title: what the value is; ``subject``: of what. Both go into the caption, not into the picture.
        values: float32 on the grid of ``start`` (UTC) and ``step_seconds``, NaN for a gap.
        low, middle, high: what was expected, each on the same grid, or None.
        anomalous: the stretches to mark. ``changes``: times of changes on the subject.
    """

    fingerprint: str
    title: str
    subject: str
    unit: str
    start: datetime
    step_seconds: int
    values: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32] | None = None
    middle: npt.NDArray[np.float32] | None = None
    high: npt.NDArray[np.float32] | None = None
    anomalous: list[Window] = field(default_factory=list)
    changes: list[datetime] = field(default_factory=list)
    thresholds: Thresholds = field(default_factory=Thresholds)

    @classmethod
    def of(
        cls, frame: Frame, row: int, baseline: Baseline | None, query: PackQuery, *, fingerprint: str, subject: str
    ) -> ChartSeries:
        """A row of a frame with the baseline of that frame; stretches and changes are added by ``compose``."""
        return cls(
            fingerprint=fingerprint,
            title=query.title,
            subject=subject,
            unit=query.unit,
            start=frame.start,
            step_seconds=frame.step_seconds,
            values=frame.values[row].copy(),
            low=baseline.low[row].copy() if baseline else None,
            middle=baseline.middle[row].copy() if baseline else None,
            high=baseline.high[row].copy() if baseline else None,
            thresholds=query.thresholds,
        )

    @property
    def window(self) -> Window:
        """The time that the chart covers."""
        end = self.start.timestamp() + self.step_seconds * len(self.values)
        return Window(start=self.start, end=datetime.fromtimestamp(end, tz=UTC))


@dataclass(frozen=True)
class Lane:
    """One lane of a timeline: a name, and the stretch in which something was wrong (``end`` None: until the end)."""

    label: str
    start: datetime
    end: datetime | None
    severity: Severity


def extremes(values: FloatArray, columns: int = COLUMNS) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Positions and values that look the same at ``columns`` pixels: the least and the greatest of each pixel.

    Order in time is kept; a pixel without any sample yields one NaN, so that gaps stay gaps. A series that is
    shorter than twice the columns is returned whole. Infinite values count as missing: they have no place.
    """
    finite = np.where(np.isfinite(values), values, np.nan)
    if len(finite) <= 2 * columns:
        return np.arange(len(finite), dtype=np.int64), finite
    positions: list[int] = []
    for bucket in np.array_split(np.arange(len(finite)), columns):
        seen = bucket[~np.isnan(finite[bucket])]
        if not len(seen):
            positions.append(int(bucket[0]))
            continue
        least, most = int(seen[np.argmin(finite[seen])]), int(seen[np.argmax(finite[seen])])
        positions.extend(sorted({least, most}))
    chosen = np.asarray(positions, dtype=np.int64)
    return chosen, finite[chosen]


def draw_series(series: ChartSeries) -> Drawing:
    """A series over time, with its usual range, its thresholds, its changes and the anomalous stretches."""
    figure, axis = new_figure(height_inches=1.75)
    factor, unit = unit_scale(series.unit, _largest(series))
    times = _times(series)
    handles = _draw_band(axis, series, times, factor)
    position, shown = extremes(series.values.astype(np.float64) * factor)
    axis.plot(times[position], shown, color=_LINE, linewidth=1.0, solid_joinstyle="round", zorder=3)
    handles.insert(0, Line2D([], [], color=_LINE, linewidth=1.0, label="observed"))
    handles += _draw_anomalous(axis, series, times, position, shown)
    handles += _draw_changes(axis, series)
    _draw_thresholds(axis, series, factor)
    axis.margins(y=0.12)
    axis.set_xlim(times[0], times[-1] if len(times) > 1 else times[0] + 1e-3)
    _style_axes(axis, unit, series.window)
    _legend(axis, handles)
    return finish(figure)


def draw_timeline(lanes: list[Lane], changes: list[datetime], window: Window) -> Drawing:
    """An incident's lanes, one a finding, in the order given, with markers for changes."""
    figure, axis = new_figure(height_inches=0.62 + 0.2 * len(lanes))
    for row, lane in enumerate(lanes):
        colour, hatch = _SEVERITY[lane.severity]
        start, end = max(lane.start, window.start), min(lane.end or window.end, window.end)
        width = max(_day(end) - _day(start), window.seconds / 86400 / 200)
        axis.barh(row, width, left=_day(start), height=0.62, color=colour, hatch=hatch, edgecolor="white", lw=0.4)
        if lane.end is None:
            axis.plot(_day(window.end), row, marker=">", color=colour, markersize=4, clip_on=False)
    for at in changes:
        axis.axvline(_day(at), color=_CHANGE, linewidth=0.9, linestyle=(0, (2, 1.5)), zorder=4)
    axis.set_yticks(range(len(lanes)), [drawable(lane.label, _LONGEST_LABEL) for lane in lanes], fontproperties=font(7))
    axis.set_ylim(len(lanes) - 0.4, -0.6)
    axis.set_xlim(_day(window.start), _day(window.end))
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color=RULE, linewidth=0.4)
    axis.set_axisbelow(True)
    _style_time(axis, window)
    handles: list[Line2D | Patch] = [
        Patch(facecolor=_SEVERITY[level][0], hatch=_SEVERITY[level][1], edgecolor="white", label=level.value)
        for level in sorted({lane.severity for lane in lanes}, key=lambda each: -each.rank)
    ]
    if changes:
        handles.append(Line2D([], [], color=_CHANGE, linewidth=0.9, linestyle=(0, (2, 1.5)), label="change"))
    _legend(axis, handles)
    return finish(figure)


def _times(series: ChartSeries) -> FloatArray:
    seconds = series.start.timestamp() + series.step_seconds * np.arange(len(series.values), dtype=np.float64)
    return seconds / 86400


def _largest(series: ChartSeries) -> float:
    bounds = [series.values, *(each for each in (series.low, series.high) if each is not None)]
    finite = [np.abs(each[np.isfinite(each)]) for each in bounds]
    return max((float(each.max()) for each in finite if len(each)), default=1.0)


def _draw_band(axis: Axes, series: ChartSeries, times: FloatArray, factor: float) -> list[Line2D | Patch]:
    if series.low is None or series.high is None:
        return []
    # What is expected moves slowly: few points draw it.
    position, _ = extremes(series.high.astype(np.float64), columns=60)
    axis.fill_between(
        times[position], series.low[position] * factor, series.high[position] * factor, color=_BAND, lw=0, zorder=1
    )
    handles: list[Line2D | Patch] = [Patch(facecolor=_BAND, label="usual range")]
    if series.middle is not None:
        axis.plot(times[position], series.middle[position] * factor, color=MUTED, lw=0.6, ls=(0, (1, 1.2)), zorder=2)
        handles.append(Line2D([], [], color=MUTED, linewidth=0.6, linestyle=(0, (1, 1.2)), label="expected"))
    return handles


def _draw_anomalous(
    axis: Axes, series: ChartSeries, times: FloatArray, position: npt.NDArray[np.int64], shown: FloatArray
) -> list[Line2D | Patch]:
    for window in series.anomalous:
        start, end = _day(window.start), _day(window.end)
        # At least a hair wide, or a single sample would not be seen.
        end = max(end, start + (times[-1] - times[0]) / 300)
        axis.axvspan(start, end, facecolor="#fbeae8", edgecolor="#e3a8a3", hatch="////", linewidth=0, zorder=0)
        inside = (times[position] >= start) & (times[position] < end)
        axis.plot(times[position], np.where(inside, shown, np.nan), color=_MARK, linewidth=1.9, zorder=4)
    if not series.anomalous:
        return []
    return [Patch(facecolor="#fbeae8", edgecolor="#e3a8a3", hatch="////", linewidth=0, label="anomalous")]


def _draw_changes(axis: Axes, series: ChartSeries) -> list[Line2D | Patch]:
    inside = [at for at in series.changes if series.window.contains(at)]
    for at in inside:
        axis.axvline(_day(at), color=_CHANGE, linewidth=0.9, linestyle=(0, (2, 1.5)), zorder=5)
    if not inside:
        return []
    return [Line2D([], [], color=_CHANGE, linewidth=0.9, linestyle=(0, (2, 1.5)), label="change")]


def _draw_thresholds(axis: Axes, series: ChartSeries, factor: float) -> None:
    low, high = axis.get_ylim()
    reach = high + 1.5 * (high - low)
    for name, bound in (("warning", series.thresholds.warning), ("critical", series.thresholds.critical)):
        # A threshold far outside what was seen would press the series flat.
        if bound is None or not low - (high - low) <= bound * factor <= reach:
            continue
        axis.axhline(bound * factor, color=INK, linewidth=0.7, linestyle=(0, (5, 2)), zorder=2)
        axis.annotate(
            f"{name} {value(bound, series.unit)}",
            (1, bound * factor),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 1.5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=INK,
            fontproperties=font(6.5),
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6},
            zorder=6,
        )


def _style_axes(axis: Axes, unit: str, window: Window) -> None:
    low, high = axis.get_ylim()
    suffix = unit if unit in CLOSE else f" {unit}"
    levels = [float(at) for at in MaxNLocator(4).tick_values(low, high) if low <= at <= high]
    axis.set_yticks(levels, [f"{at:,.6g}{suffix}" for at in levels], fontproperties=font(7))
    axis.grid(axis="y", color=RULE, linewidth=0.4)
    axis.set_axisbelow(True)
    _style_time(axis, window)


def _style_time(axis: Axes, window: Window) -> None:
    step = next((each for each in _TICK_STEPS if window.seconds / each.total_seconds() <= _MOST_TICKS), _TICK_STEPS[-1])
    at = floor_time(window.start, step)
    ticks: list[float] = []
    labels: list[str] = []
    while at <= window.end:
        if at >= window.start:
            new_day = not ticks or at.hour == at.minute == 0
            ticks.append(_day(at))
            labels.append(f"{at:%H:%M}\n{short_time(at).rpartition(' ')[0]}" if new_day else f"{at:%H:%M}")
        at += step
    axis.set_xticks(ticks, labels, fontproperties=font(7))


def _legend(axis: Axes, handles: list[Line2D | Patch]) -> None:
    legend = axis.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=len(handles),
        frameon=False,
        prop=font(7),
        borderaxespad=0.1,
        handlelength=1.8,
        columnspacing=1.4,
    )
    for text in legend.get_texts():
        text.set_color(MUTED)


def _day(at: datetime) -> float:
    """A time as matplotlib counts it: days since 1970."""
    return at.timestamp() / 86400
