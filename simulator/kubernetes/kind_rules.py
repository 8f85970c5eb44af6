"""What the API server refuses in objects of some kinds, and in which form it keeps them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulator.kubernetes import crds
from simulator.kubernetes.meta import Object
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.schemas import faults
from simulator.kubernetes.status import Cause, bad_request

_LARGEST_BYTES = 2**20
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_KINDS = frozenset({"namespaces", "services"})
_FREE_NAMES = frozenset({"roles", "rolebindings", "clusterroles", "clusterrolebindings"})
_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_KEY_WORDS = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def normalise(resource: Resource, item: Object) -> None:
    """Brings what a client wrote into the form in which it is kept.

    Raises:
        RefusedError: a value cannot be read (400).
    """
    if (resource.group, resource.plural) == ("", "secrets"):
        _normalise_secret(item)
    elif (resource.group, resource.plural) == ("", "configmaps"):
        _check_strings(item, "ConfigMap", "data")


def causes_against(resource: Resource, item: Object) -> Iterator[Cause]:
    """What is wrong with an object by itself."""
    yield from _name_causes(resource, item["metadata"])
    if resource.custom:
        if resource.schema:
            yield from faults(item, resource.schema)
        return
    checking = _CHECKED.get((resource.group, resource.plural))
    if checking is not None:
        yield from checking(item)


def causes_against_change(resource: Resource, old: Object, new: Object) -> Iterator[Cause]:
    """What is wrong with an object beside what it was."""
    if (resource.group, resource.plural) in {("", "secrets"), ("", "configmaps")} and old.get("immutable"):
        if not new.get("immutable"):
            yield Cause("FieldValueForbidden", "immutable", "Forbidden: field is immutable when `immutable` is set")
        if any(old.get(part) != new.get(part) for part in ("data", "binaryData")):
            yield Cause("FieldValueForbidden", "data", "Forbidden: field is immutable when `immutable` is set")
    if (resource.group, resource.plural) == ("", "secrets") and old.get("type") != new.get("type"):
        said = f"Invalid value: {json.dumps(new.get('type'))}: field is immutable"
        yield Cause("FieldValueInvalid", "type", said)


def _name_causes(resource: Resource, metadata: Mapping[str, Any]) -> Iterator[Cause]:
    name = metadata.get("name", "")
    if not name:
        yield Cause("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
        return
    if not resource.group and resource.plural in _LABEL_KINDS:
        pattern, words = _LABEL, _LABEL_WORDS
    elif resource.plural in _FREE_NAMES:
        pattern, words = re.compile(r"(?!\.{1,2}$)[^/%]+"), "may not contain '/' or '%'"
    else:
        pattern, words = _SUBDOMAIN, _SUBDOMAIN_WORDS
    if not pattern.fullmatch(name):
        yield Cause("FieldValueInvalid", "metadata.name", f"Invalid value: {json.dumps(name)}: {words}")
    elif len(name) > 253 or (pattern is _LABEL and len(name) > 63):
        limit = 63 if pattern is _LABEL else 253
        text = f"Invalid value: {json.dumps(name)}: must be no more than {limit} characters"
        yield Cause("FieldValueInvalid", "metadata.name", text)


def _normalise_secret(item: Object) -> None:
    _check_strings(item, "Secret", "data")
    for value in (item.get("data") or {}).values():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            at = next((at for at, letter in enumerate(value) if not re.match(r"[A-Za-z0-9+/=]", letter)), len(value))
            why = f"v1.Secret.Data: decode base64: illegal base64 data at input byte {at}"
            raise bad_request(f'Secret in version "v1" cannot be handled as a Secret: {why}') from error
    plain = item.pop("stringData", None) or {}
    _check_strings({"data": plain}, "Secret", "data")
    if plain:
        coded = {name: base64.b64encode(value.encode()).decode() for name, value in plain.items()}
        item["data"] = {**(item.get("data") or {}), **coded}
    item.setdefault("type", "Opaque")


def _check_strings(item: Object, kind: str, part: str) -> None:
    for value in (item.get(part) or {}).values():
        if not isinstance(value, str):
            why = f'v1.{kind}.{part.title()}: ReadString: expects " or n, but found {json.dumps(value)[:1]}'
            raise bad_request(f'{kind} in version "v1" cannot be handled as a {kind}: {why}')


def _secret_causes(item: Object) -> Iterator[Cause]:
    data = item.get("data") or {}
    yield from _key_causes(data)
    if sum(len(base64.b64decode(value)) for value in data.values()) > _LARGEST_BYTES:
        yield Cause("FieldValueTooLong", "data", f"Too long: must have at most {_LARGEST_BYTES} bytes")
    if item.get("type") == "kubernetes.io/tls":
        for name in ("tls.crt", "tls.key"):
            if name not in data:
                yield Cause("FieldValueRequired", f"data[{name}]", "Required value")


def _config_map_causes(item: Object) -> Iterator[Cause]:
    yield from _key_causes({**(item.get("data") or {}), **(item.get("binaryData") or {})})
    size = sum(len(value.encode()) for part in ("data", "binaryData") for value in (item.get(part) or {}).values())
    if size > _LARGEST_BYTES:
        yield Cause("FieldValueTooLong", "[]", f"Too long: must have at most {_LARGEST_BYTES} bytes")


def _key_causes(data: Mapping[str, Any]) -> Iterator[Cause]:
    for name in data:
        if not _KEY.fullmatch(name):
            yield Cause("FieldValueInvalid", f"data[{name}]", f"Invalid value: {json.dumps(name)}: {_KEY_WORDS}")


def _pod_causes(item: Object) -> Iterator[Cause]:
    containers = (item.get("spec") or {}).get("containers") or []
    if not containers:
        yield Cause("FieldValueRequired", "spec.containers", "Required value")
    for at, each in enumerate(containers):
        for name in ("name", "image"):
            if not each.get(name):
                yield Cause("FieldValueRequired", f"spec.containers[{at}].{name}", "Required value")


def _selector_causes(item: Object) -> Iterator[Cause]:
    spec = item.get("spec") or {}
    selector = spec.get("selector")
    if not selector:
        yield Cause("FieldValueRequired", "spec.selector", "Required value")
        return
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        shown = json.dumps(labels, separators=(",", ":"))
        text = f"Invalid value: {shown}: `selector` does not match template `labels`"
        yield Cause("FieldValueInvalid", "spec.template.metadata.labels", text)


def _crd_causes(item: Object) -> Iterator[Cause]:
    spec = item.get("spec") or {}
    names = spec.get("names") or {}
    for path, value in (("spec.group", spec.get("group")), ("spec.scope", spec.get("scope"))):
        if not value:
            yield Cause("FieldValueRequired", path, "Required value")
    for part in ("plural", "kind"):
        if not names.get(part):
            yield Cause("FieldValueRequired", f"spec.names.{part}", "Required value")
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    name = item["metadata"]["name"]
    if name != wanted:
        text = f'Invalid value: {json.dumps(name)}: must be spec.names.plural+"."+spec.group'
        yield Cause("FieldValueInvalid", "metadata.name", text)
    versions = spec.get("versions") or []
    if sum(1 for each in versions if each.get("storage")) != 1:
        text = "Invalid value: must have exactly one version marked as storage version"
        yield Cause("FieldValueInvalid", "spec.versions", text)
    for at, each in enumerate(versions):
        if not (each.get("schema") or {}).get("openAPIV3Schema"):
            path = f"spec.versions[{at}].schema.openAPIV3Schema"
            yield Cause("FieldValueRequired", path, "Required value: schemas are required")


_CHECKED: Mapping[tuple[str, str], Callable[[Object], Iterator[Cause]]] = {
    ("", "configmaps"): _config_map_causes,
    ("", "pods"): _pod_causes,
    ("", "secrets"): _secret_causes,
    **{("apps", plural): _selector_causes for plural in ("daemonsets", "deployments", "replicasets", "statefulsets")},
    crds.CRDS: _crd_causes,
}
