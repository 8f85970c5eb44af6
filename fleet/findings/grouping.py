"""Disjoint groups of numbered things (union-find)."""

from __future__ import annotations


class Groups:
    """Numbers 0 to ``count`` − 1, each alone at first."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def join(self, one: int, other: int) -> None:
        """Make the groups of two numbers one."""
        self._parent[self._root(one)] = self._root(other)

    def same(self, one: int, other: int) -> bool:
        """Whether two numbers are in one group."""
        return self._root(one) == self._root(other)

    def members(self) -> list[list[int]]:
        """The groups, by their smallest number, each in order."""
        groups: dict[int, list[int]] = {}
        for number in range(len(self._parent)):
            groups.setdefault(self._root(number), []).append(number)
        return list(groups.values())

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number
