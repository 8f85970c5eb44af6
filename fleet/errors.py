"""The whole error tree, and what of it may be retried.

::

    FleetscopeError
    ├── UsageError              the caller asked for something that cannot be (exit code 2)
    │   ├── PackError           a query pack is wrong: file, line and field
    │   └── NotFound            an id or a name that does not exist
    ├── SourceError             reading from a cluster's endpoint failed
    │   ├── Unreachable         no connection, name not resolved, connection reset    (retried)
    │   ├── TlsFailed           certificate unknown, expired or for another name
    │   ├── Unauthorized        401, or a sign-in page where an answer was expected
    │   ├── Forbidden           403: the credential is known and has not the right
    │   ├── WrongService        an answer, but not from the API that was asked
    │   ├── QueryRefused        the server understood the query and refused it
    │   ├── Throttled           429, with the server's wish for a pause               (retried)
    │   ├── ServerFailed        5xx                                                   (retried)
    │   ├── SourceTimeout       no answer in time                                     (retried)
    │   ├── AnswerTruncated     the answer was cut in the middle                      (retried)
    │   ├── AnswerTooLarge      the answer passed the byte budget
    │   └── HeldBack            not asked: our own governor held the request back      (retried)
    │       ├── OverBudget      what this installation may ask of the endpoint was used up
    │       └── BreakerOpen     the endpoint failed again and again, and is left alone for a while
    ├── StoreError              our own PostgreSQL, S3 or credential store
    │   ├── StoreUnavailable    not reachable, restarting                             (retried)
    │   ├── CredentialMissing   the credential store has no such secret
    │   ├── CredentialConflict  another version of the secret is current than the one to be replaced
    │   └── CorruptObject       bytes do not have the hash that their row names
    ├── DeliveryError           the mail server was not reachable, or asked to wait    (retried)
    │   └── DeliveryRefused     the mail server will not take this mail as it is
    └── StackError              a part of the embedded stack did not start, or died

Whether a failure may pass by itself is a property of its class (``retriable``): retry policies ask the class
and never read messages. Messages are for people: what failed, where, why; ``hint`` says what to do next.
Neither ever holds a secret.
"""

from __future__ import annotations

from typing import ClassVar


class FleetscopeError(Exception):
    """Any failure that fleetscope explains.

    Args:
        message: what failed, where and why, in one sentence, free of secrets.
        hint: what the reader can do next, or an empty string.
    """

    retriable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(FleetscopeError):
    """The caller asked for something that cannot be; asking again changes nothing."""


class NotFound(UsageError):
    """No object has this id or name."""


class PackError(UsageError):
    """A query pack is wrong.

    Args:
        file: the pack's file as the user named it.
        line: 1-based line of the mistake, or None when the file could not be read at all.
        field: dotted path of the field, for example ``queries[3].unit``.
    """

    def __init__(self, message: str, *, file: str, line: int | None = None, field: str = "") -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {field + ': ' if field else ''}{message}")
        self.file = file
        self.line = line
        self.field = field


class SourceError(FleetscopeError):
    """Reading from a cluster's endpoint failed.

    Args:
        endpoint: the address without credentials, as coverage shows it.
    """

    def __init__(self, message: str, *, endpoint: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.endpoint = endpoint


class Unreachable(SourceError):
    """No connection could be made, or it broke before an answer began."""

    retriable = True


class TlsFailed(SourceError):
    """The server's certificate was not accepted: unknown CA, expired, or another name."""


class Unauthorized(SourceError):
    """The credential was not accepted."""


class Forbidden(SourceError):
    """The credential is known but lacks the right."""


class WrongService(SourceError):
    """Something answered, but not the API that was asked (HTML, another server, a sign-in page)."""


class QueryRefused(SourceError):
    """The server understood the query and refused it (Prometheus: 400 or 422)."""


class Throttled(SourceError):
    """The server asked for a pause.

    Args:
        retry_after_seconds: the pause that the server asked for, or None.
    """

    retriable = True

    def __init__(
        self, message: str, *, endpoint: str = "", hint: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message, endpoint=endpoint, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class ServerFailed(SourceError):
    """The server answered with a 5xx."""

    retriable = True


class SourceTimeout(SourceError):
    """No answer within the time limit."""

    retriable = True


class AnswerTruncated(SourceError):
    """The answer ended in the middle."""

    retriable = True


class AnswerTooLarge(SourceError):
    """The answer passed the byte budget of one request."""


class HeldBack(SourceError):
    """The endpoint was not asked: our own governor held the request back."""

    retriable = True


class OverBudget(HeldBack):
    """This installation's budget for the endpoint was used up for as long as the request could wait."""


class BreakerOpen(HeldBack):
    """The endpoint failed again and again: nobody here asks it for a while."""


class StoreError(FleetscopeError):
    """One of fleetscope's own stores failed."""


class StoreUnavailable(StoreError):
    """PostgreSQL, S3 or the credential store cannot be reached just now."""

    retriable = True


class CredentialMissing(StoreError):
    """The credential store holds no secret under this reference."""


class CredentialConflict(StoreError):
    """Another version of the secret is current than the one that was to be replaced: somebody was faster."""


class CorruptObject(StoreError):
    """A stored object's bytes do not have the hash that its row names."""


class DeliveryError(FleetscopeError):
    """The mail server could not be reached, or asked to try later."""

    retriable = True


class DeliveryRefused(DeliveryError):
    """The mail server will not take this mail as it is: a wrong password, an unknown recipient, no encryption."""

    retriable = False


class StackError(FleetscopeError):
    """A part of the embedded stack did not start, or died."""
