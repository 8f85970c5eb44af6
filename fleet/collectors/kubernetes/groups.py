"""The API groups that a cluster serves, from one request: what is not among them is absent, whatever a list answers."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from fleet.collectors.kubernetes.kinds import Kind


class _Version(msgspec.Struct):
    version: str | None = None


class _Group(msgspec.Struct, rename="camel"):
    name: str
    versions: list[_Version] | None = None
    preferred_version: _Version | None = None


class GroupList(msgspec.Struct):
    """An APIGroupList: what ``/apis`` answers."""

    groups: list[_Group] | None = None


@dataclass(frozen=True)
class ServedGroups:
    """Groups with their versions, the preferred one first.

    A server answers 403 for a kind that it does not have to somebody who has no rights on it: only this list tells a
    missing right from a missing kind.
    """

    versions: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, answer: GroupList) -> ServedGroups:
        """The groups of an answer."""
        return cls({group.name: _versions(group) for group in answer.groups or []})

    def serves(self, group: str) -> bool:
        """Whether the group is there; the core group always is, and stands in no list."""
        return not group or group in self.versions

    def version_of(self, kind: Kind) -> str | None:
        """The version in which to ask for a kind, or None where its group is not served.

        The best of those that are known to have the kind; where none of them is served, the group's preferred one.
        """
        if not kind.group:
            return kind.versions[0]
        if kind.group not in self.versions:
            return None
        served = self.versions[kind.group]
        known = next((version for version in kind.versions if version in served), None)
        return known or (served[0] if served else kind.versions[0])


def _versions(group: _Group) -> tuple[str, ...]:
    preferred = group.preferred_version.version if group.preferred_version else None
    every = [preferred, *(each.version for each in group.versions or [])]
    return tuple(dict.fromkeys(version for version in every if version))
