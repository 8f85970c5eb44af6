"""Pod templates: their images, a digest of how they are configured, and the configuration that they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean

_IMAGE_CHARACTERS = 300
_DIGEST_CHARACTERS = 16
_VOLATILE = {"labels": "pod-template-hash", "annotations": "kubectl.kubernetes.io/restartedAt"}
"""What controllers write into a template without changing what it runs; a restart by hand is one, too."""
_NAMES = {
    "configMap": "ConfigMap",
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "secret": "Secret",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
}
"""The kind that is referred to, by the field that refers to it."""


@dataclass(frozen=True)
class Template:
    """What is kept of a pod template."""

    images: tuple[str, ...] = ()
    config_digest: str = ""
    config_names: tuple[str, ...] = ()


def read_template(raw: msgspec.Raw) -> Template:
    """A template; empty where there is none.

    The digest is over everything but the containers' images, which are told apart, and what controllers write into it.
    The values of environment variables go into the digest and nowhere else.
    """
    template = msgspec.json.decode(raw)
    if not isinstance(template, dict):
        return Template()
    names = tuple(sorted(set(_references(template))))
    images = tuple(dict.fromkeys(_take_images(template)))
    _drop_volatile(template)
    whole = msgspec.json.encode(template, order="sorted")
    return Template(images, sha256(whole).hexdigest()[:_DIGEST_CHARACTERS], names)


def _take_images(template: dict[str, Any]) -> list[str]:
    """The images of the containers, in order, taken out of the template."""
    spec = template.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    taken = [each.pop("image", None) for each in containers or [] if isinstance(each, dict)]
    return [clean(image, _IMAGE_CHARACTERS) for image in taken if isinstance(image, str) and image]


def _drop_volatile(template: dict[str, Any]) -> None:
    metadata = template.get("metadata")
    if not isinstance(metadata, dict):
        return
    metadata.pop("creationTimestamp", None)
    for part, key in _VOLATILE.items():
        if isinstance(metadata.get(part), dict):
            metadata[part].pop(key, None)
            if not metadata[part]:
                del metadata[part]


def _references(value: Any) -> Iterator[str]:
    """``ConfigMap/name`` and ``Secret/name``, wherever they stand in a template."""
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict):
                yield from _named(key, item)
            yield from _references(item)


def _named(key: str, reference: dict[str, Any]) -> Iterator[str]:
    kind = _NAMES.get(key)
    # A volume says secretName where everything else says name.
    name = reference.get("secretName", reference.get("name")) if kind else None
    if isinstance(name, str):
        yield f"{kind}/{clean(name, NAME_CHARACTERS)}"
