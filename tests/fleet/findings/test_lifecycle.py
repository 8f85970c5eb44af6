"""When findings and incidents are over, and when they are back."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fleet.findings.correlation import correlate
from fleet.findings.finding import Finding, FindingState
from fleet.findings.incident import Incident, Phase, Stretch
from fleet.findings.lifecycle import after_findings, seen_again, seen_no_more
from tests.fleet.findings.scenes import NOW, finding, node

OVER = FindingState.RESOLVED


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def trouble(start: float = 0, minutes: float = 60, **fields: object) -> Finding:
    ongoing = bool(fields.pop("ongoing", False))
    return finding(node(), "node_cpu_util", start, minutes, ongoing=ongoing).model_copy(update=fields)


def incident(*findings: Finding) -> Incident:
    return correlate(list(findings), None, [], "scan")[0]


def stretches(incident: Incident) -> list[tuple[float, float | None]]:
    def minutes(time: datetime | None) -> float | None:
        return None if time is None else (time - NOW).total_seconds() / 60

    return [(minutes(each.start) or 0, minutes(each.end)) for each in incident.stretches]


def test_it_takes_two_looks_and_half_an_hour_to_be_over() -> None:
    once = seen_no_more(trouble(), at(70))
    twice = seen_no_more(once, at(80))
    assert [each.state for each in (once, twice, seen_no_more(twice, at(90)))] == [
        FindingState.OPEN,
        FindingState.OPEN,
        OVER,
    ]
    assert seen_no_more(once, at(120)).state is OVER
    assert seen_no_more(once, at(70)) == once


def test_an_end_with_two_hours_of_data_behind_it_is_sure() -> None:
    assert seen_again(trouble(), at(180), whole=True).state is OVER
    assert seen_again(trouble(), at(179), whole=True).state is FindingState.OPEN
    assert seen_again(trouble(), at(600), whole=False).state is FindingState.OPEN


def test_being_seen_again_forgets_the_looks_that_did_not_show_it() -> None:
    missed = seen_no_more(trouble(), at(120))
    assert seen_again(missed.model_copy(update={"window": trouble(0, 180).window}), at(180), whole=True).quiet_at == []
    assert seen_again(missed, at(60), whole=True).quiet_at == [at(120)], "a look at an earlier window does not"


def test_what_reached_the_end_of_a_window_and_no_further_does_not_go_on() -> None:
    assert seen_again(trouble(ongoing=True), at(62), whole=True).ongoing
    assert not seen_again(trouble(ongoing=True), at(90), whole=True).ongoing
    assert seen_again(trouble(ongoing=True), at(90), whole=False).ongoing


def test_breaks_that_are_too_short_to_be_sure_of_are_none() -> None:
    assert stretches(incident(trouble(), trouble(170))) == [(0, 230)]
    back = incident(trouble(), trouble(200, ongoing=True))
    assert stretches(back) == [(0, 60), (200, None)]
    assert (back.reopenings, back.phase, back.standing) == (1, Phase.ONGOING, "ongoing, reopened once")


def test_an_incident_is_what_its_findings_are() -> None:
    known = incident(trouble())
    assert known.phase is Phase.ENDED
    over = after_findings(known, [trouble(state=OVER)])
    assert (over.phase, over.ended_at, over.standing) == (Phase.RESOLVED, at(60), "resolved")
    back = after_findings(over, [trouble(state=OVER), trouble(150, ongoing=True)])
    assert (back.state, back.ended_at, back.reopenings) == (FindingState.OPEN, None, 1)
    again = after_findings(back, [trouble(state=OVER), trouble(150, 200, state=OVER), trouble(500, 10)])
    assert stretches(again) == [(0, 60), (150, 350), (500, 510)]
    assert after_findings(back, []).phase is Phase.RESOLVED


def test_one_that_went_on_has_no_break_when_another_finding_follows() -> None:
    known = incident(trouble(ongoing=True))
    later = trouble(400, 30)
    assert stretches(after_findings(known, [later])) == [(0, 430)]


_EPISODES = st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 300), st.booleans()), min_size=1, max_size=6)


@given(_EPISODES, _EPISODES)
def test_done_twice_is_done_once_and_stretches_stay_apart(
    first: list[tuple[int, int, bool]], second: list[tuple[int, int, bool]]
) -> None:
    def findings(episodes: list[tuple[int, int, bool]]) -> list[Finding]:
        return [trouble(start, length, state=OVER if over else FindingState.OPEN) for start, length, over in episodes]

    known = after_findings(incident(*findings(first)), findings(first))
    once = after_findings(known, [*findings(first), *findings(second)])
    assert after_findings(once, [*findings(first), *findings(second)]) == once
    assert after_findings(known, [*findings(second), *findings(first)]) == once
    ends = [each for stretch in once.stretches for each in (stretch.start, stretch.end)]
    assert ends == sorted(each for each in ends if each is not None)
    assert once.reopenings >= known.reopenings
    assert once.ended_at == once.stretches[-1].end
    assert once.stretches[0] == Stretch(start=once.started_at, end=once.stretches[0].end)


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.sampled_from([5, 15, 60, 360]))
def test_a_finding_that_is_seen_every_other_time_or_more_often_never_flaps(seen: list[bool], interval: int) -> None:
    """Windows follow one another; what is seen lasts to the end of its window."""
    known = trouble(0, interval, ongoing=True)
    missed = 0
    for number, shows in enumerate(seen, start=1):
        until = at((number + 1) * interval)
        missed = 0 if shows else missed + 1
        if shows:
            window = known.window.model_copy(update={"end": until})
            known = seen_again(known.model_copy(update={"window": window, "ongoing": True}), until, whole=True)
        else:
            known = seen_no_more(known, until)
        if missed < 2:
            assert known.state is FindingState.OPEN
        if missed * interval < 30:
            assert known.state is FindingState.OPEN
        if known.state is OVER:
            return
