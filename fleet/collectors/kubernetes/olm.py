"""Operators of the Operator Lifecycle Manager: subscriptions joined with the versions that they installed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from fleet.collectors.kubernetes.objects import Metadata, Object, Time
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.operators import Operator


class _SubscriptionSpec(Object):
    name: str | None = None
    channel: str | None = None
    source: str | None = None
    install_plan_approval: str | None = None


class _SubscriptionStatus(Object):
    installed_csv: str | None = msgspec.field(default=None, name="installedCSV")
    current_csv: str | None = msgspec.field(default=None, name="currentCSV")


class SubscriptionObject(Object):
    """operators.coreos.com/v1alpha1 Subscription."""

    metadata: Metadata
    spec: _SubscriptionSpec | None = None
    status: _SubscriptionStatus | None = None


class _VersionSpec(Object):
    display_name: str | None = None
    version: str | None = None


class _VersionStatus(Object):
    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    last_transition_time: Time | None = None


class ClusterServiceVersionObject(Object):
    """operators.coreos.com/v1alpha1 ClusterServiceVersion."""

    metadata: Metadata
    spec: _VersionSpec | None = None
    status: _VersionStatus | None = None


_LEAVING = frozenset({"Replacing", "Deleting"})
"""Phases of a version whose successor is there."""


@dataclass(frozen=True)
class Subscribed:
    """What a Subscription says: which package it follows, and what that has installed."""

    namespace: str
    package: str
    channel: str
    catalog: str
    approval: str
    installed: str
    current: str


def read_subscription(seen: SubscriptionObject) -> Subscribed:
    """A subscription, by its package's name; by its own where it has none."""
    spec, status = seen.spec or _SubscriptionSpec(), seen.status or _SubscriptionStatus()
    return Subscribed(
        namespace=clean(seen.metadata.namespace, 63),
        package=clean(spec.name or seen.metadata.name, NAME_CHARACTERS),
        channel=clean(spec.channel, 80),
        catalog=clean(spec.source, 80),
        approval=clean(spec.install_plan_approval, 20),
        installed=clean(status.installed_csv, NAME_CHARACTERS),
        current=clean(status.current_csv, NAME_CHARACTERS),
    )


def read_version(seen: ClusterServiceVersionObject) -> Operator:
    """A version as an operator that nobody subscribed to."""
    spec, status = seen.spec or _VersionSpec(), seen.status or _VersionStatus()
    name = clean(seen.metadata.name, NAME_CHARACTERS)
    phase = clean(status.phase, 40)
    return Operator(
        name=name.partition(".v")[0],
        namespace=clean(seen.metadata.namespace, 63),
        display_name=clean(spec.display_name, 120),
        csv=name,
        version=clean(spec.version, 60),
        phase=phase,
        message="" if phase == "Succeeded" else clean(status.message or status.reason),
        since=status.last_transition_time,
    )


def join_operators(subscriptions: Iterable[Subscribed], versions: Iterable[Operator]) -> list[Operator]:
    """One operator a subscription with the version that it installed, and the versions that nobody subscribed to.

    While an upgrade is under way there are two versions: the newer one is no operator of its own, and its phase is what
    matters.
    """
    by_name = {(each.namespace, each.csv): each for each in versions}
    joined: list[Operator] = []
    for subscribed in subscriptions:
        version = by_name.pop((subscribed.namespace, subscribed.installed), None)
        coming = by_name.pop((subscribed.namespace, subscribed.current), None)
        operator = version or Operator(name=subscribed.package, namespace=subscribed.namespace)
        if coming is not None:
            state = {"phase": coming.phase, "message": coming.message, "since": coming.since}
            operator = operator.model_copy(update={"display_name": coming.display_name, **state})
        joined.append(
            operator.model_copy(
                update={
                    "name": subscribed.package,
                    "csv": subscribed.installed,
                    "channel": subscribed.channel,
                    "catalog": subscribed.catalog,
                    "approval": subscribed.approval,
                    "pending": subscribed.current if subscribed.current != subscribed.installed else "",
                }
            )
        )
    alone = (each for each in by_name.values() if each.phase not in _LEAVING)
    return sorted([*joined, *alone], key=lambda each: (each.name, each.namespace, each.csv))
