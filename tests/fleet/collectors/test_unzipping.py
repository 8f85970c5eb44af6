"""Compressed bodies as they come, whole or not."""

from __future__ import annotations

import gzip

import pytest

from fleet.collectors.transport.unzipping import CutShort, unzipped

TEXT = b"metric 1\n" * 400_000
WHOLE = gzip.compress(TEXT)


@pytest.mark.parametrize(
    "body", [WHOLE, gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:])], ids=["one part", "two parts"]
)
@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
def test_a_body_comes_out_whole_in_small_pieces(body: bytes, size: int) -> None:
    pieces = list(unzipped((body[at : at + size] for at in range(0, len(body), size)), gzip=True))
    assert b"".join(pieces) == TEXT
    assert max(map(len, pieces)) <= 1 << 20


@pytest.mark.parametrize("body", [b"", WHOLE[:-1], WHOLE[:50], WHOLE + b"more", b"plain text"])
def test_what_is_broken_or_goes_on_is_told(body: bytes) -> None:
    with pytest.raises(CutShort):
        list(unzipped([body], gzip=True))
