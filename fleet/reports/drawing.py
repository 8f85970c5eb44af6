"""From a matplotlib figure to SVG that can stand inline in a page, any number of times, the same bytes every time.

Text becomes paths, so that a picture looks the same everywhere and needs no font. Figures are plain objects with a
canvas of their own: nothing here touches pyplot or matplotlib's global settings, and threads may draw at once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from io import StringIO

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.text import Text

from fleet.reports.content import Drawing
from fleet.reports.wording import brief

WIDTH_INCHES = 6.85
"""The width of a report page's text: pictures are drawn at the size at which they are printed."""
_FONT_PATH = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
INK = "#1b2733"
MUTED = "#5b6875"
RULE = "#cfd6dd"

_ID = re.compile(r' id="([^"]+)"')
_REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]+)')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_STYLE_SHEET = re.compile(r"<style\b.*?</style>", re.DOTALL)
_ROOT = re.compile(r"<svg\b[^>]*>(.*)</svg>", re.DOTALL)
_STYLE = re.compile(r' style="([^"]*)"')
_PATH_DATA = re.compile(r' d="([^"]*)"')
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")


def font(size_points: float = 7.5) -> FontProperties:
    """The pictures' font: the one that matplotlib brings along, so that every machine has it."""
    return FontProperties(fname=_FONT_PATH, size=size_points)


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    return frozenset(get_font(_FONT_PATH).get_charmap())


def drawable(text: str, longest: int) -> str:
    """Text of which every character is in the font, cut in the middle to a length: both ends of a name tell."""
    shown = "".join(character if ord(character) in _characters() else "□" for character in text)
    return brief(shown, longest)


def new_figure(height_inches: float) -> tuple[Figure, Axes]:
    """A figure of the page's width with one plain axis."""
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    FigureCanvasSVG(figure)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02)  # type: ignore[union-attr, call-arg]
    axis = figure.add_subplot()
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set_color(RULE)
    axis.tick_params(length=2.5, color=RULE, labelcolor=MUTED)
    return figure, axis


def finish(figure: Figure) -> Drawing:
    """The figure as a drawing; ids are made unique and are the same for the same picture."""
    for text in figure.findobj(Text):
        # A dollar sign of a cluster's name must not start a formula.
        text.set_parse_math(False)
    buffer = StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    root = _ROOT.search(buffer.getvalue())
    if root is None:
        raise AssertionError("matplotlib wrote no svg element")
    body = _METADATA.sub("", _COMMENT.sub("", root.group(1)))
    # Its one rule would hold for the whole page; the svg element's own attributes say the same.
    body = _STYLE_SHEET.sub("", body)
    body = _PATH_DATA.sub(lambda match: f' d="{_LONG_NUMBER.sub(_rounded, match.group(1))}"', body)
    body = re.sub(r"\s*\n\s*", " ", _STYLE.sub(_attributes, body)).strip()
    width, height = figure.get_size_inches() * 72
    return Drawing(width=round(float(width), 2), height=round(float(height), 2), body=_stable_ids(body))


def _attributes(match: re.Match[str]) -> str:
    """Style declarations as attributes: an inline picture then takes no part in the page's style sheets."""
    declarations = (each.partition(":") for each in match.group(1).split(";") if ":" in each)
    return "".join(f' {name.strip()}="{text.strip()}"' for name, _, text in declarations)


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match.group()):.1f}".rstrip("0").rstrip(".")


def _stable_ids(body: str) -> str:
    """Ids that nothing refers to go; the others get a number after the picture's own hash."""
    numbers: dict[str, str] = {}
    for match in _REFERENCE.finditer(body):
        numbers.setdefault(match.group(1), f"@{len(numbers)}")
    body = _ID.sub(lambda match: f' id="{numbers[match.group(1)]}"' if match.group(1) in numbers else "", body)
    body = _REFERENCE.sub(lambda match: match.group().replace(match.group(1), numbers[match.group(1)]), body)
    prefix = f"p{sha256(body.encode()).hexdigest()[:10]}-"
    return re.sub(r'(id="|href="#|url\(#)@', rf"\g<1>{prefix}", body)
