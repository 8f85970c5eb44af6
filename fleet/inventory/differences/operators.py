"""Capabilities, operators that were added, and the health that some of them tell of what they run."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.inventory.change import Change, ChangeKind
from fleet.inventory.differences.looks import GROUPS, Looks, seen
from fleet.inventory.inventory import Presence
from fleet.inventory.operators import Operator
from fleet.inventory.subject import SubjectKind

_PARTS = ("subscriptions", "clusterserviceversions", GROUPS)


def capabilities(looks: Looks) -> Iterator[Change]:
    """Capabilities that came, went, or are used or not used any more."""
    for capability in sorted(looks.after.capabilities, key=lambda each: each.name):
        old, new = looks.before.presence(capability.name), capability.presence
        if old is new or Presence.UNKNOWN in {old, new}:
            continue
        words = {Presence.PRESENT: "appeared", Presence.ABSENT: "vanished", Presence.UNUSED: "is installed and unused"}
        subject = looks.subject(SubjectKind.COMPONENT, capability.name)
        summary = f"The capability {capability.name} {words[new]} ({capability.reason})"
        yield looks.change(ChangeKind.CAPABILITY, subject, summary, (old, new))


def operators(looks: Looks) -> Iterator[Change]:
    """What differs in operators of the Operator Lifecycle Manager, GPU policies and storage."""
    # A version without its subscription has another name: half of what an operator is tells nothing.
    if seen(looks.before, *_PARTS) and seen(looks.after, *_PARTS):
        yield from _installed(looks)
    yield from _states(looks)


def _installed(looks: Looks) -> Iterator[Change]:
    pairs = looks.pairs(lambda look: look.operators, lambda each: f"{each.name}/{each.namespace}")
    for _, old, new in pairs:
        if old is None and new is not None:
            words = f"Operator {new.name} was installed ({_version(new)})"
            yield _change(looks, new, words, ("", _version(new)))
        elif new is None and old is not None:
            yield _change(looks, old, f"Operator {old.name} was removed ({_version(old)})", (_version(old), ""))
        elif old is not None and new is not None:
            yield from _operator(looks, old, new)


def _operator(looks: Looks, old: Operator, new: Operator) -> Iterator[Change]:
    facts = [
        ("version", old.version or old.csv, new.version or new.csv),
        ("phase", old.phase, new.phase),
        ("channel", old.channel, new.channel),
    ]
    for what, was, now in facts:
        if was != now:
            because = f" ({new.message})" if what == "phase" and new.message else ""
            words = f"Operator {new.name}: {what} {was or 'none'} → {now or 'none'}{because}"
            # A version's phase is dated; the date of a new version's phase is that of its installation.
            yield _change(looks, new, words, (was, now), dated=what != "channel")
    if new.pending and new.pending != old.pending:
        words = f"Operator {new.name}: {new.pending} waits to be installed ({new.approval or 'automatic'} approval)"
        yield _change(looks, new, words, (old.pending, new.pending))


def _change(looks: Looks, operator: Operator, words: str, moved: tuple[str, str], *, dated: bool = False) -> Change:
    subject = looks.subject(SubjectKind.COMPONENT, operator.name, namespace=operator.namespace, part="operator")
    source = f"ClusterServiceVersion {operator.namespace}/{operator.csv}"
    at = operator.since if dated else None
    return looks.change(ChangeKind.OPERATOR, subject, words, moved, at=at, source=source)


def _version(operator: Operator) -> str:
    return operator.version or operator.csv or "no version yet"


def _states(looks: Looks) -> Iterator[Change]:
    """GPU policies and storage systems that say something else of themselves."""
    for name, policy, later in looks.both(lambda look: look.gpu_policies, lambda each: each.name):
        subject = looks.subject(SubjectKind.COMPONENT, name, part="ClusterPolicy")
        facts = [
            (ChangeKind.COMPONENT_HEALTH, "state", policy.state, later.state),
            (ChangeKind.DRIVER, "driver", policy.driver, later.driver),
            (ChangeKind.GPU_CONFIG, "MIG strategy", policy.mig_strategy, later.mig_strategy),
        ]
        for kind, what, was, now in facts:
            if was and now and was != now:
                yield looks.change(kind, subject, f"GPU policy {name}: {what} {was} → {now}", (was, now))
    systems = looks.both(lambda look: look.storage_systems, lambda each: f"{each.kind} {each.namespace}/{each.name}")
    for name, system, now_system in systems:
        subject = looks.subject(
            SubjectKind.COMPONENT, now_system.name, namespace=now_system.namespace, part=now_system.kind
        )
        for was, now in ((system.phase, now_system.phase), (system.health, now_system.health)):
            if was and now and was != now:
                because = f" ({now_system.message})" if now_system.message else ""
                words = f"{name} went from {was} to {now}{because}"
                yield looks.change(ChangeKind.COMPONENT_HEALTH, subject, words, (was, now))
