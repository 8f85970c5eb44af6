"""Who may enter a cluster: its bearer tokens, and the rights that are taken from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Self

READER = "system:serviceaccount:monitoring:reader"
"""The user that a cluster's tokens belong to."""


@dataclass(frozen=True)
class Right:
    """A verb on a resource; ``group`` is None for a resource of any group.

    The resource may name a subresource (``pods/exec``); ``*`` stands for any verb, or any resource with its
    subresources.
    """

    verb: str
    resource: str
    group: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``list pods``, ``create pods/exec``, ``list routes.route.openshift.io``, ``* secrets``, ``get *``.

        The group stands behind the resource or behind its subresource: ``get deployments/scale.apps``.

        Raises:
            ValueError: it is not a verb and a resource.
        """
        words = text.split()
        if len(words) != 2:
            raise ValueError(f"a right is a verb and a resource, such as 'list pods', not {text!r}")
        named, slash, rest = words[1].partition("/")
        plural, _, group = named.partition(".")
        subresource, _, other_group = rest.partition(".")
        return cls(words[0], f"{plural}{slash}{subresource}", group or other_group or None)

    def covers(self, verb: str, group: str, resource: str) -> bool:
        """Whether it is about this verb on this resource (``pods``, ``pods/exec``) of this API group.

        Who asks for every verb, group or resource (``*``) asks for this one, too.
        """
        return (
            (verb == "*" or self.verb in {"*", verb})
            and (resource == "*" or self.resource in {"*", resource})
            and (group == "*" or self.group in {None, group})
        )


@dataclass
class Access:
    """A cluster's tokens, the first of them that of its file, and what they may not do."""

    tokens: list[str]
    denied: tuple[Right, ...] = field(default=())

    def knows(self, token: str | None) -> bool:
        """Whether this is one of the tokens."""
        return token is not None and any(compare_digest(token.encode(), each.encode()) for each in self.tokens)

    def denies(self, verb: str, group: str, resource: str) -> bool:
        """Whether this right is taken away."""
        return any(right.covers(verb, group, resource) for right in self.denied)


def rights(texts: Iterable[str]) -> tuple[Right, ...]:
    """Rights from their texts.

    Raises:
        ValueError: one of them is none.
    """
    return tuple(Right.parse(text) for text in texts)
