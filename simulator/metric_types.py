"""What Prometheus tells of its metrics: type, help and unit, as the exporters of their names have them."""

from __future__ import annotations

from collections.abc import Iterable

_PARTS = ("_bucket", "_count", "_sum")


def metadata_of(metrics: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """The metadata by metric; that of a histogram stands under its own name, not under those of its parts."""
    names = set(metrics)
    histograms = {name.removesuffix("_bucket") for name in names if name.endswith("_bucket")}
    found = dict.fromkeys(histograms, "histogram")
    for name in names:
        if not any(name.endswith(part) and name.removesuffix(part) in histograms for part in _PARTS):
            found[name] = "counter" if name.endswith("_total") else "gauge"
    return {name: [{"type": found[name], "help": _help(name), "unit": ""}] for name in sorted(found)}


def _help(name: str) -> str:
    words = name.removesuffix("_total").replace("_", " ").replace(":", " ")
    return f"{words[:1].upper()}{words[1:]}."
