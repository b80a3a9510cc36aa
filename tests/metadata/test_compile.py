"""Compilation: typed fields, scopes over links, indexes of the catalogue, dependency order, speed."""

from __future__ import annotations

import time
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dacheng.metadata.builtin import part
from dacheng.metadata.compile import compile_catalogue, dependency_order
from dacheng.metadata.definition import Catalogue, Package
from dacheng.metadata.expression import evaluate
from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.kinds import Kinds, Primitive
from dacheng.metadata.package import with_hash
from dacheng.metadata.problem import Refused

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


def test_fields_come_in_their_order_with_system_fields_last(catalogue: Catalogue) -> None:
    fields = list(catalogue.entities["shop.order"].fields)
    assert fields[:3] == ["number", "buyer", "state"]
    assert fields[-8:-2] == ["id", "version", "created_at", "updated_at", "created_by", "updated_by"]
    assert fields[-2:] == ["owner", "department"]
    line = catalogue.entities["shop.order_line"]
    assert list(line.fields)[-2:] == ["order", "position"]
    assert (line.parent, line.parent_field, line.owned) == ("shop.order", "order", False)
    assert line.fields["order"].on_delete == "cascade"


def test_physical_columns_are_what_the_kinds_say(catalogue: Catalogue) -> None:
    fields = catalogue.entities["shop.buyer"].fields
    assert [(c.primitive, c.suffix, c.scale) for c in fields["credit"].codec.columns] == [
        (Primitive.INTEGER, "", 2),
        (Primitive.TEXT, "_currency", 0),
    ]
    assert fields["discount"].codec.columns[0].scale == 4
    assert fields["adviser"].codec.columns[0].references == "core.user"
    assert fields["referrer"].codec.columns[0].references == "shop.buyer"
    assert catalogue.entities["shop.order"].fields["lines"].codec.columns == ()


def test_rollups_take_the_form_of_their_source(catalogue: Catalogue) -> None:
    order = catalogue.entities["shop.order"]
    assert [(r.field, r.child, r.via, r.aggregate, r.of) for r in order.rollups] == [
        ("line_count", "shop.order_line", "order", "count", None),
        ("total", "shop.order_line", "order", "sum", "amount"),
        ("largest", "shop.order_line", "order", "max", "quantity"),
        ("smallest", "shop.order_line", "order", "min", "quantity"),
    ]
    assert order.fields["total"].codec.load((16475, "CNY")) == Money(Decimal("164.75"), "CNY")
    assert order.fields["largest"].codec.json_stored((1500,)) == "1.500"
    assert order.fields["line_count"].codec.load((2,)) == 2
    assert all(order.fields[r.field].derived for r in order.rollups)


def test_lines_parse_their_rows_with_pointers(catalogue: Catalogue) -> None:
    lines = catalogue.entities["shop.order"].fields["lines"].codec
    rows = lines.parse([{"quantity": "2", "amount": "3.50", "remark": ""}])
    assert rows == ({"quantity": Decimal("2.000"), "amount": Money(Decimal("3.50"), "CNY"), "remark": None},)
    assert lines.parse(lines.json(rows)) == rows
    with pytest.raises(Refused) as refused:
        lines.parse([{"quantity": "x", "ghost": 1}, 7, {"amount": "1.005"}])
    found = [(one.pointer, one.code) for one in refused.value.problems]
    assert found == [
        ("/0/quantity", "value.not_a_number"),
        ("/0/ghost", "value.unknown_field"),
        ("/1", "value.not_lines"),
        ("/2/amount", "value.too_precise"),
    ]


def test_the_catalogue_knows_defaults_children_links_and_rules(catalogue: Catalogue) -> None:
    assert catalogue.forms["shop.order"].id == "order"
    assert catalogue.lists["shop.order"].id == "orders"
    assert catalogue.workflows["shop.order"].initial == "draft"
    assert [rule.id for rule in catalogue.rules["shop.order"]] == ["bonus", "keep_paid"]
    assert catalogue.children["shop.order"] == ("shop.order_line",)
    assert ("shop.buyer", "adviser") in catalogue.links["core.user"]
    assert ("shop.order", "buyer") in catalogue.links["shop.buyer"]
    assert catalogue.measures["shop.paid_total"].dimensions["adviser"] == ("buyer", "adviser")
    assert catalogue.measures["shop.paid_total"].grains == {"month": "month"}
    assert catalogue.workflows["shop.order"].transitions[1].roles == ("shop.keeper",)
    assert catalogue.roles["core.admin"].admin
    assert not catalogue.roles["shop.keeper"].admin
    assert catalogue.apps["shop"].automation["shop.buyer"].create is True


def evaluated(expression: Any, record: dict[str, Any], **context: Any) -> Any:
    given = {f"${name}": value for name, value in context.items()}
    return evaluate(expression, record, now=NOW, zone=ZONE, context=given)


