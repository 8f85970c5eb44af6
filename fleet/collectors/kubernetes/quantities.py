"""Kubernetes quantities (``100m``, ``16Gi``, ``1e3``) as numbers.

Form: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?:[eE](?P<power>[+-]?\d{1,3})|(?P<suffix>[a-zA-Z]{1,2}))?"
)
_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


def parse_quantity(text: str) -> Decimal:
    """The number that a quantity stands for, in the resource's own unit (cores, bytes, pieces).

    Raises:
        ValueError: the text is no quantity.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a quantity: {text[:40]!r}")
    number, power, suffix = Decimal(match["number"]), match["power"], match["suffix"]
    if power is not None:
        return number.scaleb(int(power))
    factor = Decimal(1) if suffix is None else _SUFFIXES.get(suffix)
    if factor is None:
        raise ValueError(f"not a quantity: {text[:40]!r}")
    return number * factor
