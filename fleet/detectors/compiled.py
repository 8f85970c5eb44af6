"""Loops that are compiled to machine code when they first run, and kept on disk for the next process.

Loading the compiler takes a third of a second: modules with compiled loops are imported inside the functions that
need them. Loops that call each other stand in one file: what lies on disk is made anew only when the file of the
outermost one changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """The loop as machine code that runs beside other threads; what is divided by zero is infinite or NaN, as in numpy.

    Where no directory can be written its machine code is not kept for the next process.
    """
    try:
        return cast(Loop, numba.njit(cache=True, nogil=True, error_model="numpy")(loop))
    except RuntimeError:
        return cast(Loop, numba.njit(nogil=True, error_model="numpy")(loop))