def test_expressions_of_an_app_are_checked_and_can_be_evaluated(catalogue: Catalogue) -> None:
    grant = catalogue.roles["sales_management.sales_manager"].grants["sales_management.opportunity"]
    user = {"id": "u", "department": "d", "departments": ["d", "e"], "roles": []}
    assert evaluated(grant.read, {"owner": "x", "department": "e"}, user=user) is True
    assert evaluated(grant.read, {"owner": "x", "department": "z"}, user=user) is False
    assert evaluated(grant.read, {"owner": "u", "department": None}, user=user) is True
    rule = catalogue.rules["shop.order"][1]
    assert evaluated(rule.condition, {"buyer": "b"}, before={"state": "paid", "buyer": "a"}) is True
    default = catalogue.entities["shop.order"].fields["ordered_on"].default
    assert evaluated(default, {}) == date(2026, 1, 31)


def test_money_compares_by_its_amount(catalogue: Catalogue) -> None:
    guard = catalogue.workflows["shop.order"].transitions[0].guard
    codec = catalogue.entities["shop.order"].fields["total"].codec
    assert evaluated(guard, {"total": codec.operand(Money(Decimal("0.01"), "CNY"))}) is True
    assert evaluated(guard, {"total": codec.operand(Money(Decimal("0.00"), "CNY"))}) is False
    assert evaluated(guard, {"total": None}) is False


def test_rule_actions_carry_fixed_params_and_expressions(catalogue: Catalogue, kinds: Kinds) -> None:
    actions = {action.id: action for rule in catalogue.rules["shop.order"] for action in rule.actions}
    assert dict(actions["set"].params) == {"field": "bonus"}
    assert evaluated(actions["set"].expressions["value"], {"total": Decimal(1234)}) == Decimal("12.34")
    assert dict(actions["note"].params) == {"entity": "shop.buyer"}
    assert set(actions["note"].expressions) == {"values.name", "values.visits"}
    tell = kinds.actions["notify"].plan(actions["tell"].params, {"users": "u", "params.number": "N-1"})
    assert [dict(effect.params) for effect in tell] == [
        {"users": ["u"], "slot": "message:large_order", "params": {"number": "N-1"}}
    ]


def test_apps_are_compiled_after_those_they_require(core: Package, shop: Package, sales: Package) -> None:
    assert [one.id for one in dependency_order([shop, sales, core])] == ["core", "sales_management", "shop"]
    circle = [_requiring(shop, "a", "b"), _requiring(shop, "b", "a"), core]
    with pytest.raises(Refused) as refused:
        dependency_order(circle)
    assert refused.value.problems[0].code == "definition.requires_cycle"
    with pytest.raises(Refused) as refused:
        dependency_order([core, core])
    assert refused.value.problems[0].code == "definition.app_twice"


def _requiring(package: Package, app: str, other: str) -> Package:
    return replace(package, manifest={**package.manifest, "id": app, "requires": {other: "1.0.0"}}, hash="")


def test_an_app_without_core_is_refused(shop: Package, kinds: Kinds) -> None:
    with pytest.raises(Refused) as refused:
        compile_catalogue([shop], kinds)
    assert "definition.missing_app" in {one.code for one in refused.value.problems}


def test_equal_content_gives_an_equal_hash_and_any_change_another(
    core: Package, shop: Package, kinds: Kinds
) -> None:
    one, two = compile_catalogue([core, shop], kinds), compile_catalogue([shop, core], kinds)
    assert one.hash == two.hash
    changed = replace(shop, manifest={**shop.manifest, "icon": "cart"}, hash="")
    assert compile_catalogue([core, changed], kinds).hash != one.hash


def test_the_slice_compiles_quickly(core: Package, sales: Package, kinds: Kinds) -> None:
    core, sales = replace(core, hash=""), replace(sales, hash="")  # nothing kept by content
    compile_catalogue([core, sales], kinds)
    started = time.process_time()
    compiled = compile_catalogue([core, sales], kinds)
    fields = sum(len(entity.fields) for entity in compiled.entities.values())
    assert time.process_time() - started < 0.001 * fields


def test_the_same_content_is_compiled_once_for_the_same_kinds_alone(core: Package, shop: Package) -> None:
    kinds = Kinds.of([part()])
    one = compile_catalogue([core, shop], kinds).apps["shop"]
    assert compile_catalogue([core, shop], Kinds.of([part()])).apps["shop"] is one
    changed = with_hash(replace(shop, manifest={**shop.manifest, "icon": "cart"}))
    assert compile_catalogue([core, changed], kinds).apps["shop"].icon == "cart"
    (text,) = (each for each in kinds.fields.values() if each.id == "text")
    other = replace(kinds, fields=MappingProxyType({**kinds.fields, "text": copy(text)}))
    assert other.hash == kinds.hash
    assert compile_catalogue([core, shop], other).apps["shop"] is not one
