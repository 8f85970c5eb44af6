"""What the commands share: which pack, and how its queries stand on a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleet.frames.pack import QueryPack

PackOption = Annotated[Path | None, typer.Option(help="The pack's file; by default the cluster health pack.")]


def chosen_pack(file: Path | None) -> QueryPack:
    """The pack of ``--pack``, or the one that ships with the product.

    Raises:
        PackError: the file is no pack.
    """
    from fleet.frames.pack_file import default_pack, load_pack

    return load_pack(file) if file else default_pack()
