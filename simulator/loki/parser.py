"""LogQL read into its parts: selectors, line filters, json and logfmt, label filters, counts and rates, aggregations.

What else LogQL has is refused as text that makes no sense to the server. Error texts are those of Loki 3.8.
"""

from __future__ import annotations

from functools import lru_cache

from simulator.loki.query import (
    Arithmetic,
    Comparison,
    Either,
    Grouping,
    LabelFilter,
    LineFilter,
    Literal,
    LogQuery,
    Matcher,
    Metric,
    Parser,
    Query,
    RangeAggregation,
    Stage,
    VectorAggregation,
)
from simulator.loki.tokens import QueryError, Token, nanoseconds_of, text_of, tokens_of
from simulator.regexps import BadRegexpError, regexp

_RANGE_FUNCTIONS = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate"})
_UNWRAPPED = frozenset({"sum_over_time", "avg_over_time", "max_over_time", "min_over_time"})
_VECTOR_FUNCTIONS = frozenset({"sum", "avg", "min", "max", "count", "topk", "bottomk"})
_MATCHER_OPERATORS = ("=", "!=", "=~", "!~")
_ORDERED_OPERATORS = ("==", "!=", ">", ">=", "<", "<=", "=")
_UNSELECTIVE = (
    "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible "
    'value. For instance, app=~".*" does not meet this requirement, but app=~".+" will'
)


@lru_cache(512)
def parse_query(text: str) -> Query:
    """A query: lines, or numbers made of them.

    Raises:
        QueryError: it cannot be read, or selects everything.
    """
    reader = _Reader(tokens_of(text))
    query: Query = reader.log_query() if reader.at("{") else reader.metric()
    reader.end()
    return query


def parse_selector(text: str, *, selective: bool = True) -> LogQuery:
    """A log query where only a selector may stand; what follows it is kept, for the caller to refuse.

    Args:
        text: the query.
        selective: whether a selector of everything is refused.

    Raises:
        QueryError: it cannot be read, or selects everything.
    """
    reader = _Reader(tokens_of(text))
    query = reader.log_query(selective=selective)
    reader.end()
    return query


