"""Text that a cluster's users wrote: kept as text, free of control characters, bounded."""

from __future__ import annotations

NAME_CHARACTERS = 253
"""The longest name that Kubernetes allows."""
MESSAGE_CHARACTERS = 300


def clean(text: str | None, limit: int = MESSAGE_CHARACTERS) -> str:
    """One line of printable characters, at most ``limit`` long; a cut is marked by an ellipsis.

    Terminal escapes and line breaks in an event's message must not reach a terminal, a log or a mail header.
    """
    if text and len(text) <= limit and text.isascii() and text.isprintable() and " " not in text:
        return text
    # No answer needs more than a few times the limit before it is shortened: the rest is not even looked at.
    words = "".join(sign if sign.isprintable() else " " for sign in (text or "")[: 4 * limit]).split()
    line = " ".join(words)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
