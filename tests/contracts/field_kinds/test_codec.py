"""The contract of a field kind: what goes in comes out, exactly, and everything else is refused with a code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dacheng.metadata import builtin
from dacheng.metadata.expression import INSTANT, NUMBER, TEXT, RecordOf
from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.kinds import Codec, ColumnCodec, Kinds
from dacheng.metadata.problem import Problem, Refused
from tests.contracts.field_kinds.cases import CASES

KINDS = Kinds.of([builtin.part()])


def codec(kind: str, extra: Mapping[str, Any] | None = None) -> Codec:
    return KINDS.fields[kind].bind("f", {**CASES[kind].spec, **(extra or {})})


TEXTS = {"text", "long_text"}  # any text is a value, white space around it included
PAIRS = [(kind, *value) for kind, case in CASES.items() for value in case.values]
BAD = [(kind, raw) for kind, case in CASES.items() for raw in case.bad if raw != ""]
TYPED = [(kind, *typed) for kind, case in CASES.items() for typed in case.typed]


def test_every_built_in_kind_is_held_to_the_contract() -> None:
    assert set(CASES) | {"lines", "rollup", "formula", "lookup", "autonumber"} == set(KINDS.fields)


@pytest.mark.parametrize(("kind", "raw", "value", "stored"), PAIRS)
def test_a_value_goes_in_and_out_unchanged(kind: str, raw: Any, value: Any, stored: tuple[Any, ...]) -> None:
    bound = codec(kind)
    assert bound.parse(raw) == value
    assert bound.store(value) == stored
    assert len(stored) == len(bound.columns)
    assert bound.load(stored) == value
    assert bound.json_stored(stored) == bound.json(value)
    assert bound.parse(bound.json(value)) == value
    if kind not in TEXTS or raw == raw.strip():
        assert bound.parse_text(bound.text(value)) == value
    assert json.loads(json.dumps(bound.json(value))) == bound.json(value)


@pytest.mark.parametrize(("kind", "raw", "value", "stored"), PAIRS)
def test_the_derived_schema_takes_what_the_kind_writes(kind: str, raw: Any, value: Any, stored: Any) -> None:
    bound = codec(kind)
    validator = jsonschema_rs.Draft202012Validator(dict(bound.value_schema))
    assert validator.is_valid(bound.json(value))
    stranger = CASES[kind].stranger
    assert not validator.is_valid(list(stranger) if isinstance(stranger, tuple) else stranger)


@pytest.mark.parametrize(("kind", "raw"), BAD)
def test_other_values_are_refused_with_a_sentence(kind: str, raw: Any) -> None:
    with pytest.raises(Refused) as refused:
        codec(kind).parse(raw)
    (found,) = refused.value.problems
    assert found.code.startswith("value.")
    assert found.message_in("zh-CN")
    assert "{value" not in found.message


@pytest.mark.parametrize("kind", sorted(CASES))
def test_missing_is_none_everywhere(kind: str) -> None:
    bound = codec(kind)
    assert bound.parse(None) is None
    assert bound.parse("") is None
    assert bound.parse_text("  ") is None
    empty = bound.store(None)
    assert empty == (None,) * len(bound.columns)
    assert bound.load(empty) is None
    assert bound.json_stored(empty) is None
    assert bound.json(None) is None
    assert bound.text(None) == ""


@pytest.mark.parametrize(("kind", "text", "value"), TYPED)
def test_what_people_type_is_understood(kind: str, text: str, value: Any) -> None:
    assert codec(kind).parse_text(text) == value


@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_column_read_at_once_holds_what_each_text_says(kind: str) -> None:
    bound = codec(kind)
    if not isinstance(bound, ColumnCodec):
        return
    texts = [bound.text(value) for _, _, value, _ in [(k, *v) for k, *v in PAIRS if k == kind]]
    for text in [*texts, *(text for k, text, _ in TYPED if k == kind), "12.5000", "0.1250", "3", ""]:
        plain = text.strip()
        at_once = bound.store_texts([plain])
        if at_once is not None:
            assert at_once == [bound.store(bound.parse_text(plain))[0]], text


@pytest.mark.parametrize("kind", sorted(set(CASES) - TEXTS))
@given(text=st.text(max_size=30))
def test_any_typed_text_is_a_value_or_a_problem(kind: str, text: str) -> None:
    bound = codec(kind)
    try:
        value = bound.parse_text(text)
    except Refused:
        return
    assert value is None or bound.parse(bound.json(value)) == value


COLUMNS = [kind for kind in CASES if isinstance(codec(kind), ColumnCodec)]
digits = st.text(st.sampled_from("0123456789.-+, 万"), max_size=22)
plain_numbers = st.integers(-(10**19), 10**19).map(str) | st.decimals(places=3).map(lambda n: f"{n:f}")


@pytest.mark.parametrize("kind", COLUMNS)
@given(texts=st.lists(st.text(max_size=8) | digits | plain_numbers, max_size=4))
def test_a_column_is_stored_as_its_texts_one_by_one(kind: str, texts: list[str]) -> None:
    bound = codec(kind)
    assert isinstance(bound, ColumnCodec)
    trimmed = [text.strip() for text in texts]
    together = bound.store_texts(trimmed)
    if together is not None:
        assert together == [bound.store(bound.parse_text(text))[0] for text in trimmed]


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_ordinary_texts_is_stored_at_once(kind: str) -> None:
    bound = codec(kind)
    assert isinstance(bound, ColumnCodec)
    texts = ["", *(bound.text(value) for each, _, value, _ in PAIRS if each == kind)]
    plain = [text for text in texts if text == text.strip()]
    assert bound.store_texts(plain) == [bound.store(bound.parse_text(text))[0] for text in plain]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", [*sorted(CASES), "lines"])
@given(raw=json_values)
def test_any_json_is_a_value_or_a_problem(kind: str, raw: Any) -> None:
    bound = KINDS.fields["lines"].bind("f", {"x-entity": "child"}) if kind == "lines" else codec(kind)
    try:
        bound.parse(raw)
        problems: tuple[Problem, ...] = ()
    except Refused as refused:
        problems = refused.problems
    assert all(problem.message for problem in problems)


@given(stored=st.integers(-(10**18) + 1, 10**18 - 1), scale=st.integers(0, 6))
def test_scaled_numbers_are_exact_at_every_scale(stored: int, scale: int) -> None:
    bound = codec("decimal", {"x-scale": scale})
    text = bound.json_stored((stored,))
    assert bound.parse(text) == Decimal(stored).scaleb(-scale)
    assert bound.store(bound.parse(text)) == (stored,)


def test_operands_are_what_expressions_compute_with() -> None:
    assert codec("integer").operand(3) == Decimal(3)
    assert codec("integer").type is NUMBER
    assert codec("datetime").type is INSTANT
    assert codec("link").type is TEXT
    money = codec("money")
    assert money.operand(Money(Decimal("1.50"), "CNY")) == {"amount": Decimal("1.50"), "currency": "CNY"}
    assert isinstance(money.type, RecordOf)
    assert money.type.stands_for == "amount"


EVIL = [
    "^(a|a)*$",
    "(a+)+$",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(x+x+)+y",
    "^(a?){50}a{50}$",
    "(.*)*b",
    "^((ab)*)*$",
]


@pytest.mark.parametrize("pattern", EVIL)
def test_t32_patterns_take_linear_time(pattern: str) -> None:
    bound = KINDS.fields["text"].bind("f", {"pattern": pattern, "maxLength": 20_000})
    started = datetime.now(UTC)
    for text in ("a" * 20_000, "ab" * 9_999 + "!", "x" * 19_999):
        with suppress(Refused):
            bound.parse(text)
    assert (datetime.now(UTC) - started).total_seconds() < 1


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a" * 201, "[", "a{999999}", "(?<n", "\\"])
def test_t32_patterns_outside_the_linear_engine_are_refused(pattern: str) -> None:
    with pytest.raises(Refused) as refused:
        KINDS.fields["text"].bind("f", {"pattern": pattern})
    assert refused.value.problems[0].code in ("definition.bad_pattern", "definition.pattern_too_long")


@given(
    at=st.datetimes(timezones=st.just(UTC)).map(
        lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000)
    )
)
def test_instants_are_written_to_the_millisecond(at: datetime) -> None:
    bound = codec("datetime")
    text = bound.json_stored(bound.store(at))
    assert text == at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert bound.parse(text) == at
