"""Deployments, StatefulSets and DaemonSets, and the rollouts that ReplicaSets remember."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fleet.collectors.kubernetes.objects import Metadata, WorkloadObject, WorkloadSpec, WorkloadStatus
from fleet.collectors.kubernetes.pods import Owner, RunningImages
from fleet.collectors.kubernetes.templates import read_template
from fleet.collectors.kubernetes.text import NAME_CHARACTERS, clean
from fleet.inventory.change import Change, ChangeKind, digests_of
from fleet.inventory.inventory import Workload
from fleet.inventory.subject import Subject, SubjectKind

_REVISION = "deployment.kubernetes.io/revision"
_FORMER_REVISIONS = "deployment.kubernetes.io/revision-history"
_IMAGE_CHARACTERS = 300


@dataclass(frozen=True)
class SeenWorkload:
    """A workload, and when it last went on with a rollout (Deployments only); its pods' digests come later."""

    workload: Workload
    progressed_at: datetime | None = None


@dataclass(frozen=True)
class ReplicaSet:
    """A ReplicaSet: a revision of a Deployment, or several where a rollback took it up again (oldest first)."""

    namespace: str
    name: str
    owner: Owner | None
    revisions: tuple[int, ...]
    created_at: datetime | None
    images: tuple[str, ...]
    config_digest: str


def read_workload(kind: str, seen: WorkloadObject) -> SeenWorkload:
    """A workload of the inventory; ``kind`` is its kind, since items of lists do not say it."""
    status = seen.status or WorkloadStatus()
    spec = seen.spec or WorkloadSpec()
    scheduled = status.desired_number_scheduled
    template = read_template(spec.template)
    progress = [each.last_update_time for each in status.conditions or [] if each.type == "Progressing"]
    return SeenWorkload(
        Workload(
            namespace=clean(seen.metadata.namespace, 63),
            kind=kind,
            name=clean(seen.metadata.name, NAME_CHARACTERS),
            replicas=(scheduled if scheduled is not None else spec.replicas) or 0,
            images=list(template.images),
            revision=clean((seen.metadata.annotations or {}).get(_REVISION) or status.update_revision, 80),
            config_digest=template.config_digest,
            config_names=list(template.config_names),
        ),
        progressed_at=progress[0] if progress else None,
    )


def read_replica_set(seen: WorkloadObject) -> ReplicaSet:
    """A ReplicaSet with its revisions; none for one that no Deployment numbered."""
    annotations = seen.metadata.annotations or {}
    numbers = [*annotations.get(_FORMER_REVISIONS, "").split(","), annotations.get(_REVISION, "")]
    template = read_template((seen.spec or WorkloadSpec()).template)
    return ReplicaSet(
        namespace=clean(seen.metadata.namespace, 63),
        name=clean(seen.metadata.name, NAME_CHARACTERS),
        owner=_owner(seen.metadata),
        revisions=tuple(sorted({int(number) for number in numbers if number.isdecimal()})),
        created_at=seen.metadata.creation_timestamp,
        images=template.images,
        config_digest=template.config_digest,
    )


def rollouts(
    cluster_id: str,
    sets: Iterable[ReplicaSet],
    progressed_at: Mapping[tuple[str, str], datetime | None],
    running: RunningImages,
) -> list[Change]:
    """The rollouts that the kept ReplicaSets tell of, oldest first for each Deployment.

    Args:
        cluster_id: of the cluster.
        sets: ReplicaSets in any order.
        progressed_at: when a Deployment (namespace, name) last went on with a rollout. A rollback takes an old
            ReplicaSet up again, whose age then says nothing: a rollback has a time only while it is the latest.
        running: digests of the images that the ReplicaSets' pods run.
    """
    by_deployment: defaultdict[tuple[str, str], list[ReplicaSet]] = defaultdict(list)
    for each in sets:
        if each.owner is not None and each.owner[0] == "Deployment":
            by_deployment[each.namespace, each.owner[1]].append(each)
    changes: list[Change] = []
    for (namespace, name), revisions in sorted(by_deployment.items()):
        subject = Subject(cluster_id=cluster_id, kind=SubjectKind.WORKLOAD, name=name, namespace=namespace)
        changes.extend(_rollouts_of(subject, revisions, progressed_at.get((namespace, name)), running))
    return changes


def _rollouts_of(
    subject: Subject, sets: list[ReplicaSet], progressed_at: datetime | None, running: RunningImages
) -> list[Change]:
    by_revision = {revision: each for each in sets for revision in each.revisions}
    ordered = sorted(by_revision)
    changes: list[Change] = []
    for index, revision in enumerate(ordered):
        new, old = by_revision[revision], by_revision[ordered[index - 1]] if index else None
        # The oldest that is kept need not be the first there was; only revision 1 is a Deployment's beginning.
        if old is None and revision != 1:
            continue
        at = new.created_at
        if revision != new.revisions[0] or _older(new, old):
            at = progressed_at if revision == ordered[-1] else None
        if at is not None:
            change = _rollout(subject, old, new, revision, at)
            digests = {"digests_before": _digests(old, running), "digests_after": _digests(new, running)}
            changes.append(change.model_copy(update=digests))
    return changes


def _older(new: ReplicaSet, old: ReplicaSet | None) -> bool:
    """Whether the later revision has the older ReplicaSet: a rollback whose history is no longer kept."""
    if old is None or old.created_at is None or new.created_at is None:
        return False
    return new.created_at < old.created_at


def _rollout(subject: Subject, old: ReplicaSet | None, new: ReplicaSet, revision: int, at: datetime) -> Change:
    place = f"Deployment {subject.namespace}/{subject.name}"
    after = ", ".join(new.images)[:_IMAGE_CHARACTERS]
    before = ", ".join(old.images)[:_IMAGE_CHARACTERS] if old else ""
    if old is None:
        words = f"{place} was deployed with {after}"
    elif before == after:
        words = f"{place} rolled out revision {revision} with another pod template and the same image {after}"
    else:
        words = f"{place} rolled out revision {revision}: {before} → {after}"
    return Change(
        cluster_id=subject.cluster_id,
        kind=ChangeKind.ROLLOUT,
        subject=subject,
        at=at,
        summary=words,
        before=before,
        after=after,
        source=f"ReplicaSet {new.namespace}/{new.name} revision {revision}",
    )


def _digests(one: ReplicaSet | None, running: RunningImages) -> list[str]:
    if one is None:
        return []
    images = running.of(one.namespace, "ReplicaSet", one.name)
    return digests_of(images, one.config_digest)


def _owner(metadata: Metadata) -> Owner | None:
    controller = metadata.controller
    return (clean(controller.kind, 63), clean(controller.name, NAME_CHARACTERS)) if controller else None
