"""Row rules over what an actor lacks, form conditions over what an actor does not see, figures over nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.services import read_records, write_record
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from tests.runtime.services.test_write_record import codes, get, order
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

ORDER = "shop.order"
OWN: Any = {"==": [{"var": "owner"}, {"var": "$user.id"}]}
SAME: Any = {"==": [{"var": "department"}, {"var": "$user.department"}]}
OTHER: Any = {"!=": [{"var": "department"}, {"var": "$user.department"}]}


def changed(
    kind: str, item: str, change: Callable[[dict[str, Any]], Mapping[str, Any]]
) -> tuple[Package, ...]:
    """The shop with one item changed."""
    core, base = packages()
    items = {**base.items, (kind, item): change(dict(base.items[kind, item]))}
    return core, replace(base, items=items, hash="")


def reading(rule: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The clerk's role with another rule for reading orders."""

    def change(role: dict[str, Any]) -> dict[str, Any]:
        entities = role["entities"]
        return {**role, "entities": {**entities, "order": {**entities["order"], "read": rule}}}

    return change


def in_department(shop: Workspace, who: str, department: str | None) -> Work:
    """The frame of a call by a person who is in a department, or in none."""
    work = shop.work(who)
    actor = work.context.actor
    assert isinstance(actor, User)
    moved = replace(actor, department=department, departments=(department,) if department else ())
    return replace(work, context=replace(work.context, actor=moved))


def seen(shop: Workspace, who: str, department: str | None) -> tuple[set[str], set[str]]:
    """Order numbers that a person in (or without) a department reads, by list and one by one."""
    work = in_department(shop, who, department)
    listed = shop.read(lambda r: read_records.list_page(r, work, Query(ORDER, ("number",)))).json()
    found = set()
    for record in shop.read(lambda r: read_records.list_page(r, shop.work("kim"), Query(ORDER))).ids:
        try:
            one = shop.read(partial(read_records.get, work=work, ref=ORDER, record_id=record))
        except Refused:
            continue
        found.add(one.values["number"])
    return {row["number"] for row in listed}, found


RULES: dict[
    str, tuple[Any, set[str], set[str]]
] = {  # rule, read without a department, read in the department
    "same": (SAME, set(), {"IN"}),
    "not other": ({"!": [OTHER]}, set(), {"IN"}),
    "other": (OTHER, set(), {"OUT"}),
    "own or same": ({"or": [OWN, SAME]}, {"OUT"}, {"IN", "OUT"}),
    "own and same": ({"and": [OWN, {"or": [SAME, SAME]}]}, set(), set()),
    "if": ({"if": [SAME, True, False]}, set(), {"IN"}),
}


@pytest.mark.parametrize("name", RULES)
def test_a_person_without_a_department_reads_nothing_by_it(database_url: str, name: str) -> None:
    rule, without, within = RULES[name]
    shop = open_workspace(database_url, model_of(changed("role", "clerk", reading(rule))))
    department = shop.people["department"]
    try:
        shop.create("", ORDER, {"number": "IN", "owner": shop.people["cody"]})
        shop.update("", "core.user", shop.people["clara"], {"department": None})
        shop.create("", ORDER, {"number": "OUT", "owner": shop.people["clara"]})
        assert seen(shop, "clara", None) == (without, without)
        assert seen(shop, "clara", department) == (within, within)
    finally:
        shop.db.close()


def test_a_rule_over_the_department_binds_writing_too(small_shop: Workspace) -> None:
    def change(role: dict[str, Any]) -> dict[str, Any]:
        return {**role, "entities": {**role["entities"], "order": {**role["entities"]["order"], "read": True,
                                                                   "update": SAME}}}  # fmt: skip

    base = changed("role", "clerk", change)
    small_shop.model = model_of(base)
    record = small_shop.create("", ORDER, {"number": "NOBODY'S"})
    work = in_department(small_shop, "clara", None)
    with pytest.raises(Refused) as refused:
        write_record.write_now(small_shop.db, work, Write("update", ORDER, record, values={"number": "mine"}))
    assert codes(refused) == {"": "access.not_permitted"}


# ---------------------------------------------------------------- forms see what their person sees
def hiding_amounts(condition: Any) -> tuple[Package, ...]:
    """Clerks do not see lines' amounts; the reason is asked for when `condition` holds."""
    core, base = changed("role", "clerk", lambda role: {
        **role, "entities": {**role["entities"], "order_line": {"fields": {"amount": {"read": False}}}},
    })  # fmt: skip
    form: Any = base.items["form", "order"]
    basic = form["sections"]["basic"]
    fields = {**basic["fields"], "reason": {"order": 50, "required": condition}}
    item = {**form, "sections": {**form["sections"], "basic": {**basic, "fields": fields}}}
    items = {**base.items, ("form", "order"): item}
    return core, replace(base, items=items, hash="")


def test_a_form_condition_tells_nothing_of_hidden_line_fields(sqlite_url: str) -> None:
    condition = {"some": [{"var": "lines"}, {">": [{"var": "amount"}, 500]}]}
    shop = open_workspace(sqlite_url, model_of(hiding_amounts(condition)))
    try:
        record = order(shop, "kim", owner=shop.people["clara"], reason="large")
        with pytest.raises(Refused) as refused:
            shop.update("kim", ORDER, record, {"reason": None})
        assert codes(refused) == {"/reason": "record.required"}
        shop.update("clara", ORDER, record, {"reason": None})
        assert get(shop, "clara", ORDER, record).values["reason"] is None
    finally:
        shop.db.close()


# ---------------------------------------------------------------- figures over nothing
def test_a_record_without_lines_has_the_same_figures_in_conditions_as_in_the_storage(sqlite_url: str) -> None:
    rule = {
        "id": "empty", "entity": "order", "on": {"created": True, "updated": True},
        "when": {"and": [{"==": [{"var": "total"}, 0]}, {"==": [{"var": "line_count"}, 0]}]},
        "then": {"do": {"order": 1, "action": "set_field", "field": "bonus", "value": 1}},
    }  # fmt: skip
    core, base = packages()
    items = {key: item for key, item in base.items.items() if key[0] != "rule"} | {("rule", "empty"): rule}
    manifest = {**base.manifest, "permissions": {"order": ["read", "update"]}}
    shop = open_workspace(
        sqlite_url, model_of((core, replace(base, items=items, manifest=manifest, hash="")))
    )
    try:
        record = shop.create("kim", ORDER, {"number": "EMPTY"})
        found = get(shop, "kim", ORDER, record).values
        assert (found["total"].amount, found["line_count"], found["bonus"]) == (0, 0, 1)
        shop.update("kim", ORDER, record, {"bonus": None, "lines": []})
        assert get(shop, "kim", ORDER, record).values["bonus"] == 1
    finally:
        shop.db.close()
