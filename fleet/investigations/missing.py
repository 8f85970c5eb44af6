"""What could not be seen and might have mattered, in words. Unknown is never healthy."""

from __future__ import annotations

from collections import Counter

from fleet.frames.coverage import CoverageStatus
from fleet.investigations.scene import Scene
from fleet.investigations.signals import Role
from fleet.investigations.wording import plain

_TELLING = {
    Role.CONTAINER_CPU: "CPU use of containers",
    Role.CONTAINER_MEMORY: "memory of containers",
    Role.THROTTLING: "CPU throttling of containers",
    Role.RESTARTS: "container restarts",
    Role.NODE_READY: "readiness of nodes",
    Role.DISK_SPACE: "disk space",
    Role.TARGETS_UP: "reachability of scrape targets",
}


def missing_of(scene: Scene) -> list[str]:
    """One sentence for everything that an investigation would have looked at and could not."""
    return [*_inventory(scene), *_coverage(scene), *_signals(scene), *_history(scene), *_unread(scene)]


def _inventory(scene: Scene) -> list[str]:
    inventory = scene.material.inventory
    if inventory is None:
        return ["No cluster API was read: rollouts, events and which pod stands on which node are not known."]
    return [f"The inventory lacks {plain(gap.part, 60)}: {plain(gap.reason)}." for gap in inventory.gaps]


def _coverage(scene: Scene) -> list[str]:
    reasons: Counter[str] = Counter()
    for row in scene.material.coverage:
        if not row.window.overlaps(scene.question.window) or row.status.final:
            continue
        blind = [each for each in row.queries if each.status in {CoverageStatus.UNKNOWN, CoverageStatus.PARTIAL}]
        for query in blind:
            reasons[f"{query.query_id} ({plain(query.reason or row.reason or 'no reason given')})"] += 1
        if not blind:
            reasons[f"{plain(row.signal, 40)} ({plain(row.reason or 'no reason given')})"] += 1
    listed = [f"Not wholly seen: {name}." for name, _ in sorted(reasons.items())[:5]]
    return [*listed, f"{len(reasons) - 5} more signals were not wholly seen."] if len(reasons) > 5 else listed


def _signals(scene: Scene) -> list[str]:
    seen = {key.query_id for key in scene.material.frame.keys}
    blind = [text for role, text in _TELLING.items() if not seen.intersection(scene.material.signals.ids(role))]
    return [f"No series tell of: {', '.join(blind)}."] if blind else []


def _history(scene: Scene) -> list[str]:
    if scene.material.knows_past:
        return []
    return ["There is no history before the window: what is usual was judged from the window alone."]


def _unread(scene: Scene) -> list[str]:
    return [f"{text[:1].upper()}{text[1:]}." for text in scene.material.unread]
