"""The exit codes that scripts rely on, and how they combine."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's end means. The highest that applies wins, except that FINDINGS goes before GAPS."""

    FINE = 0
    FINDINGS = 1
    """There are findings at or above ``--fail-on``."""
    USAGE = 2
    COULD_NOT_RUN = 3
    GAPS = 4
    """It ran, but something could not be seen; ``--allow-gaps`` makes this FINE."""
    OUTPUT_CLOSED = 141
    """Whoever read standard output had enough, such as ``head``: 128 and the number of SIGPIPE, as shells have it."""