class _Reader:
    """Reads tokens from the front."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def at(self, *kinds: str) -> bool:
        return self.token.kind in kinds

    def word(self, *words: str) -> bool:
        return self.token.kind == "IDENTIFIER" and self.token.text in words

    def take(self) -> Token:
        token = self.token
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def need(self, kind: str, expected: str | None = None) -> Token:
        if self.token.kind != kind:
            raise self.token.unexpected(kind if expected is None else expected)
        return self.take()

    def end(self) -> None:
        if not self.at("$end"):
            raise self.token.unexpected()

    def log_query(self, *, selective: bool = True) -> LogQuery:
        self.need("{", "")
        matchers: list[Matcher] = []
        while not self.at("}"):
            matchers.append(self._matcher(first=not matchers))
            if not self.at("}"):
                self.need(",", "} or ,")
        self.take()
        if selective and not any(_selects(each) for each in matchers):
            raise QueryError(_UNSELECTIVE)
        return LogQuery(tuple(matchers), tuple(self._stages()))

    def _matcher(self, *, first: bool) -> Matcher:
        name = self.need("IDENTIFIER", "IDENTIFIER or }" if first else "IDENTIFIER").text
        if not self.at(*_MATCHER_OPERATORS):
            raise self.token.unexpected()
        operator = self.take().kind
        matcher = Matcher(name, operator, text_of(self.need("STRING")))
        if "~" in operator:
            _checked(matcher.value)
        return matcher

    def _stages(self) -> list[Stage]:
        found: list[Stage] = []
        while self.at("|=", "|~", "!=", "!~", "|"):
            found.append(self._after_pipe() if self.at("|") else self._line_filter())
        return found

    def _line_filter(self) -> LineFilter:
        operator = self.take().kind
        texts = [text_of(self.need("STRING"))]
        while self.word("or"):
            self.take()
            texts.append(text_of(self.need("STRING")))
        if "~" in operator:
            for text in texts:
                _checked(text)
        return LineFilter(operator, tuple(texts))

    def _after_pipe(self) -> Stage:
        self.take()
        if self.word("json", "logfmt") and not self._compares():
            return Parser(self.take().text)
        return self._any_of()

    def _compares(self) -> bool:
        return self._tokens[self._next + 1].kind in {*_MATCHER_OPERATORS, *_ORDERED_OPERATORS}

    def _any_of(self) -> LabelFilter:
        parts = [self._all_of()]
        while self.word("or"):
            self.take()
            parts.append(self._all_of())
        return parts[0] if len(parts) == 1 else Either("or", tuple(parts))

    def _all_of(self) -> LabelFilter:
        parts = [self._condition()]
        while self.word("and") or self.at(",") or (self.at("IDENTIFIER") and not self.word("or")):
            if self.word("and") or self.at(","):
                self.take()
            parts.append(self._condition())
        return parts[0] if len(parts) == 1 else Either("and", tuple(parts))

    def _condition(self) -> LabelFilter:
        if self.at("("):
            self.take()
            inner = self._any_of()
            self.need(")", "")
            return inner
        name = self.need("IDENTIFIER", "").text
        operator = self.token
        if operator.kind not in {*_MATCHER_OPERATORS, *_ORDERED_OPERATORS}:
            raise operator.unexpected()
        self.take()
        return self._compared(name, operator)

    def _compared(self, name: str, operator: Token) -> Comparison:
        if self.at("STRING"):
            if operator.kind not in _MATCHER_OPERATORS:
                raise self.token.unexpected()
            text = text_of(self.take())
            if "~" in operator.kind:
                _checked(text)
            return Comparison(name, operator.kind, text, "string")
        if "~" in operator.kind:
            raise self.token.unexpected("STRING")
        sign = "==" if operator.kind == "=" else operator.kind
        minus = -1.0 if self.at("-") and self.take() else 1.0
        if self.at("DURATION"):
            return Comparison(name, sign, minus * nanoseconds_of(self.take()), "duration")
        if self.at("NUMBER"):
            return Comparison(name, sign, minus * float(self.take().text), "number")
        raise self.token.unexpected()

    def metric(self) -> Metric:
        left = self._product()
        while self.at("+", "-"):
            left = Arithmetic(self.take().kind, left, self._product())
        return left

    def _product(self) -> Metric:
        left = self._operand()
        while self.at("*", "/"):
            left = Arithmetic(self.take().kind, left, self._operand())
        return left

    def _operand(self) -> Metric:
        if self.at("NUMBER"):
            return Literal(float(self.take().text))
        if self.at("("):
            self.take()
            inner = self.metric()
            self.need(")", "")
            return inner
        name = self.token
        if self.word("vector"):
            self.take()
            self.need("(", "(")
            value = float(self.need("NUMBER").text)
            self.need(")", ")")
            return Literal(value, vector=True)
        if name.kind == "IDENTIFIER" and name.text in _RANGE_FUNCTIONS | _UNWRAPPED:
            return self._range_aggregation(self.take().text)
        if name.kind == "IDENTIFIER" and name.text in _VECTOR_FUNCTIONS:
            return self._vector_aggregation(self.take().text)
        raise name.unexpected()

    def _range_aggregation(self, function: str) -> RangeAggregation:
        self.need("(", "(")
        query = self.log_query()
        window = self.need("RANGE", "")
        range_ns = nanoseconds_of(window)
        more = self._stages()
        self.need(")", "")
        if function in _UNWRAPPED:
            raise QueryError(f"parse error : invalid aggregation {function} without unwrap")
        return RangeAggregation(
            function, LogQuery(query.matchers, (*query.stages, *more)), range_ns, window.text.strip("[] ")
        )

    def _vector_aggregation(self, function: str) -> VectorAggregation:
        grouping = self._grouping()
        self.need("(", "")
        number = 0
        if function in {"topk", "bottomk"}:
            number = int(float(self.need("NUMBER").text))
            self.need(",", ",")
        inner = self.metric()
        self.need(")", "")
        return VectorAggregation(function, inner, grouping or self._grouping(), number)

    def _grouping(self) -> Grouping | None:
        if not self.word("by", "without"):
            return None
        without = self.take().text == "without"
        self.need("(", "(")
        names = []
        while not self.at(")"):
            names.append(self.need("IDENTIFIER").text)
            if not self.at(")"):
                self.need(",", ", or )")
        self.take()
        return Grouping(tuple(names), without)


def _checked(text: str) -> None:
    try:
        regexp(text)
    except BadRegexpError as error:
        raise QueryError(f"parse error : {error}") from error


def _selects(matcher: Matcher) -> bool:
    """Whether a matcher does not let an absent label through."""
    return matcher.operator in {"=", "=~"} and not matcher.holds("")
