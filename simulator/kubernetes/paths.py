"""What a request asks of the API server: verb, resource, namespace, name and subresource, read from its path."""

from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.answers import Request

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_NAMESPACES = frozenset({"status", "finalize"})
_ONE_NAME = re.compile(r"(?:.*,)?metadata\.name==?([^,]+)(?:,.*)?")


@dataclass(frozen=True)
class Target:
    """A resource that a request is about, whether the server has it or not.

    Attributes:
        verb: as rights name it.
        namespace: None outside a namespace.
        name: None for a list.
        subresource: "" for the object itself.
        further: the path behind the subresource, which a proxy passes on.
    """

    verb: str
    group: str
    version: str
    plural: str
    namespace: str | None = None
    name: str | None = None
    subresource: str = ""
    further: str = ""

    @property
    def group_version(self) -> str:
        """As it stands in ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The resource as rights name it, with its subresource."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


def target_of(request: Request) -> Target | None:
    """What a request is about; None for a path that names no resource (``/version``, ``/apis/apps``)."""
    parts = request.path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
            rest = rest[2:]
    name = rest[1] if len(rest) > 1 else None
    verb = _verb(request, name)
    further = "".join(f"/{part}" for part in rest[3:])
    named = name or _selected_name(request, verb)
    return Target(verb, group, version, rest[0], namespace, named, "".join(rest[2:3]), further)


def _verb(request: Request, name: str | None) -> str:
    if request.method != "GET":
        verb = _VERBS.get(request.method, request.method.lower())
        return "deletecollection" if verb == "delete" and name is None else verb
    if watches(request):
        return "watch"
    return "list" if name is None else "get"


def watches(request: Request) -> bool:
    """Whether a GET asks for a watch."""
    return request.one("watch") in {"1", "true"}


def _selected_name(request: Request, verb: str) -> str | None:
    """The name by which a list is cut to one object: rights may be given by name."""
    if verb not in {"list", "watch", "deletecollection"}:
        return None
    match = _ONE_NAME.fullmatch(request.one("fieldSelector"))
    return match[1] if match else None
