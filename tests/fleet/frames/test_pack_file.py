from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fleet.errors import PackError
from fleet.frames.frame import SeriesKey
from fleet.frames.pack import Direction, QueryKind, SignalGroup
from fleet.frames.pack_file import DEFAULT_PACK_PATH, default_pack, load_pack, read_pack
from fleet.inventory.subject import SubjectKind

GOOD = """\
name: shop
version: 1
queries:
  - id: errors
    title: Errors
    group: ingress
    promql: sum by (job) (rate(errors_total[5m]))
    unit: 1/s
    kind: gauge
    direction: up
    subject: {kind: component, name: job}
    severity: warning
    needs: [errors_total]
  - id: saturation
    title: Saturation
    group: cpu
    promql: >-
      avg(load)
    unit: ratio
    kind: ratio
    direction: up
    subject:
      kind: cluster
    severity: info
    needs: [load]
    thresholds:
      warning: 0.8
"""


def _load(tmp_path: Path, text: str | bytes) -> PackError:
    file = tmp_path / "pack.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PackError) as caught:
        load_pack(file)
    assert caught.value.file == str(file)
    assert str(file) in str(caught.value)
    return caught.value


def test_a_good_pack_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pack.yaml"
    file.write_text(GOOD)
    pack = load_pack(file)
    assert [query.id for query in pack.queries] == ["errors", "saturation"]
    assert pack.query("saturation").promql == "avg(load)"
    assert pack.query("saturation").thresholds.warning == 0.8


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("[errors_total]", "[error_total]", "13: queries[0].needs: the metric error_total is not in promql"),
        ("      avg(load)", "      sum by(job) (rate(errors_total[5m]))", "17: queries[1].promql: the query 'errors'"),
        ("name: job", "name: instance", "7: queries[0].promql: leaves no label 'instance'"),
        (
            "direction: up\n    subject:\n",
            "direction: none\n    subject:\n",
            "26: queries[1].thresholds: with direction n",
        ),
        ("kind: gauge", "kind: counter", "7: queries[0].promql: gives a rate already"),
        (
            "(rate(errors_total[5m]))\n    unit: 1/s\n    kind: gauge",
            "(errors_total)\n    unit: 1/s\n    kind: counter",
            "7: queries[0].promql: adds counters up",
        ),
    ],
)
def test_what_is_surely_not_meant_is_advice(tmp_path: Path, before: str, after: str, words: str) -> None:
    file = tmp_path / "pack.yaml"
    file.write_text(GOOD)
    assert read_pack(file).advice == []
    assert before in GOOD
    file.write_text(GOOD.replace(before, after, 1))
    assert load_pack(file).name == "shop"
    assert [str(advice) for advice in read_pack(file).advice if words in str(advice)]


