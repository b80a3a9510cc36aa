"""Parsing, checking, canonical form, shapes, traces and macros of expressions."""

from __future__ import annotations

import timeit
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dacheng.metadata.expression import (
    BOOLEAN,
    DATE,
    NUMBER,
    TEXT,
    Expression,
    ListOf,
    Macro,
    RecordOf,
    check,
    environment,
    evaluate,
    parse,
    prepare,
    shape,
    to_json,
    trace,
)
from dacheng.metadata.problem import Refused

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 2, 28, 16, 30, tzinfo=UTC)
LINE = RecordOf({"price": NUMBER, "name": TEXT}.get, "line")
MONEY = RecordOf({"amount": NUMBER, "currency": TEXT}.get, "money", "amount")
OWNER = RecordOf({"id": TEXT, "name": TEXT}.get, "user")
SCOPE = RecordOf(
    {
        "name": TEXT,
        "stage": TEXT,
        "count": NUMBER,
        "flag": BOOLEAN,
        "due": DATE,
        "tags": ListOf(TEXT),
        "lines": ListOf(LINE),
        "owner": OWNER,
        "value": MONEY,
    }.get,
    "deal",
)
CONTEXT = {"$user": RecordOf({"id": TEXT, "roles": ListOf(TEXT)}.get, "user")}


def _checked(value: Any, operators: dict[str, Macro] | None = None) -> Expression:
    return check(parse(value, operators=operators or {}), SCOPE, CONTEXT)


def _codes(value: Any, operators: dict[str, Macro] | None = None) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        _checked(value, operators)
    return [(problem.code.removeprefix("expression."), problem.pointer) for problem in refused.value.problems]


def _value(value: Any, record: dict[str, Any] | None = None, **context: Any) -> Any:
    return evaluate(
        _checked(value),
        record or {},
        now=NOW,
        zone=ZONE,
        context={f"${name}": entry for name, entry in context.items()},
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (
            {"and": [{"==": [{"var": "nmae"}, 1]}, {"+": [{"var": "name"}, 1]}]},
            [("unknown_variable", "/and/0/==/0"), ("operand_type", "/and/1")],
        ),
        ({"!": {"var": "nmae"}}, [("unknown_variable", "/!")]),
        (
            {"and": [{"foo": 1}, {"==": [1]}, {"date": "2026-02-30"}, {"a": 1, "b": 2}]},
            [
                ("unknown_operator", "/and/0"),
                ("operand_count", "/and/1"),
                ("bad_date", "/and/2"),
                ("one_operator", "/and/3"),
            ],
        ),
        ({"instant": "2026-01-31T08:00:00"}, [("bad_instant", "")]),
        ({"duration": "P1M"}, [("bad_duration", "")]),
        (1.0000001, [("number_out_of_range", "")]),
        (10**18, [("number_out_of_range", "")]),
        (float("nan"), [("number_out_of_range", "")]),
        ("a\x00b", [("text_unstorable", "")]),
        ("\ud800", [("text_unstorable", "")]),
        ({"+": [{"number": "999999999999999999"}, 1]}, [("overflow", "")]),
        ({"==": [{"var": "lines"}, {"var": "lines"}]}, [("operand_type", "")]),
        ({"in": ["a", ["a", 1]]}, [("mixed_list", "/in/1")]),
        ({"start_of": ["decade", {"var": "due"}]}, [("bad_unit", "")]),
        ({"start_of": [{"var": "name"}, {"var": "due"}]}, [("bad_unit", "")]),
        ({"if": [{"var": "flag"}, 1, "x"]}, [("operand_type", "")]),
        ({"<": [{"var": "flag"}, True]}, [("operand_type", "")]),
        ({"some": [{"var": "lines"}, {"var": "stage"}]}, [("unknown_variable", "/some/1")]),
        ({"param": "x"}, [("unknown_operator", "")]),
        (object(), [("not_json", "")]),
    ],
)
def test_every_problem_is_named_with_its_place(value: Any, found: list[tuple[str, str]]) -> None:
    assert _codes(value) == found


def test_a_checked_expression_knows_type_dependencies_and_time() -> None:
    expression = _checked(
        {
            "and": [
                {"some": [{"var": "lines"}, {">": [{"var": "price"}, 1]}]},
                {"==": [{"var": "owner"}, {"var": "$user.id"}]},
                {"<": [{"var": "due"}, {"today": []}]},
                {"in": ["x", {"var": "tags"}]},
            ]
        }
    )
    assert expression.type == BOOLEAN
    assert expression.dependencies == {
        ("lines",),
        ("lines", "price"),
        ("owner", "id"),
        ("$user", "id"),
        ("due",),
        ("tags",),
    }
    assert expression.uses_now
    assert not _checked({"var": "name"}).uses_now
    assert expression.browser_types["lines"] == "list"
    assert expression.browser_types["tags"] == "list:text"
    assert expression.browser_types["lines.price"] == "number"


def test_a_link_stands_for_its_id_and_money_for_its_amount() -> None:
    assert _value({"var": "owner"}, {"owner": "u1"}) == "u1"
    assert _value({"==": [{"var": "owner"}, "u1"]}, {"owner": {"id": "u1", "name": "x"}}) is True
    assert _value({"var": "owner.name"}, {"owner": "u1"}) is None
    record = {"value": {"amount": Decimal("10.5"), "currency": "CNY"}}
    assert _value({"+": [{"var": "value"}, 1]}, record) == Decimal("11.5")
    assert _value({"var": "value.currency"}, record) == "CNY"
    assert _value({"var": "value"}, {"value": Decimal(3)}) == 3


