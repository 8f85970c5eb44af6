"""Tables of series, alerts and traces: what is said once, what is cut and said, and that nobody's text is markup."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from rich.console import Console

from fleet.collectors.loki.lines import frame_of_streams
from fleet.frames.alerts import Alert, AlertFrame, AlertState, Silence, SilenceMatcher, SilenceState
from fleet.frames.coverage import CoverageStatus
from interfaces.cli.exit_codes import ExitCode
from interfaces.cli.query.alert_answers import AlertsFound, Wanted
from interfaces.cli.query.alert_view import print_alerts, print_silences
from interfaces.cli.query.asking import Answer, exit_code
from interfaces.cli.query.log_answers import is_metric_query
from interfaces.cli.query.log_view import print_lines, write_lines
from interfaces.cli.query.series import Series, SeriesSet, json_rows, on_common_times
from interfaces.cli.query.series_view import print_plot, print_series

NOW = datetime.now(UTC)


def console(width: int = 120) -> Console:
    return Console(file=io.StringIO(), width=width, highlight=False)


def shown(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def series(*rows: tuple[str, dict[str, str], list[float]], unit: str = "bytes") -> SeriesSet:
    times = 1_772_712_000.0 + 60 * np.arange(len(rows[0][2]))
    return SeriesSet(times, [Series(cluster, labels, np.array(values)) for cluster, labels, values in rows], unit)


def test_what_holds_for_all_series_is_said_once() -> None:
    found = series(
        ("edge-1", {"__name__": "used", "job": "node", "pod": "a"}, [1024.0]),
        ("edge-2", {"__name__": "used", "job": "node", "pod": "b"}, [2048.0]),
    )
    screen = console()
    print_series(screen, found, 0, "memory")
    lines = shown(screen).splitlines()
    assert lines[0] == "memory, at 2026-03-05 12:00:00Z"
    assert lines[1] == 'all: used{job="node"}'
    assert [line.split() for line in lines[2:]] == [
        ["cluster", "pod", "value"],
        ["edge-1", "a", "1", "KiB"],
        ["edge-2", "b", "2", "KiB"],
    ]


def test_a_range_has_its_bounds_and_where_there_is_room_its_course() -> None:
    found = series(("edge-1", {"pod": "a"}, [1.0, 5.0, 3.0, np.nan]), ("edge-1", {"pod": "b"}, [1.0] * 4), unit="count")
    wide, narrow = console(120), console(80)
    print_series(wide, found, 0)
    print_series(narrow, found, 0)
    assert shown(wide).splitlines()[2].split() == ["a", "3", "1", "5", "▁█▅"]
    assert shown(narrow).splitlines()[2].split() == ["a", "3", "1", "5"]


def test_nothing_is_cut_in_silence() -> None:
    screen = console()
    print_series(screen, series(*(("e", {"n": str(number)}, [1.0]) for number in range(30))), 20)
    assert "The first 20 of 30 series; --limit 0 shows all." in shown(screen)
    screen = console()
    print_plot(screen, series(*(("e", {"n": str(number)}, [1.0, 2.0]) for number in range(12))))
    assert "The first 10 of 12 series are drawn." in shown(screen)
    assert shown(screen).count("━━") == 10


def test_labels_are_text_and_nothing_else() -> None:
    screen = console(60)
    evil = "[bold red]x[/] \x1b[2J" + "y" * 60
    print_series(screen, series(("e", {"pod": evil, "other": "1"}, [1.0]), ("e", {"pod": "b"}, [2.0])), 0)
    print_plot(screen, series(("e", {"pod": evil}, [1.0, 2.0])))
    assert "[bold red]x[/]" in shown(screen)
    assert "\x1b" not in shown(screen)


def test_json_has_numbers_that_were_measured() -> None:
    rows = json_rows(SeriesSet(np.array([1.0, 2, 3]), [Series("e", {}, np.array([0.1, np.nan, np.inf], np.float32))]))
    assert rows == [{"cluster": "e", "labels": {}, "values": [[1.0, 0.1], [3.0, "+Inf"]]}]
    assert json_rows(SeriesSet(np.array([1.0]), [Series("e", {}, np.array([np.nan]))]))[0]["value"] is None


def test_series_with_times_of_their_own_stand_side_by_side() -> None:
    parts = [("a", {}, np.array([1.0, 3]), np.array([10.0, 30])), ("b", {}, np.array([2.0]), np.array([20.0]))]
    found = on_common_times(parts)
    assert found.times.tolist() == [1, 2, 3]
    assert np.array_equal(found.series[0].values, [10, np.nan, 30], equal_nan=True)
    assert not on_common_times([]).series


def alert(name: str, state: AlertState = AlertState.ACTIVE, severity: str = "warning", **more: object) -> Alert:
    labels = {"alertname": name, "severity": severity, "namespace": "shop"}
    return Alert(name=name, labels=labels, state=state, starts_at=NOW, fingerprint=f"f-{name}", **more)


SILENCE = Silence(
    id="s-1",
    state=SilenceState.ACTIVE,
    matchers=[SilenceMatcher(name="alertname", value="Quiet"), SilenceMatcher(name="pod", value="a.*", is_regex=True)],
    starts_at=NOW,
    ends_at=NOW + timedelta(days=30),
    created_by="ann",
    comment="[red]planned[/]",
)


def test_alerts_tell_who_suppresses_them() -> None:
    alerts = [
        alert("Quiet", AlertState.SUPPRESSED, silenced_by=["s-1"]),
        alert("Slow", AlertState.SUPPRESSED, inhibited_by=["f-Down", "f-gone"]),
        alert("Odd", severity=""),
        alert("Down", severity="critical", annotations={"summary": "It [bold]is[/] down."}),
    ]
    frame = AlertFrame(at=NOW, alerts=alerts, silences=[SILENCE])
    answers = [Answer("edge-1", CoverageStatus.OK, found=AlertsFound(alerts, [SILENCE], frame))]
    screen = console(140)
    print_alerts(screen, 0, answers)
    text = shown(screen)
    places = [text.index(name) for name in ("Down", "Odd", "Quiet", "Slow")]
    assert places == sorted(places)
    for words in ("It [bold]is[/] down.", "silenced by ann, 30 d left", "inhibited by Down", "inhibited by f-gone"):
        assert words in text
    assert "2 active, 2 suppressed" in text
    screen = console(140)
    print_silences(screen, 0, answers)
    assert 'alertname="Quiet", pod=~"a.*"' in shown(screen)
    assert "[red]planned[/]" in shown(screen)


def test_names_may_have_stars() -> None:
    wanted = Wanted(("Kube*",), ("critical", "warning"))
    assert wanted.matches("KubePodCrashLooping", {"severity": "warning"})
    assert not wanted.matches("KubePodCrashLooping", {"severity": "info"})
    assert not wanted.matches("TargetDown", {"severity": "critical"})


def test_lines_are_one_line_each_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    viaq = {"@timestamp": "x", "message": "said\n[bold]this\x1b[2J", "kubernetes": {}}
    place = {"kubernetes_namespace_name": "shop", "kubernetes_pod_name": "cart-1", "kubernetes_container_name": "cart"}
    frame = frame_of_streams([({**place, "cluster": "edge-1"}, [[str(10**18), json.dumps(viaq)]])])
    for raw, words in ((False, "said [bold]this [2J"), (True, '{"@timestamp"')):
        screen = console(20)
        print_lines(screen, frame, several=True, raw=raw)
        [line] = shown(screen).splitlines()
        assert line.startswith(f"09-09 01:46:40.000Z edge-1 shop/cart-1/cart {words}")
        assert "\x1b" not in line
    write_lines(frame)
    [document] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (document["cluster"], document["timestamp_ns"]) == ("edge-1", str(10**18))
    assert (document["labels"], json.loads(document["line"])) == (place, viaq)


@pytest.mark.parametrize(
    ("logql", "metric"),
    [
        ('{a="b"} |= "x"', False),
        ('  # why\n {a="b"}', False),
        ('sum(rate({a="b"}[5m]))', True),
        ('# of\n(count_over_time({a="b"}[5m]))', True),
        ("", False),
    ],
)
def test_queries_for_numbers_are_known_by_their_form(logql: str, metric: bool) -> None:
    assert is_metric_query(logql) is metric


OK, PARTIAL, ABSENT, UNKNOWN = (CoverageStatus(word) for word in ("ok", "partial", "absent", "unknown"))


@pytest.mark.parametrize(
    ("statuses", "strict", "allowing"),
    [
        ([OK, ABSENT], ExitCode.FINE, ExitCode.FINE),
        ([OK, PARTIAL], ExitCode.GAPS, ExitCode.FINE),
        ([OK, UNKNOWN], ExitCode.GAPS, ExitCode.FINE),
        ([UNKNOWN, UNKNOWN], ExitCode.COULD_NOT_RUN, ExitCode.COULD_NOT_RUN),
    ],
)
def test_exit_codes(statuses: list[CoverageStatus], strict: ExitCode, allowing: ExitCode) -> None:
    answers = [Answer[None]("e", status) for status in statuses]
    assert exit_code(answers, allow_gaps=False) is strict
    assert exit_code(answers, allow_gaps=True) is allowing
