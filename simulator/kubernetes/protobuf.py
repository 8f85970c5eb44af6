"""Documents in Kubernetes' protobuf form, which newer clients send for some built-in kinds.

Field numbers are those of the ``generated.proto`` files of Kubernetes' API packages. Fields that a client has no
business to set (times, managed fields, status) are passed over.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.kubernetes.meta import Object

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_META = "1:metadata:ObjectMeta"
_FORMS: Mapping[str, str] = {
    "Unknown": "1:typeMeta:TypeMeta 2:raw:raw",
    "TypeMeta": "1:apiVersion:string 2:kind:string",
    "ObjectMeta": "1:name:string 2:generateName:string 3:namespace:string 5:uid:string 6:resourceVersion:string "
    "11:labels:{string} 12:annotations:{string} 13:ownerReferences:[OwnerReference] 14:finalizers:[string]",
    "OwnerReference": "5:apiVersion:string 1:kind:string 3:name:string 4:uid:string 6:controller:bool "
    "7:blockOwnerDeletion:bool",
    "DeleteOptions": "1:gracePeriodSeconds:int 2:preconditions:Preconditions 4:propagationPolicy:string "
    "5:dryRun:[string]",
    "Preconditions": "1:uid:string 2:resourceVersion:string",
    "Namespace": _META,
    "ConfigMap": f"{_META} 2:data:{{string}} 3:binaryData:{{bytes}} 4:immutable:bool",
    "Secret": f"{_META} 2:data:{{bytes}} 3:type:string 4:stringData:{{string}} 5:immutable:bool",
    "ServiceAccount": f"{_META} 4:automountServiceAccountToken:bool",
    "TokenRequest": f"{_META} 2:spec:TokenRequestSpec",
    "TokenRequestSpec": "1:audiences:[string] 4:expirationSeconds:int",
    "TokenReview": f"{_META} 2:spec:TokenReviewSpec",
    "TokenReviewSpec": "1:token:string 2:audiences:[string]",
    "SelfSubjectReview": _META,
    "SelfSubjectAccessReview": f"{_META} 2:spec:AccessReviewSpec",
    "SubjectAccessReview": f"{_META} 2:spec:AccessReviewSpec",
    "LocalSubjectAccessReview": f"{_META} 2:spec:AccessReviewSpec",
    "AccessReviewSpec": "1:resourceAttributes:ResourceAttributes 2:nonResourceAttributes:NonResourceAttributes "
    "3:user:string 4:groups:[string]",
    "ResourceAttributes": "1:namespace:string 2:verb:string 3:group:string 4:version:string 5:resource:string "
    "6:subresource:string 7:name:string",
    "NonResourceAttributes": "1:path:string 2:verb:string",
    "SelfSubjectRulesReview": f"{_META} 2:spec:RulesReviewSpec",
    "RulesReviewSpec": "1:namespace:string",
    "ClusterRole": f"{_META} 2:rules:[PolicyRule]",
    "Role": f"{_META} 2:rules:[PolicyRule]",
    "PolicyRule": "1:verbs:[string] 2:apiGroups:[string] 3:resources:[string] 4:resourceNames:[string] "
    "5:nonResourceURLs:[string]",
    "ClusterRoleBinding": f"{_META} 2:subjects:[Subject] 3:roleRef:RoleRef",
    "RoleBinding": f"{_META} 2:subjects:[Subject] 3:roleRef:RoleRef",
    "RoleRef": "1:apiGroup:string 2:kind:string 3:name:string",
    "Subject": "1:kind:string 2:apiGroup:string 3:name:string 4:namespace:string",
}
"""The fields of each message as ``number:name:type``; ``[…]`` is repeated, ``{…}`` a map with these values."""
_KINDS = frozenset(name for name, form in _FORMS.items() if form.startswith(_META)) | {"DeleteOptions"}


def read_protobuf(data: bytes) -> Object | None:
    """The object in a protobuf body; None for a kind whose form is not known here.

    Raises:
        ValueError: the bytes are no such body.
    """
    if not data.startswith(_MAGIC):
        raise ValueError("the body does not begin as Kubernetes' protobuf does")
    envelope = _message("Unknown", data[len(_MAGIC) :])
    head = envelope.get("typeMeta", {})
    if head.get("kind") not in _KINDS:
        return None
    return {**head, **_message(head["kind"], envelope.get("raw", b""))}


def _message(name: str, data: bytes) -> Object:
    """A message without the fields that are empty."""
    form = {int(number): (field, kind) for number, field, kind in (part.split(":") for part in _FORMS[name].split())}
    found: Object = {}
    for number, value in _fields(data):
        if number not in form:
            continue
        field, kind = form[number]
        if kind.startswith("{"):
            key, inner = _entry(value, kind[1:-1])
            found.setdefault(field, {})[key] = inner
        elif kind.startswith("["):
            found.setdefault(field, []).append(_value(kind[1:-1], value))
        elif (read := _value(kind, value)) not in ("", 0, {}, b""):
            found[field] = read
    return found


def _value(kind: str, value: Any) -> Any:
    if kind == "string":
        return value.decode()
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == "bool":
        return bool(value)
    return value if kind in {"int", "raw"} else _message(kind, value)


def _entry(data: bytes, kind: str) -> tuple[str, Any]:
    parts = dict(_fields(data))
    return parts.get(1, b"").decode(), _value(kind, parts.get(2, b""))


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message by number: integers, or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(data, at)
        elif wire in {_FIXED32, _FIXED64}:
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire} is not one of protobuf's")
        if at + length > len(data):
            raise ValueError("the body ends within a field")
        yield number, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number has no end")
