"""How much is computed at once: a process runs more tasks than it has processors, since most of them wait."""

from __future__ import annotations

import os
from threading import BoundedSemaphore

COMPUTING = BoundedSemaphore(max(2, os.cpu_count() or 1))
"""Blocks of series that are worked on at once: each uses all processors, and more at once would only take memory."""
