"""Workloads: other images, another build behind the same tag, another configuration."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.inventory.change import Change, ChangeKind, digests_of
from fleet.inventory.differences.looks import Looks
from fleet.inventory.inventory import Workload
from fleet.inventory.subject import SubjectKind


def workloads(looks: Looks) -> Iterator[Change]:
    """Rollouts between the looks that the cluster did not date itself."""
    seen_before = {change.id for change in looks.before.changes}
    told = {
        change.subject.identity
        for change in looks.after.changes
        if change.kind is ChangeKind.ROLLOUT and change.id not in seen_before
    }
    for _, old, new in looks.both(lambda look: look.workloads, _key):
        words = _words(old, new)
        subject = looks.subject(SubjectKind.WORKLOAD, new.name, namespace=new.namespace)
        if not words or subject.identity in told:
            continue
        moved = (", ".join(old.images), ", ".join(new.images))
        summary = f"{new.kind} {new.namespace}/{new.name} {words}"
        change = looks.change(ChangeKind.ROLLOUT, subject, summary, moved)
        digests = {
            "digests_before": digests_of(old.image_digests, old.config_digest),
            "digests_after": digests_of(new.image_digests, new.config_digest),
        }
        yield change.model_copy(update=digests)


def _words(old: Workload, new: Workload) -> str:
    """How the two differ; "" where they do not."""
    if old.images != new.images:
        return f"went from {', '.join(old.images)} to {', '.join(new.images)}"
    if old.config_digest and new.config_digest and old.config_digest != new.config_digest:
        return f"has another configuration with the same image {', '.join(new.images)}"
    rebuilt = [
        container
        for container, digest in new.image_digests.items()
        if old.image_digests.get(container, digest) != digest
    ]
    return f"runs another build of the same image in {', '.join(rebuilt)}" if rebuilt else ""


def _key(workload: Workload) -> str:
    return f"{workload.namespace}/{workload.kind}/{workload.name}"
