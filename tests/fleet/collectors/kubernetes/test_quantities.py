from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.collectors.kubernetes.quantities import parse_quantity
from fleet.collectors.kubernetes.text import clean


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("4", "4"),
        ("100m", "0.1"),
        ("3800m", "3.8"),
        ("16Gi", "17179869184"),
        ("15728640Ki", "16106127360"),
        ("1.5Gi", "1610612736"),
        ("2k", "2000"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("2E", "2e18"),
        ("1Ei", "1152921504606846976"),
        ("5n", "5e-9"),
        ("7u", "7e-6"),
        ("-1.5", "-1.5"),
        (".5", "0.5"),
        ("12e-3", "0.012"),
    ],
)
def test_quantities(text: str, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "1KI", "ten", "1e", "NaN", "Infinity", "1e9999", "1Gi\n"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


@given(st.text(), st.integers(1, 400))
def test_cleaned_text_is_one_bounded_printable_line(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
