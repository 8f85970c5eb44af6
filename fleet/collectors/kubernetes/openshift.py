"""OpenShift's own objects: the version and its history, the platform below, cluster operators, old APIs in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import msgspec

from fleet.collectors.kubernetes.objects import Condition, Metadata, Object, Time
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.platform import ClusterOperator, DeprecatedApi, Infrastructure, VersionStep
from fleet.inventory.subject import Subject, SubjectKind

_COMPLETED = "Completed"
_MOST_STEPS = 100


class _Desired(Object):
    version: str | None = None


class _Step(Object):
    state: str | None = None
    version: str | None = None
    started_time: Time | None = None
    completion_time: Time | None = None


class _VersionSpec(Object):
    channel: str | None = None


class _VersionStatus(Object):
    desired: _Desired | None = None
    history: list[_Step] | None = None


class ClusterVersionObject(Object):
    """config.openshift.io/v1 ClusterVersion."""

    metadata: Metadata
    spec: _VersionSpec | None = None
    status: _VersionStatus | None = None


@dataclass(frozen=True)
class SeenVersion:
    """The version that the cluster runs, the one that it is being taken to ("" for none), and how it came there."""

    current: str
    target: str
    channel: str
    history: list[VersionStep]


def read_cluster_version(seen: ClusterVersionObject) -> SeenVersion:
    """The version: the newest step of the history that was completed; the history comes newest first."""
    status = seen.status or _VersionStatus()
    steps = (status.history or [])[:_MOST_STEPS]
    current = next((clean(step.version, 80) for step in steps if step.state == _COMPLETED), "")
    desired = clean(status.desired.version if status.desired else None, 80)
    return SeenVersion(
        current=current,
        target=desired if desired != current else "",
        channel=clean(seen.spec.channel if seen.spec else None, 80),
        history=[
            VersionStep(
                version=clean(step.version, 80),
                started_at=step.started_time,
                completed_at=step.completion_time if step.state == _COMPLETED else None,
            )
            for step in steps
        ],
    )


def version_changes(cluster_id: str, history: Iterable[VersionStep]) -> Iterator[Change]:
    """The upgrades that a version history (newest first) tells of; its oldest step is the installation, no change."""
    done = [step for step in history if step.completed_at is not None]
    for new, old in pairwise(done):
        if new.completed_at is None or new.version == old.version:
            continue
        yield Change(
            cluster_id=cluster_id,
            kind=ChangeKind.VERSION,
            subject=Subject(cluster_id=cluster_id, kind=SubjectKind.CLUSTER),
            at=new.completed_at,
            summary=f"OpenShift went from {old.version} to {new.version}",
            before=old.version,
            after=new.version,
            source="ClusterVersion version history",
        )


class _OperatorVersion(Object):
    name: str | None = None
    version: str | None = None


class _OperatorStatus(Object):
    conditions: list[Condition] | None = None
    versions: list[_OperatorVersion] | None = None


class ClusterOperatorObject(Object):
    """config.openshift.io/v1 ClusterOperator."""

    metadata: Metadata
    status: _OperatorStatus | None = None


def read_cluster_operator(seen: ClusterOperatorObject) -> ClusterOperator:
    """An operator with the message of the condition that is not as it should be, if there is one."""
    status = seen.status or _OperatorStatus()
    conditions = {each.type: each for each in status.conditions or []}
    available, degraded = conditions.get("Available"), conditions.get("Degraded")
    telling = degraded if holds(degraded) is not False else available
    if holds(available) is False and holds(degraded) is not True:
        telling = available
    ill = holds(available) is not True or holds(degraded) is not False
    words = [telling.reason, telling.message] if telling is not None and ill else []
    return ClusterOperator(
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        version=next((clean(each.version, 60) for each in status.versions or [] if each.name == "operator"), ""),
        available=holds(available),
        degraded=holds(degraded),
        progressing=holds(conditions.get("Progressing")),
        message=": ".join(clean(each) for each in words if each),
        since=telling.last_transition_time if telling is not None and ill else _last_turn(available, degraded),
    )


def _last_turn(*conditions: Condition | None) -> datetime | None:
    """When the last of them turned: one that is well again is so since then."""
    turns = [each.last_transition_time for each in conditions if each is not None]
    return max((at for at in turns if at is not None), default=None)


def holds(condition: Condition | None) -> bool | None:
    """Whether a condition is true; None where it is missing or says ``Unknown``."""
    return {"True": True, "False": False}.get(condition.status) if condition is not None else None


class _PlatformStatus(Object):
    type: str | None = None


class _InfrastructureStatus(Object):
    infrastructure_name: str | None = None
    platform: str | None = None
    platform_status: _PlatformStatus | None = None
    api_server_url: str | None = msgspec.field(default=None, name="apiServerURL")
    control_plane_topology: str | None = None
    infrastructure_topology: str | None = None


class InfrastructureObject(Object):
    """config.openshift.io/v1 Infrastructure."""

    metadata: Metadata
    status: _InfrastructureStatus | None = None


def read_infrastructure(seen: InfrastructureObject) -> Infrastructure:
    """What the cluster stands on; old versions tell the platform at another place, and no topology."""
    status = seen.status or _InfrastructureStatus()
    provider = (status.platform_status.type if status.platform_status else None) or status.platform
    return Infrastructure(
        name=clean(status.infrastructure_name, 80),
        provider=clean(provider, 40),
        control_plane_topology=clean(status.control_plane_topology, 40),
        infrastructure_topology=clean(status.infrastructure_topology, 40),
        api_url=clean(status.api_server_url, 200),
    )


class _Requests(Object):
    request_count: int | None = None


class _CountStatus(Object):
    removed_in_release: str | None = None
    request_count: int | None = None
    current_hour: _Requests | None = None
    last_24h: list[_Requests] | None = msgspec.field(default=None, name="last24h")


class ApiRequestCountObject(Object):
    """apiserver.openshift.io/v1 APIRequestCount."""

    metadata: Metadata
    status: _CountStatus | None = None


def read_request_count(hour: int, seen: ApiRequestCountObject) -> DeprecatedApi | None:
    """An API that a later release removes and that was asked in the last day; None for every other.

    Args:
        hour: of the day, UTC, now: ``last24h`` has one place for each hour of the day, the current one among them.
        seen: the object.
    """
    status = seen.status or _CountStatus()
    if not status.removed_in_release or not status.request_count:
        return None
    hours = status.last_24h or []
    last = hours[(hour - 1) % 24] if len(hours) == 24 else status.current_hour
    return DeprecatedApi(
        resource=clean(seen.metadata.name, NAME_CHARACTERS),
        removed_in=clean(status.removed_in_release, 20),
        requests_last_hour=(last.request_count if last else None) or 0,
        requests_last_day=status.request_count,
    )
