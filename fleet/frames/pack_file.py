"""Query packs from YAML files; a mistake is reported with file, line and field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from fleet.errors import PackError
from fleet.frames.pack import PackQuery, QueryPack
from fleet.frames.pack_advice import advice_on
from fleet.frames.whole_series import partial_series_fault
from fleet.inventory.subject import SubjectKind
from fleet.inventory.untrusted_yaml import line_beyond_bounds

DEFAULT_PACK_PATH = Path(__file__).parent / "packs" / "cluster-health.yaml"
_LARGEST_FILE_BYTES = 1_000_000

_Location = Sequence[int | str]


def default_pack() -> QueryPack:
    """The pack that ships with the product: the health of a Kubernetes or OpenShift cluster."""
    return load_pack(DEFAULT_PACK_PATH)


def load_pack(path: Path) -> QueryPack:
    """Read and check a pack.

    Raises:
        PackError: the file cannot be read, is no YAML, or says something that no pack may say.
    """
    reading = read_pack(path)
    if reading.pack is None or reading.faults:
        raise reading.faults[0]
    return reading.pack


@dataclass(frozen=True)
class PackReading:
    """A pack as it stands in its file.

    Attributes:
        pack: None where the file is none.
        faults: everything that no pack may say, in order of their lines.
        advice: what a pack may say and surely does not mean, likewise.
    """

    pack: QueryPack | None
    faults: list[PackError]
    advice: list[PackError] = field(default_factory=list)


def read_pack(path: Path) -> PackReading:
    """Read a pack and tell everything that is wrong with its file, not only what comes first."""
    file = str(path)
    try:
        root = _compose(_read(path), file)
        document = _construct(root, file)
    except PackError as fault:
        return PackReading(None, [fault])
    faults = [
        PackError("the field stands here twice", file=file, line=line, field=field)
        for line, field in _repeated_keys(root, "")
    ]
    pack = None
    try:
        pack = QueryPack.model_validate(document)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            faults.append(_fault(root, each["loc"], each["type"], each["msg"], file))
    faults += [
        _fault(root, place, "value_error", message, file)
        for place, promql in _written_forms(document)
        if (message := partial_series_fault(promql))
    ]
    sound = list(_sound_queries(document))
    seen: set[str] = set()
    for number, query in sound:
        faults += [
            _fault(root, ("queries", number, *place), "value_error", message, file)
            for place, message in _query_faults(query, seen)
        ]
        seen.add(query.id)
    advice = [_fault(root, place, "value_error", message, file) for place, message in advice_on(sound)]
    return PackReading(pack, sorted(faults, key=_line_first), sorted(advice, key=_line_first))


def _line_first(fault: PackError) -> int:
    return fault.line or 0


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise PackError(f"a pack is at most {_LARGEST_FILE_BYTES} bytes", file=str(path))
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PackError(f"cannot be read: {error.strerror or error}", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise PackError(f"is no UTF-8 text (byte {error.start})", file=str(path)) from None


def _compose(text: str, file: str) -> yaml.MappingNode:
    try:
        beyond = line_beyond_bounds(text)
        node = None if beyond else yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PackError(
            f"is no YAML: {error.problem or error.context}", file=file, line=mark.line + 1 if mark else None
        ) from None
    except yaml.YAMLError as error:
        raise PackError(f"is no YAML: {error}", file=file) from None
    if beyond:
        raise PackError("is nested too deeply, or repeats itself too often, to be read", file=file, line=beyond)
    if node is None:
        raise PackError("is empty; a pack has name, version and queries", file=file, line=1)
    if not isinstance(node, yaml.MappingNode):
        raise PackError("must be a mapping with name, version and queries", file=file, line=_line(node))
    return node


def _construct(root: yaml.MappingNode, file: str) -> object:
    try:
        loader = yaml.SafeLoader("")
        value: object = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise PackError(str(error.problem), file=file, line=mark.line + 1 if mark else None) from None
    except (ValueError, LookupError, AttributeError):
        raise PackError("a date, number or truth value in it is none", file=file) from None
    return value


def _repeated_keys(node: yaml.Node, path: str) -> Iterator[tuple[int, str]]:
    """Lines and fields of keys that stand twice in one mapping: YAML loaders silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                # No field: whoever makes the values says so.
                continue
            field = f"{path}.{key.value}".lstrip(".")
            if key.value in seen:
                yield _line(key), field
            seen.add(key.value)
            yield from _repeated_keys(value, field)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _repeated_keys(item, f"{path}[{number}]")


def _written_forms(document: object) -> Iterator[tuple[_Location, str]]:
    """The places and texts of all PromQL, whatever else is wrong with its query."""
    for number, entry in enumerate(_list_of(document, "queries")):
        place = ("queries", number)
        forms = _list_of(entry, "alternatives")
        written = [(place, entry), *(((*place, "alternatives", each), form) for each, form in enumerate(forms))]
        for at, form in written:
            if isinstance(form, dict) and isinstance(form.get("promql"), str):
                yield (*at, "promql"), form["promql"]


def _list_of(document: object, key: str) -> list[object]:
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, list) else []


def _sound_queries(document: object) -> Iterator[tuple[int, PackQuery]]:
    """The queries whose fields are as the model wants them, with their places in the list."""
    for number, entry in enumerate(_list_of(document, "queries")):
        try:
            yield number, PackQuery.model_validate(entry)
        except ValidationError:
            continue


def _query_faults(query: PackQuery, seen: set[str]) -> Iterator[tuple[_Location, str]]:
    """What the model's types cannot say."""
    if query.id in seen:
        yield ("id",), f"another query has the id {query.id!r}"
    if query.subject.name is None and query.subject.kind is not SubjectKind.CLUSTER:
        yield ("subject",), f"a subject of kind {query.subject.kind} needs the label that names it (name: …)"
    warning, critical = query.thresholds.warning, query.thresholds.critical
    if warning is not None and critical is not None:
        wrong = {"up": critical < warning, "down": critical > warning}.get(query.direction, False)
        if wrong:
            yield (
                ("thresholds",),
                f"critical {critical:g} lies before warning {warning:g} (direction {query.direction})",
            )


def _fault(root: yaml.Node, location: _Location, kind: str, message: str, file: str) -> PackError:
    if kind == "extra_forbidden":
        message = "no such field"
    if kind == "missing":
        message = "the field is missing"
    return PackError(message, file=file, line=_line_of(root, location), field=_field(location))


def _field(location: _Location) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _line_of(root: yaml.Node, location: _Location) -> int:
    """The line of the deepest part of a location that the file has: of a missing field, its mapping's line."""
    node = root
    line = _line(root)
    for part in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = _line(node)
        elif isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == part), None)
            if pair is None:
                break
            line, node = _line(pair[0]), pair[1]
        else:
            break
    return line


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
