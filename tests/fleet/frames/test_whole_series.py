from __future__ import annotations

import pytest

from fleet.frames.whole_series import partial_series_fault


@pytest.mark.parametrize(
    "promql",
    [
        "up",
        'rate(x{mode="idle"}[5m]) * 2',
        'x{a!="",b=~"y>0"}',
        "x == bool 1",
        "sum(x) > bool 3",
        "sum(a) / (sum(b) > 0)",
        "max by (n) (a) / on (n) (max by (n) (b) > 0)",
        "sum(a) / clamp_min(sum(b), 1)",
        'label_replace(x, "topk", "a > b", "", "")',
        "topk_total + bottomk_errors",
        "sum(x) # topk(3, x) > 0",
        "x offset 5m",
        "rate(x[5m:30s])",
        "a unless b",
    ],
)
def test_whole_series_pass(promql: str) -> None:
    assert partial_series_fault(promql) is None


@pytest.mark.parametrize(
    ("promql", "word"),
    [
        ("topk(5, x)", "topk"),
        ("sum(bottomk by (a) (3, x))", "bottomk"),
        ("limitk(2, x)", "limitk"),
        ("x > 0", "'>'"),
        ("x{a='>'} == 1", "'=='"),
        ("max by (n) (x != 1)", "'!='"),
        ("(sum(x) > 3)", "'>'"),
        ("sum(a) / sum(b) > 0.5", "'>'"),
        ("sum(a) / sum(b) + (c > 0)", "'>'"),
        ("sum(a)\n  >= 2 # bool", "'>='"),
        ("count(up == 0) / count(up)", "'=='"),
    ],
)
def test_partial_series_are_named_with_a_way_out(promql: str, word: str) -> None:
    fault = partial_series_fault(promql)
    assert fault is not None
    assert word in fault
    assert "come and go" in fault
