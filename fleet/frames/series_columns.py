"""Series as columns of a table: ``query`` and one ``label_<name>`` for each label that any series has.

A label is null where a series has it not, which is apart from one that is empty.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa

from fleet.frames.frame import SeriesKey

QUERY = "query"
_PREFIX = "label_"
_TEXT = pa.dictionary(pa.int32(), pa.string())


def text_column(values: Sequence[str | None]) -> pa.Array:
    """Text of which much repeats."""
    return pa.array(values, type=pa.string()).cast(_TEXT)


def label_names(keys: Collection[SeriesKey]) -> list[str]:
    """The labels that any of the series has, sorted."""
    return sorted({name for key in keys for name, _ in key.labels})


def query_column(keys: Collection[SeriesKey]) -> dict[str, pa.Array]:
    """The column of queries, by its name."""
    return {QUERY: text_column([key.query_id for key in keys])}


def label_columns(keys: Collection[SeriesKey], names: Collection[str]) -> dict[str, pa.Array]:
    """The columns of these labels, by their names; one that no series has is nothing but nulls."""
    labels: dict[str, list[str | None]] = {name: [None] * len(keys) for name in names}
    for row, key in enumerate(keys):
        for name, value in key.labels:
            labels[name][row] = value
    return {_PREFIX + name: text_column(column) for name, column in labels.items()}


def keys_of(table: pa.Table) -> list[SeriesKey]:
    """The series of a table's rows."""
    names = sorted(name for name in table.column_names if name.startswith(_PREFIX))
    columns = [_pairs_of(name.removeprefix(_PREFIX), table[name]) for name in names]
    rows = zip(*columns, strict=True) if columns else iter([()] * table.num_rows)
    queries = table[QUERY].to_pylist()
    # A pair is never empty, so that the filter drops nothing but None.
    return [SeriesKey(query_id, tuple(filter(None, row))) for query_id, row in zip(queries, rows, strict=True)]


def _pairs_of(label: str, column: pa.ChunkedArray) -> list[tuple[str, str] | None]:
    """A label and its value for each row, one object for all rows with the same; None where a row has not the label."""
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    pairs: list[tuple[str, str] | None] = [(label, value) for value in encoded.dictionary.to_pylist()]
    pairs.append(None)
    return [pairs[index] for index in encoded.indices.fill_null(len(pairs) - 1).to_pylist()]
