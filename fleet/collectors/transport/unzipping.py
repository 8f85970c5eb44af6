"""Bodies that came compressed, decompressed as they come."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

_PIECE_BYTES = 1 << 20
_GZIP_WINDOW_BITS = 31


class CutShort(Exception):
    """What is compressed is broken, or ends before its end."""


def unzipped(pieces: Iterable[bytes], *, gzip: bool) -> Iterator[bytes]:
    """The pieces of a body, decompressed where it is gzip; of at most 1 MiB then, however well it was compressed.

    Raises:
        CutShort: see there.
    """
    if not gzip:
        yield from pieces
        return
    unzip = zlib.decompressobj(_GZIP_WINDOW_BITS)
    for piece in pieces:
        rest = piece
        while rest:
            if unzip.eof:
                # A body may be several that were compressed by themselves (RFC 1952, 2.2).
                unzip = zlib.decompressobj(_GZIP_WINDOW_BITS)
            try:
                yield unzip.decompress(rest, _PIECE_BYTES)
            except zlib.error:
                raise CutShort from None
            rest = unzip.unconsumed_tail or unzip.unused_data
    if not unzip.eof:
        raise CutShort
