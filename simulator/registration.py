"""What the product and kubectl are given to reach the simulated fleet: registration, token files and a kubeconfig."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.tls import write_secret

_CITIES = (("fra", "eu-central"), ("dub", "eu-west"), ("iad", "us-east"), ("sin", "ap-south"))
_APIS = ("kubernetes", "prometheus", "alertmanager", "loki", "tempo")
_ENVIRONMENTS = ("production", "production", "staging")


def cluster_names(count: int) -> list[str]:
    """Names of clusters, the same for the same place in the fleet whatever its size."""
    return [f"{_CITIES[index % len(_CITIES)][0]}-{index // len(_CITIES) + 1:02d}" for index in range(count)]


def new_token() -> str:
    """A bearer token."""
    return secrets.token_urlsafe(24)


def ensure_token(path: Path) -> str:
    """The bearer token in a file, made (mode 0600) where there is none."""
    if not path.exists():
        write_secret(path, new_token().encode())
    return path.read_text(encoding="ascii").strip()


def registration_of(
    names: list[str], platforms: dict[str, str], url: Callable[[str, str], str], ca_pem: str, directory: Path
) -> dict[str, Any]:
    """The registration of the fleet's clusters.

    Args:
        names: the clusters.
        platforms: each cluster's platform, which becomes a label.
        url: the address of a cluster's API.
        ca_pem: the authority that clients shall trust.
        directory: where the token files lie, ``<cluster>.token`` each.
    """
    clusters = []
    for index, name in enumerate(names):
        endpoints = {api: {"url": url(name, api), "ca_pem": ca_pem} for api in _APIS}
        clusters.append(
            {
                "name": name,
                "environment": _ENVIRONMENTS[index % len(_ENVIRONMENTS)],
                "region": _CITIES[index % len(_CITIES)][1],
                "labels": {"platform": platforms[name]},
                "endpoints": endpoints,
                "credential": {"token_file": str(directory / f"{name}.token")},
            }
        )
    return {"clusters": clusters}


def kubeconfig_of(registration: dict[str, Any], ca_file: Path) -> dict[str, Any]:
    """A kubeconfig with one context a cluster, the first one current. Tokens are read from their files."""
    clusters = registration["clusters"]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": clusters[0]["name"],
        "clusters": [
            {
                "name": each["name"],
                "cluster": {"server": each["endpoints"]["kubernetes"]["url"], "certificate-authority": str(ca_file)},
            }
            for each in clusters
        ],
        "users": [{"name": each["name"], "user": {"tokenFile": each["credential"]["token_file"]}} for each in clusters],
        "contexts": [
            {"name": each["name"], "context": {"cluster": each["name"], "user": each["name"]}} for each in clusters
        ],
    }
