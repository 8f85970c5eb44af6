"""Joining stretches of time that meet, against the definition."""

from hypothesis import given
from hypothesis import strategies as st

from fleet.findings.grouping import Groups, Reach

_STRETCHES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=25)


def groups_by_pairs(things: list[Reach], related: list[tuple[int, int]]) -> list[list[int]]:
    groups = Groups(len(things))
    for one, other in related:
        early, late = sorted([things[one], things[other]])
        if late.start <= early.reach:
            groups.join(one, other)
    return groups.members()


def numbered(stretches: list[tuple[int, int]]) -> list[Reach]:
    return [Reach(start, start + length, number) for number, (start, length) in enumerate(stretches)]


@given(_STRETCHES)
def test_a_sweep_joins_what_meets(stretches: list[tuple[int, int]]) -> None:
    things = numbered(stretches)
    swept = Groups(len(things))
    swept.join_meeting(reversed(things))
    pairs = [(one, other) for one in range(len(things)) for other in range(one)]
    assert swept.members() == groups_by_pairs(things, pairs)


@given(_STRETCHES, st.integers(0, 25))
def test_a_sweep_across_joins_what_meets_of_the_other_kind(stretches: list[tuple[int, int]], many: int) -> None:
    things = numbered(stretches)
    swept = Groups(len(things))
    swept.join_across(things[:many], things[many:])
    pairs = [(one, other) for one in range(min(many, len(things))) for other in range(many, len(things))]
    assert swept.members() == groups_by_pairs(things, pairs)
