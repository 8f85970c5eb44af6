"""JSON answers as types that msgspec checks, and the times in them."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from typing import Any, TypeVar, overload

import msgspec

from fleet.errors import AnswerTruncated, WrongService

DecodedT = TypeVar("DecodedT")

_DESCRIBING = Lock()


@overload
def decoder_of(form: type[DecodedT]) -> msgspec.json.Decoder[DecodedT]: ...


@overload
def decoder_of(form: Any) -> msgspec.json.Decoder[Any]: ...


def decoder_of(form: Any) -> msgspec.json.Decoder[Any]:
    """A decoder of JSON as a type; the only place that makes any.

    msgspec describes a Struct to itself when it meets it first, and other threads see the description before it is
    whole: a decoder that another thread makes of it meanwhile reads null pointers, which ends the process.
    """
    with _DESCRIBING:
        return msgspec.json.Decoder(form)


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


def in_utc(at: datetime) -> datetime:
    """A time in UTC; one without a zone is taken for that."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        # Within a day of the first or the last time that there is, which stand for never.
        return at.replace(tzinfo=UTC)
