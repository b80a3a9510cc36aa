"""The contract of a field kind: what goes in comes out, exactly, and everything else is refused with a code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dacheng.metadata import builtin
from dacheng.metadata.expression import INSTANT, NUMBER, TEXT, RecordOf
from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.kinds import Codec, Kinds
from dacheng.metadata.problem import Problem, Refused

KINDS = Kinds.of([builtin.part()])
ID = "01890a5d-ac96-774b-bcce-b302099a8057"
CHOICE = {"x-options": {"a": {"order": 10}, "b": {"order": 20, "archived": True}}}
# kind → (definition, [(JSON, typed value, stored)], JSON that must be refused)
CASES: dict[str, tuple[dict[str, Any], list[tuple[Any, Any, tuple[Any, ...]]], list[Any]]] = {
    "text": (
        {"maxLength": 5, "pattern": "^[^x]*$"},
        [("客户a", "客户a", ("客户a",)), ("𝒳" * 5, "𝒳" * 5, ("𝒳" * 5,)), (" a ", " a ", (" a ",))],
        [1, True, [], {}, "a\x00", "\ud800", "123456", "x", Decimal(1)],
    ),
    "integer": (
        {"minimum": -5},
        [(0, 0, (0,)), (-5, -5, (-5,)), (2**53 - 1, 2**53 - 1, (2**53 - 1,)), ("12", 12, (12,))],
        [2**53, -6, 1.5, Decimal("1.5"), True, "1.5", "a", [], {}, 10**70, Decimal("1e70")],
    ),
    "decimal": (
        {"x-scale": 3},
        [
            ("12.500", Decimal("12.500"), (12500,)),
            (Decimal("-0.001"), Decimal("-0.001"), (-1,)),
            (7, Decimal("7.000"), (7000,)),
            ("999999999999999.999", Decimal("999999999999999.999"), (999999999999999999,)),
            ("-0", Decimal("0.000"), (0,)),
        ],
        [
            "1.2345",
            "1000000000000000",
            True,
            "NaN",
            "Infinity",
            "1e5",
            [],
            {},
            Decimal("NaN"),
            "1_0",
            float("nan"),
            float("inf"),
            Decimal("1e300"),
            Decimal("1e-300"),
        ],
    ),
    "money": (
        {"x-currency": "USD"},
        [
            ({"amount": "1054.00", "currency": "CNY"}, Money(Decimal("1054.00"), "CNY"), (105400, "CNY")),
            ("-0.05", Money(Decimal("-0.05"), "USD"), (-5, "USD")),
            (3, Money(Decimal("3.00"), "USD"), (300, "USD")),
        ],
        [
            {"amount": "1", "currency": "XXX"},
            {"amount": "1", "currency": 1},
            {"amount": {}},
            "1.005",
            True,
            [1],
            {"amount": "1", "extra": 1},
            {"amount": "1", "currency": "usd"},
        ],
    ),
    "choice": (CHOICE, [("a", "a", ("a",)), ("b", "b", ("b",))], ["c", 1, ["a"], {"a": 1}, True]),
    "date": (
        {},
        [("2024-02-29", date(2024, 2, 29), ("2024-02-29",)), ("0001-01-01", date(1, 1, 1), ("0001-01-01",))],
        [
            "2023-02-29",
            "2026-1-1",
            "2026/01/01",
            "20260101",
            20260101,
            "2026-01-01T00:00:00Z",
            "0000-01-01",
            [],
        ],
    ),
    "datetime": (
        {},
        [
            ("1969-12-31T23:59:59.999Z", datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), (-1,)),
            ("2026-01-31T08:00:00+08:00", datetime(2026, 1, 31, tzinfo=UTC), (1769817600000,)),
        ],
        ["2026-01-31T08:00", "2026-01-31", "2026-13-01T00:00Z", "0001-01-01T00:00:00+14:00", 1, [], "x"],
    ),
    "link": ({"x-to": "core.user"}, [(ID, ID, (ID,))], ["1", ID.upper(), ID + "\n", 1, {"id": ID}, [ID]]),
}


CASES = {**CASES, **{kind: ({"x-to": f"core.{kind}"}, *CASES["link"][1:]) for kind in ("user", "department")}}


def codec(kind: str, extra: Mapping[str, Any] | None = None) -> Codec:
    return KINDS.fields[kind].bind("f", {**CASES[kind][0], **(extra or {})})


PAIRS = [(kind, *case) for kind, (_, cases, _) in CASES.items() for case in cases]
BAD = [(kind, raw) for kind, (_, _, bad) in CASES.items() for raw in bad if raw != ""]


def test_every_built_in_kind_is_held_to_the_contract() -> None:
    assert set(CASES) | {"lines", "rollup"} == set(KINDS.fields)


@pytest.mark.parametrize(("kind", "raw", "value", "stored"), PAIRS)
def test_a_value_goes_in_and_out_unchanged(kind: str, raw: Any, value: Any, stored: tuple[Any, ...]) -> None:
    bound = codec(kind)
    assert bound.parse(raw) == value
    assert bound.store(value) == stored
    assert len(stored) == len(bound.columns)
    assert bound.load(stored) == value
    assert bound.json_stored(stored) == bound.json(value)
    assert bound.parse(bound.json(value)) == value
    if kind != "text" or raw == raw.strip():
        assert bound.parse_text(bound.text(value)) == value
    assert json.loads(json.dumps(bound.json(value))) == bound.json(value)


@pytest.mark.parametrize(("kind", "raw", "value", "stored"), PAIRS)
def test_the_derived_schema_takes_what_the_kind_writes(kind: str, raw: Any, value: Any, stored: Any) -> None:
    bound = codec(kind)
    validator = jsonschema_rs.Draft202012Validator(dict(bound.value_schema))
    assert validator.is_valid(bound.json(value))
    assert not validator.is_valid([{}])


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


TYPED = [
    ("integer", "１，２３４", 1234),
    ("integer", "1,234", 1234),
    ("decimal", " 1,234.5 ", Decimal("1234.500")),
    ("decimal", "1.5万", Decimal("15000.000")),
    ("money", "¥1,054.00", Money(Decimal("1054.00"), "CNY")),
    ("money", "￥12", Money(Decimal("12.00"), "CNY")),
    ("money", "12万元", Money(Decimal("120000.00"), "CNY")),
    ("money", "1,054", Money(Decimal("1054.00"), "USD")),
    ("money", "EUR 5", Money(Decimal("5.00"), "EUR")),
    ("money", "5 cny", Money(Decimal("5.00"), "CNY")),
    ("money", "$3.50", Money(Decimal("3.50"), "USD")),
    ("date", "2026/1/31", date(2026, 1, 31)),
    ("date", "2026年1月31日", date(2026, 1, 31)),
    ("date", "２０２６．１．３１", date(2026, 1, 31)),
    ("date", "20260131", date(2026, 1, 31)),
    ("datetime", "2026/1/31 8:05", datetime(2026, 1, 31, 0, 5, tzinfo=UTC)),
    ("datetime", "2026-01-31T08:05", datetime(2026, 1, 31, 0, 5, tzinfo=UTC)),
    ("datetime", "2026年1月31日 8点5分", datetime(2026, 1, 31, 0, 5, tzinfo=UTC)),
    ("text", " a\r\nb ", "a\nb"),
]


@pytest.mark.parametrize(("kind", "text", "value"), TYPED)
def test_what_people_type_is_understood(kind: str, text: str, value: Any) -> None:
    assert codec(kind).parse_text(text) == value


@pytest.mark.parametrize("kind", ["integer", "decimal", "money", "date", "datetime", "link", "choice"])
@given(text=st.text(max_size=30))
def test_any_typed_text_is_a_value_or_a_problem(kind: str, text: str) -> None:
    bound = codec(kind)
    try:
        value = bound.parse_text(text)
    except Refused:
        return
    assert value is None or bound.parse(bound.json(value)) == value


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
