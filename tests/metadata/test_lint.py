"""Lint: each mistake is found where it is, all of them at once; sound packages have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.lint import is_warning, lint
from dacheng.metadata.problem import Problem

Edit = Callable[[dict[str, Any]], object]
Edited = Callable[[str, Edit], Package]


@pytest.fixture
def linted(edited: Edited, core: Package, kinds: Kinds) -> Callable[[str, Edit], tuple[Problem, ...]]:
    return lambda file, edit: lint(edited(file, edit), kinds, {"core": core})


@pytest.mark.parametrize("name", ["core", "sales", "stores", "shop"])
def test_a_sound_package_has_no_problem(name: str, request: pytest.FixtureRequest, kinds: Kinds) -> None:
    packages = [request.getfixturevalue(one) for one in ("core", "sales", "stores", "shop")]
    others = {one.id: one for one in packages}
    assert lint(request.getfixturevalue(name), kinds, others) == ()


def put(*path: str | int, value: Any) -> Edit:
    def edit(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return edit


def drop(*path: str) -> Edit:
    def edit(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return edit


TEXT = {"x-kind": "text"}
ORDER, LINE, BUYER = "entities/order.json", "entities/order_line.json", "entities/buyer.json"
MISTAKES: list[tuple[str, Edit, str, str]] = [
    (
        ORDER,
        put("properties", "total", "x-agregate", value="sum"),
        "definition.unknown_key_near",
        "/properties/total/x-agregate",
    ),
    (
        ORDER,
        put("properties", "lines", "x-rows", value=[{"quantity": "many"}]),
        "definition.bad_value",
        "/properties/lines/x-rows/0/quantity",
    ),
    (ORDER, put("nonsense", value=1), "definition.unknown_key", "/nonsense"),
    (ORDER, put("allOf", value=[]), "definition.refused_key", "/allOf"),
    (
        BUYER,
        put("properties", "name", "format", value="email"),
        "definition.refused_key",
        "/properties/name/format",
    ),
    (BUYER, put("properties", "name", "$ref", value="#"), "definition.refused_key", "/properties/name/$ref"),
    (
        BUYER,
        put("properties", "name", "multipleOf", value=2),
        "definition.refused_key",
        "/properties/name/multipleOf",
    ),
    (
        BUYER,
        put("properties", "name", "maxLength", value="9"),
        "definition.wrong_type",
        "/properties/name/maxLength",
    ),
    (
        BUYER,
        put("properties", "name", "x-kind", value="txt"),
        "definition.unknown_name",
        "/properties/name/x-kind",
    ),
    (BUYER, put("properties", "Bad-Id", value=TEXT), "definition.bad_id", "/properties/Bad-Id"),
    (BUYER, drop("properties", "level", "x-options"), "definition.missing_key", "/properties/level"),
    (
        BUYER,
        put("properties", "level", "x-options", value={}),
        "definition.out_of_range",
        "/properties/level/x-options",
    ),
    (BUYER, put("properties", "code", "pattern", value="(a"), "definition.bad_pattern", "/properties/code"),
    (BUYER, put("properties", "version", value=TEXT), "definition.reserved_name", "/properties/version"),
    (BUYER, put("properties", "owner", value=TEXT), "definition.reserved_name", "/properties/owner"),
    (
        BUYER,
        put("properties", "credit_currency", value=TEXT),
        "definition.reserved_name",
        "/properties/credit_currency",
    ),
    (LINE, put("properties", "position", value=TEXT), "definition.reserved_name", "/properties/position"),
    (BUYER, put("properties", "x_own", value=TEXT), "definition.foreign_prefix", "/properties/x_own"),
    (BUYER, put("properties", "a" * 41, value=TEXT), "definition.name_too_long", "/properties/" + "a" * 41),
    (BUYER, put("x-title", value="nothing"), "definition.no_field", "/x-title"),
    (
        BUYER,
        put("properties", "referrer", "x-to", value="nobody"),
        "definition.no_entity",
        "/properties/referrer/x-to",
    ),
    (
        BUYER,
        put("properties", "referrer", "x-to", value="other.thing"),
        "definition.not_required",
        "/properties/referrer/x-to",
    ),
    (
        BUYER,
        put("properties", "level", "x-default", value="tin"),
        "definition.no_option",
        "/properties/level/x-default",
    ),
    (
        BUYER,
        put("properties", "visits", "x-default", value="many"),
        "definition.expression_type",
        "/properties/visits/x-default",
    ),
    (LINE, put("x-parent", value="buyer"), "definition.not_the_parent", "/x-parent"),
    (
        ORDER,
        put("properties", "lines", "x-entity", value="item"),
        "definition.not_the_parent",
        "/properties/lines/x-entity",
    ),
    (
        ORDER,
        put("properties", "total", "x-of", value="buyer"),
        "definition.no_field",
        "/properties/total/x-of",
    ),
    (
        ORDER,
        put("properties", "total", "x-field", value="remark"),
        "definition.not_a_number",
        "/properties/total/x-field",
    ),
    (
        ORDER,
        put("properties", "total", "x-field", value="total"),
        "definition.no_field",
        "/properties/total/x-field",
    ),
    (
        "forms/order.json",
        put("sections", "detail", "fields", "ghost", value={}),
        "definition.no_field",
        "/sections/detail/fields/ghost",
    ),
    (
        "forms/order.json",
        put("sections", "detail", "fields", "buyer", value={}),
        "definition.field_twice",
        "/sections/detail/fields/buyer",
    ),
    (
        "forms/order.json",
        put("sections", "detail", "fields", "total", value={"visible": {"var": "ghost"}}),
        "expression.unknown_variable",
        "/sections/detail/fields/total/visible",
    ),
    (
        "lists/orders.json",
        put("columns", "x", value={"path": "buyer.ghost"}),
        "definition.no_field",
        "/columns/x",
    ),
    (
        "lists/orders.json",
        put("columns", "x", value={"path": "number.name"}),
        "definition.no_field",
        "/columns/x",
    ),
    ("lists/orders.json", put("sort", 0, "field", value="lines"), "definition.no_field", "/sort/0/field"),
    ("lists/unpaid.json", put("filter", value={"var": "number"}), "definition.expression_type", "/filter"),
    ("lists/orders.json", put("group", value=["nowhere"]), "definition.no_field", "/group/0"),
    ("lists/orders.json", put("kind", value="board"), "definition.missing_key", ""),
    (
        "lists/orders.json",
        lambda item: item.update(kind="board", on="total"),
        "definition.not_a_choice",
        "/on",
    ),
    (
        "lists/orders.json",
        lambda item: item.update(kind="calendar", on="state"),
        "definition.not_a_time",
        "/on",
    ),
    ("lists/unpaid.json", put("default", value=True), "definition.second_default", "/default"),
    ("measures/paid_total.json", put("field", value="number"), "definition.not_a_number", "/field"),
    ("measures/paid_total.json", drop("field"), "definition.missing_key", ""),
    ("measures/paid_total.json", put("time_field", value="number"), "definition.not_a_time", "/time_field"),
    (
        "measures/paid_total.json",
        put("dimensions", "level", "path", value="buyer.x"),
        "definition.no_field",
        "/dimensions/level/path",
    ),
    (
        "dashboards/sales.json",
        put("widgets", "total", "measures", value=["ghost"]),
        "definition.no_measure",
        "/widgets/total/measures/0",
    ),
    (
        "dashboards/sales.json",
        put("widgets", "by_level", "dimension", value="ghost"),
        "definition.no_dimension",
        "/widgets/by_level/dimension",
    ),
    (
        "dashboards/sales.json",
        put("widgets", "total", "kind", value="gauge"),
        "definition.unknown_name",
        "/widgets/total/kind",
    ),
    (
        "dashboards/sales.json",
        put("widgets", "total", "props", value={"size": 1}),
        "definition.unknown_key",
        "/widgets/total/props/size",
    ),
    ("workflows/order_state.json", put("field", value="number"), "definition.not_a_choice", "/field"),
    ("workflows/order_state.json", put("initial", value="ghost"), "definition.unknown_state", "/initial"),
    (
        "workflows/order_state.json",
        drop("transitions", "pay"),
        "definition.unreachable_state",
        "/states/paid",
    ),
    ("workflows/order_state.json", drop("states", "paid"), "definition.no_state", "/states"),
    (
        "workflows/order_state.json",
        put("transitions", "cancel", "roles", value=["boss"]),
        "definition.no_role",
        "/transitions/cancel/roles/0",
    ),
    (
        "workflows/order_state.json",
        put("transitions", "pay", "required", value=["ghost"]),
        "definition.no_field",
        "/transitions/pay/required/0",
    ),
    ("rules/bonus.json", put("on", "entered", value=["ghost"]), "definition.unknown_state", "/on/entered/0"),
    ("rules/bonus.json", put("on", value={"created": False}), "definition.never_fires", "/on"),
    (
        "rules/bonus.json",
        put("then", "set", "field", value="total"),
        "definition.not_writable",
        "/then/set/field",
    ),
    (
        "rules/bonus.json",
        put("then", "set", "value", value="text"),
        "definition.expression_type",
        "/then/set/value",
    ),
    (
        "rules/bonus.json",
        put("then", "set", "action", value="explode"),
        "definition.unknown_name",
        "/then/set/action",
    ),
    (
        "rules/keep_paid.json",
        put("then", "note", "values", "ghost", value=1),
        "definition.no_field",
        "/then/note/values/ghost",
    ),
    ("roles/clerk.json", put("admin", value=True), "definition.admin_role", "/admin"),
    ("roles/clerk.json", put("entities", "ghost", value={}), "definition.no_entity", "/entities/ghost"),
    (
        "roles/clerk.json",
        put("entities", "buyer", "fields", "ghost", value={}),
        "definition.no_field",
        "/entities/buyer/fields/ghost",
    ),
    (
        "roles/clerk.json",
        put("entities", "buyer", "read", value={"var": "$user.salary"}),
        "expression.unknown_variable",
        "/entities/buyer/read",
    ),
    ("roles/guest.json", put("entities", value={}), "lint.unused", "/entities"),
    ("app.json", put("requires", "core", value="2.0.0"), "definition.wrong_version", "/requires/core"),
    ("app.json", put("requires", "ghost", value="1.0.0"), "definition.missing_app", "/requires/ghost"),
    ("app.json", put("requires", "shop", value="1.0.0"), "definition.requires_itself", "/requires/shop"),
    (
        "app.json",
        put("navigation", "orders", value={"entity": "ghost"}),
        "definition.no_entity",
        "/navigation/orders/entity",
    ),
    (
        "app.json",
        put("navigation", "sales", value={"dashboard": "ghost"}),
        "definition.no_target",
        "/navigation/sales/dashboard",
    ),
    ("app.json", drop("navigation", "sales"), "lint.unreachable", ""),
    ("app.json", put("version", value="1"), "definition.bad_id", "/version"),
    ("data/buyers.json", put("entity", value="core.user"), "definition.no_people", "/entity"),
    ("data/buyers.json", put("records", 0, "level", value="tin"), "definition.bad_value", "/records/0/level"),
    (
        "data/buyers.json",
        put("records", 1, "referrer", value={"key": "B-9"}),
        "definition.no_record",
        "/records/1/referrer",
    ),
    (
        "data/buyers.json",
        put("records", 1, "code", value="B-1"),
        "definition.key_not_unique",
        "/records/1/code",
    ),
    (
        "data/orders.json",
        put("records", 0, "lines", 0, "amount", value="x"),
        "definition.bad_value",
        "/records/0/lines/0/amount",
    ),
    ("data/orders.json", put("records", 0, "total", value="1"), "definition.no_field", "/records/0/total"),
    ("labels/en.json", drop("labels", "list:orders"), "label.missing", "/labels/list:orders"),
    ("labels/en.json", put("labels", "list:nothing", value="x"), "label.no_slot", "/labels/list:nothing"),
    (
        "labels/en.json",
        put("labels", "list:orders", value="All {term:ghost}"),
        "label.no_term",
        "/labels/list:orders",
    ),
    (
        "labels/en.json",
        put("labels", "list:orders", value="All {term:order|loud}"),
        "label.bad_reference",
        "/labels/list:orders",
    ),
    (
        "labels/en.json",
        put("labels", "list:orders", value="All the orders"),
        "label.spells_term",
        "/labels/list:orders",
    ),
    (
        "labels/zh-CN.json",
        put("labels", "list:orders", value="所有订单列表"),
        "label.spells_term",
        "/labels/list:orders",
    ),
    (
        "labels/zh-CN.json",
        put("labels", "message:large_order", value="{term:order} {code}"),
        "label.placeholders",
        "/labels/message:large_order",
    ),
]


@pytest.mark.parametrize(
    ("file", "edit", "code", "pointer"), MISTAKES, ids=[f"{m[2]}-{i}" for i, m in enumerate(MISTAKES)]
)
def test_a_mistake_is_named_where_it_is(
    linted: Callable[[str, Edit], tuple[Problem, ...]], file: str, edit: Edit, code: str, pointer: str
) -> None:
    found = linted(file, edit)
    assert (code, pointer) in [(one.code, one.pointer) for one in found]
    for one in found:
        assert one.message_in("en")
        assert one.message_in("zh-CN")
        assert one.file


def test_all_mistakes_of_a_kind_are_told_at_once(linted: Callable[[str, Edit], tuple[Problem, ...]]) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["columns"] = {"one": {"path": "ghost"}, "two": {"path": "buyer.ghost"}}
        content["filters"] = ["phantom"]

    found = linted("lists/orders.json", edit)
    assert [one.pointer for one in found] == ["/columns/one", "/columns/two", "/filters/0"]


def test_a_near_miss_names_the_key_meant(linted: Callable[[str, Edit], tuple[Problem, ...]]) -> None:
    (found,) = linted(BUYER, put("properties", "name", "x-requird", value=True))
    assert "x-required" in found.hint


def test_words_inside_longer_words_do_not_count(linted: Callable[[str, Edit], tuple[Problem, ...]]) -> None:
    assert linted("labels/en.json", put("labels", "list:orders", value="Reordered and bordered")) == ()


def test_inert_items_are_warnings(linted: Callable[[str, Edit], tuple[Problem, ...]]) -> None:
    assert all(is_warning(one) for one in linted("roles/guest.json", put("entities", value={})))
    assert not any(is_warning(one) for one in linted("app.json", put("requires", "ghost", value="1.0.0")))


def test_a_package_that_breaks_its_schema_is_told_only_of_that(
    linted: Callable[[str, Edit], tuple[Problem, ...]],
) -> None:
    (found,) = linted("lists/orders.json", put("columns", "x", value={"path": 7}))
    assert found.code == "definition.wrong_type"
