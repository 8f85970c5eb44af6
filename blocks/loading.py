"""Loading a block from synchronous code."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar, cast

from prefect.blocks.core import Block

AnyBlock = TypeVar("AnyBlock", bound=Block)


def load_block(kind: type[AnyBlock], name: str) -> AnyBlock:
    """The block of this kind and name.

    Raises:
        ValueError: there is none.
    """
    # Prefect types ``load`` as perhaps a coroutine; it is one only inside a running event loop.
    return cast(AnyBlock, kind.load(name))


def delete_block(kind: type[Block], name: str) -> None:
    """Delete the block of this kind and name; nothing happens when there is none."""
    with suppress(ValueError):
        kind.delete(name)
