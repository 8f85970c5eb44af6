"""JSON answers as types that msgspec checks."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from fleet.errors import AnswerTruncated, WrongService

DecodedT = TypeVar("DecodedT")


def strictly(decoder: msgspec.json.Decoder[DecodedT], body: Any, url: str) -> DecodedT:
    """A body as the decoder's type.

    Raises:
        AnswerTruncated: the body ends in the middle.
        WrongService: it is no JSON, or not of this form.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise WrongService(f"{url} answered JSON that is not of this API ({error}).", endpoint=url) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if "truncated" in str(error):
            raise AnswerTruncated(f"The answer of {url} ended in the middle.", endpoint=url) from None
        raise WrongService(
            f"{url} answered something that is no JSON.", endpoint=url, hint="Is it the address of the API?"
        ) from None