def test_values_of_another_type_than_declared_are_missing() -> None:
    for record in ({"name": 1}, {"name": object()}, {"name": b"x"}, {"name": ["x"]}):
        assert _value({"var": "name"}, record) is None
    for value in ("1", True, float("nan"), Decimal("Infinity"), Decimal(10) ** 18):
        assert _value({"var": "count"}, {"count": value}) is None
    assert _value({"var": "count"}, {"count": 0.1}) == Decimal("0.1")
    assert _value({"var": "due"}, {"due": NOW}) is None
    assert _value({"in": ["admin", {"var": "$user.roles"}]}, user={"roles": frozenset({"admin"})}) is True
    assert _value({"var": "name"}, MappingProxyType({"name": "x"})) == "x"  # type: ignore[arg-type]


def test_canonical_json_is_minimal_and_reads_back_the_same() -> None:
    source = {
        "and": [
            {"!": {"var": "flag"}},
            {"<": [{"var": "count"}, 1.50]},
            {"in": ["客户", ["a", None]]},
            {"==": [{"number": "123456789012345678"}, {"var": "count"}]},
            {"==": [{"duration": "P1D"}, {"duration": "PT24H"}]},
        ]
    }
    text = to_json(parse(source))
    assert text == (
        '{"and":[{"!":[{"var":"flag"}]},{"<":[{"var":"count"},1.5]},{"in":["客户",["a",null]]},'
        '{"==":[{"number":"123456789012345678"},{"var":"count"}]},'
        '{"==":[{"duration":"PT86400S"},{"duration":"PT86400S"}]}]}'
    )
    assert parse(source) == parse({"and": source["and"]})


def test_expressions_that_differ_in_constants_share_a_shape() -> None:
    surroundings = environment(NOW, ZONE, {"$user": {"id": "u1", "roles": ("a",)}})

    def shaped(value: Any) -> tuple[tuple[str, ...], tuple[object, ...]]:
        return shape(_checked(value), surroundings)

    one, other = shaped({"==": [{"var": "name"}, "a"]}), shaped({"==": [{"var": "name"}, "b"]})
    assert one[0] == other[0]
    assert (one[1], other[1]) == (("a",), ("b",))
    assert shaped({"==": [{"var": "name"}, None]})[0] != one[0]
    assert shaped({"==": [{"var": "name"}, {"var": "$user.id"}]})[1] == ("u1",)
    assert shaped({"in": [{"var": "name"}, ["a", "b"]]})[0] == shaped({"in": [{"var": "name"}, ["c"]]})[0]


def test_a_trace_shows_the_values_behind_a_result() -> None:
    expression = _checked({"and": [{"==": [{"var": "stage"}, "won"]}, {">": [{"var": "count"}, 2]}]})
    found = trace(expression, {"stage": "open", "count": 3}, environment(NOW, ZONE))
    assert (found.operator, found.result, found.values) == ("and", False, (False, True))
    assert [step.values for step in found.below] == [("open", "won"), ("3", "2")]
    assert found.below[0].below[0].path == "stage"
    assert found.below[1].pointer == "/and/1"


def test_macros_expand_to_core_operators_and_keep_their_caller_s_place() -> None:
    between = Macro(
        "between",
        ("x", "low", "high"),
        {"and": [{">=": [{"param": "x"}, {"param": "low"}]}, {"<=": [{"param": "x"}, {"param": "high"}]}]},
    )
    expression = _checked({"between": [{"var": "count"}, 1, 3]}, {"between": between})
    assert [evaluate(expression, {"count": count}, now=NOW, zone=ZONE) for count in (0, 1, 3, 4)] == [
        False,
        True,
        True,
        False,
    ]
    assert _codes({"!": [{"between": [{"var": "count"}, "a", 3]}]}, {"between": between}) == [
        ("operand_type", "/!/0")
    ]
    assert _codes({"between": [1]}, {"between": between}) == [("operand_count", "")]
    endless = Macro("endless", (), {"!": {"endless": []}})
    assert _codes({"endless": []}, {"endless": endless})[0][0] == "too_deep"
    any_line = Macro(
        "any_line", ("limit",), {"some": [{"var": "lines"}, {">": [{"var": "price"}, {"param": "limit"}]}]}
    )
    assert _codes({"any_line": [{"var": "count"}]}, {"any_line": any_line}) == [
        ("parameter_in_condition", "")
    ]
    double = Macro("double", ("x",), {"+": [{"param": "x"}, {"param": "x"}]})
    bomb: Any = {"var": "count"}
    for _ in range(12):
        bomb = {"double": [bomb]}
    assert {code for code, _ in _codes(bomb, {"double": double})} <= {"too_long", "too_deep"}


def test_a_small_condition_takes_microseconds() -> None:
    run = prepare(_checked({"==": [{"var": "stage"}, "won"]}))
    surroundings, record = environment(NOW, ZONE), {"stage": "won"}
    best = min(timeit.repeat(lambda: run(record, surroundings), number=2000, repeat=5)) / 2000
    assert best < 5e-6