def test_the_pack_of_the_documentation_is_one(tmp_path: Path) -> None:
    document = Path(__file__).parents[3] / "docs" / "packs.md"
    file = tmp_path / "pack.yaml"
    file.write_text(document.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    reading = read_pack(file)
    assert (reading.faults, reading.advice) == ([], [])


@pytest.mark.parametrize(
    ("before", "after", "line", "field", "words"),
    [
        ("    unit: 1/s\n", "    unit: [a]\n", 8, "queries[0].unit", "string"),
        ("    unit: 1/s\n", "", 4, "queries[0].unit", "missing"),
        ("    unit: 1/s\n", "    unit: 1/s\n    units: x\n", 9, "queries[0].units", "no such field"),
        ("    kind: gauge\n", "    kind: speed\n", 9, "queries[0].kind", "'gauge'"),
        ("needs: [errors_total]", "needs: [errors-total]", 13, "queries[0].needs[0]", "match"),
        ("needs: [errors_total]", "needs: []", 13, "queries[0].needs", "at least 1"),
        ("id: saturation", "id: errors", 14, "queries[1].id", "another query"),
        ("id: saturation", "id: Saturation", 14, "queries[1].id", "match"),
        ("      warning: 0.8", "      warning: high", 27, "queries[1].thresholds.warning", "number"),
        ("      warning: 0.8", "      waring: 0.8", 27, "queries[1].thresholds.waring", "no such field"),
        (
            "      warning: 0.8",
            "      warning: 0.8\n      critical: 0.5",
            26,
            "queries[1].thresholds",
            "before warning",
        ),
        ("      avg(load)", "      topk(3, load)", 17, "queries[1].promql", "topk"),
        ("      avg(load)", "      avg(load) > 0", 17, "queries[1].promql", "bool"),
        ("kind: component, name: job", "kind: component", 11, "queries[0].subject", "name"),
        ("version: 1", "version: 0", 2, "version", "greater"),
        ("version: 1", "version: 1\nversion: 2", 3, "version", "twice"),
        ("    unit: 1/s\n", "    unit: 1/s\n    unit: 2/s\n", 9, "queries[0].unit", "twice"),
    ],
)
def test_a_mistake_names_file_line_and_field(
    tmp_path: Path, before: str, after: str, line: int, field: str, words: str
) -> None:
    assert before in GOOD
    error = _load(tmp_path, GOOD.replace(before, after, 1))
    assert (error.line, error.field) == (line, field)
    assert words in error.message
    assert f":{line}: {field}: " in str(error)


def test_every_fault_of_a_file_is_told_in_order(tmp_path: Path) -> None:
    file = tmp_path / "pack.yaml"
    text = GOOD.replace("unit: 1/s", "units: 1/s").replace("      avg(load)", "      topk(3, load)")
    file.write_text(
        text.replace("      warning: 0.8\n", "      warning: 0.8\n    alternatives:\n")
        + "      - {promql: avg(load1) > 0, needs: [load1]}\n      - {promql: avg(load5), needs: []}\nversion: 2\n"
    )
    reading = read_pack(file)
    assert reading.pack is None
    told = [(fault.line, fault.field) for fault in reading.faults]
    assert told == [
        (4, "queries[0].unit"),
        (8, "queries[0].units"),
        # What PromQL may not do is told even of a query that has other faults.
        (17, "queries[1].promql"),
        (29, "queries[1].alternatives[0].promql"),
        (30, "queries[1].alternatives[1].needs"),
        (31, "version"),
    ]


def test_a_packs_hash_covers_its_alternatives(tmp_path: Path) -> None:
    file = tmp_path / "pack.yaml"
    hashes = set()
    for more in (
        "",
        "    alternatives: [{promql: avg(a), needs: [a]}]\n",
        "    alternatives: [{promql: avg(a), needs: [b]}]\n",
    ):
        file.write_text(GOOD + more)
        hashes.add(load_pack(file).content_hash)
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("# nothing\n", 1, "empty"),
        ("- a\n- b\n", 1, "mapping"),
        ("just words", 1, "mapping"),
        ("name: shop\nqueries: [a\n", 3, "no YAML"),
        ("name: shop\n\tversion: 1\n", 2, "no YAML"),
        ("name: *nowhere\n", 1, "no YAML"),
        ("name: !!python/object:os.system x\n", 1, "could not determine a constructor"),
        ("name: a\nqueries: " + "[" * 300_000, 2, "nested too deeply"),
        ("name: a\nqueries: &a [*a]\n", 2, "repeats itself too often"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
            6,
            "repeats itself too often",
        ),
        ("name: a\n? [b]\n: c\n", 2, "unhashable"),
        ("name: 2026-99-99\n", None, "is none"),
        ("name: !!bool perhaps\n", None, "is none"),
        (b"name: \xff\xfe\n", None, "UTF-8"),
        (b"name: a\x00b\n", None, "no YAML"),
        ("x" * 1_000_001, None, "at most"),
    ],
)
def test_what_is_no_pack_at_all(tmp_path: Path, text: str | bytes, line: int | None, words: str) -> None:
    error = _load(tmp_path, text)
    assert words in error.message
    assert line is None or error.line == line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="No such file"):
        load_pack(tmp_path / "nowhere.yaml")
    with pytest.raises(PackError, match="directory"):
        load_pack(tmp_path)


def test_the_default_pack_says_what_its_values_mean() -> None:
    pack = default_pack()
    assert len(pack.queries) >= 80
    assert {query.group for query in pack.queries} == set(SignalGroup)
    for query in pack.queries:
        for form in query.variants:
            assert all(metric in form.promql for metric in form.needs), query.id
        if query.kind is QueryKind.STATE:
            assert query.thresholds.warning is not None or query.thresholds.critical is not None, query.id
        if query.thresholds.warning is not None or query.thresholds.critical is not None:
            assert query.direction in {Direction.UP, Direction.DOWN}, query.id


def test_the_default_packs_subjects_are_made_of_labels_that_the_queries_keep() -> None:
    for query in default_pack().queries:
        labels = [label for label in (query.subject.name, query.subject.namespace, query.subject.part) if label]
        assert all(label in form.promql for label in labels for form in query.variants), query.id
    subject = (
        default_pack()
        .query("container_mem_vs_limit")
        .subject_of(
            "c1", SeriesKey.of("container_mem_vs_limit", {"namespace": "shop", "pod": "cart-1", "container": "app"})
        )
    )
    assert (subject.kind, subject.namespace, subject.name, subject.part) == (
        SubjectKind.CONTAINER, "shop", "cart-1", "app",
    )  # fmt: skip


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_promtool_accepts_every_query_of_the_default_pack(tmp_path: Path) -> None:
    forms = [(query.id, number, form) for query in default_pack().queries for number, form in enumerate(query.variants)]
    rules = [{"record": f"fleet:{query_id}:{number}", "expr": form.promql} for query_id, number, form in forms]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "fleet", "rules": rules}]}))
    checked = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


def test_the_default_pack_lies_in_the_package() -> None:
    assert DEFAULT_PACK_PATH.is_file()


def test_a_query_knows_over_how_long_its_values_are_made() -> None:
    pack = default_pack()
    ranges = {name: pack.query(name).range_seconds for name in ("container_restarts", "etcd_leader_changes")}
    assert ranges == {"container_restarts": 600, "etcd_leader_changes": 3600}
    assert min(query.range_seconds for query in pack.queries) == 0
