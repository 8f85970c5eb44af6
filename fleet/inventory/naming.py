"""Valid cluster names from names that others gave."""

from __future__ import annotations

import re

_LONGEST = 63
_NOT_ALLOWED = re.compile(r"[^a-z0-9]+")


def cluster_name_of(name: str) -> str:
    """A DNS label from any name: lower case, everything else a dash, cut to 63 characters; "" if nothing is left.

    Different names may come to the same one: whoever uses several has to look.
    """
    return _NOT_ALLOWED.sub("-", name.lower()).strip("-")[:_LONGEST].rstrip("-")
