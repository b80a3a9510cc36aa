"""Rules: fired once, as automation, traced with values, near misses kept, loops and refusals stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import history, read_records, rule_traces
from dacheng.runtime.services.gate import Query
from dacheng.runtime.storage import outbox
from tests.runtime.services.test_write_record import codes, get, order
from tests.runtime.services.workspace import KINDS, Workspace, model_of, open_workspace, packages

BUYER, ORDER = "shop.buyer", "shop.order"


def paid(shop: Workspace, **values: Any) -> str:
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    record = order(shop, buyer=buyer, **values)
    shop.save("clara", "update", ORDER, record, transition="pay")
    return record


def why(shop: Workspace, who: str, record: str) -> list[rule_traces.Why]:
    found = shop.read(lambda reader: rule_traces.why(reader, shop.work(who), ORDER, record))
    return [each for each in found if each.rule != "shop.keep_paid"]


def test_a_rule_sets_a_field_as_automation_in_the_same_save(shop: Workspace) -> None:
    record = paid(shop)
    found = get(shop, "kim", ORDER, record).values
    assert (found["state"], found["bonus"]) == ("paid", Decimal("12.00"))
    entries = shop.read(lambda r: history.read(r, shop.work("kim"), ORDER, record)).entries
    latest = next(entry for entry in entries if entry.line == "")
    assert [(c.field.id, c.before, c.after) for c in latest.changes] == [("bonus", None, "12.00")]
    assert (latest.actor, latest.cause_kind, latest.cause) == ("automation:shop", "rule", "shop.bonus")
    assert latest.person == shop.people["clara"]


def test_a_notification_waits_in_the_outbox_under_one_key(shop: Workspace) -> None:
    record = paid(shop)
    jobs = shop.db.write_now(lambda tx: outbox.take(tx, "test", 10**14))
    (job,) = [each for each in jobs if each.kind == "notify"]
    assert job.payload["users"] == [shop.people["clara"]]
    assert job.payload["record"] == record
    assert job.key.startswith(f"shop.bonus:{record}:")


def test_the_trace_tells_the_condition_with_the_values_met(shop: Workspace) -> None:
    (trace,) = why(shop, "kim", paid(shop))
    assert (trace.rule, trace.outcome, trace.trigger) == ("shop.bonus", "applied", "updated")
    assert (trace.condition["op"], trace.condition["value"]) == (">=", True)
    assert trace.condition["args"][0] == {"op": "var", "path": "total.amount", "value": "1200.5"}
    assert [(e["kind"], e["result"]) for e in trace.effects] == [
        ("set_field", "applied"),
        ("notify", "applied"),
    ]
    assert trace.by == shop.people["clara"]


def test_a_trace_hides_what_its_reader_may_not_see(shop: Workspace) -> None:
    (trace,) = why(shop, "clara", paid(shop))
    assert trace.effects[0] == {"kind": "set_field", "params": {}, "result": "applied"}


def test_a_near_miss_is_kept(shop: Workspace) -> None:
    record = paid(shop, lines=[{"quantity": "1", "amount": "999"}])
    (trace,) = why(shop, "kim", record)
    assert (trace.outcome, trace.condition["value"], trace.effects) == ("near", False, ())
    assert get(shop, "kim", ORDER, record).values["bonus"] is None


def test_rules_can_be_left_out_of_a_save(shop: Workspace) -> None:
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    record = order(shop, buyer=buyer)
    shop.save("clara", "update", ORDER, record, transition="pay", rules=False)
    assert why(shop, "kim", record) == []


def test_a_rule_creates_a_record_as_automation(shop: Workspace) -> None:
    record = paid(shop)
    other = shop.create("clara", BUYER, {"name": "Other"})
    shop.update("clara", ORDER, record, {"buyer": other})
    query = Query(BUYER, ("name", "created_by"), filter={"starts_with": [{"var": "name"}, "改单"]})
    (row,) = shop.read(lambda r: read_records.list_page(r, shop.work("kim"), query)).rows
    assert row[0].startswith("改单")


# ---------------------------------------------------------------- rules of the tests' own
def with_rules(
    *rules: Mapping[str, Any], permissions: Mapping[str, list[str]] | None = None
) -> tuple[Package, ...]:
    core, base = packages()
    items = {key: item for key, item in base.items.items() if key[0] != "rule"}
    items |= {("rule", rule["id"]): rule for rule in rules}
    manifest = {**base.manifest, "permissions": permissions or {"order": ["read", "update"]}}
    return core, replace(base, items=items, manifest=manifest, hash="")


def rule(name: str, then: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    action = {"order": 1, "action": "set_field", **then}
    return {"id": name, "entity": "order", "on": {"updated": True}, "then": {"do": action}, **more}


def opened(url: str, *rules: Mapping[str, Any], **more: Any) -> Workspace:
    assert KINDS.actions
    return open_workspace(url, model_of(with_rules(*rules, **more)))


def test_rules_that_set_each_other_off_end(sqlite_url: str) -> None:
    more = {
        "value": {"+": [{"if": [{"is_set": [{"var": "bonus"}]}, {"var": "bonus"}, 0]}, 1]},
        "field": "bonus",
    }
    shop = opened(sqlite_url, rule("up", more), rule("up_again", more))
    record = order(shop)
    shop.update("clara", ORDER, record, {"number": "A-2"})
    assert get(shop, "kim", ORDER, record).values["bonus"] == 2
    assert sorted(each.rule for each in why(shop, "kim", record)) == ["shop.up", "shop.up_again"]
    shop.db.close()


def test_a_chain_that_grows_too_deep_refuses_the_save(sqlite_url: str) -> None:
    names = [f"r{n}" for n in range(12)]
    rules = [
        rule(name, {"field": "bonus", "value": index + 1}, order=100 - index, on={"changed": ["bonus"]} if index else {"updated": True},
             when={"==": [{"var": "bonus"}, index]} if index else {"!": [{"is_set": [{"var": "bonus"}]}]})
        for index, name in enumerate(names)
    ]  # fmt: skip
    shop = opened(sqlite_url, *rules)
    record = order(shop)
    with pytest.raises(Refused) as refused:
        shop.update("clara", ORDER, record, {"number": "A-2"})
    assert codes(refused) == {"": "rule.too_deep"}
    assert get(shop, "clara", ORDER, record).values["number"] == "A-1"
    shop.db.close()


def test_a_refused_effect_aborts_the_save_and_names_the_rule(sqlite_url: str) -> None:
    shop = opened(
        sqlite_url, rule("grab", {"field": "reason", "value": "x"}), permissions={"order": ["read"]}
    )
    record = order(shop)
    with pytest.raises(Refused) as refused:
        shop.update("clara", ORDER, record, {"number": "A-2"})
    assert codes(refused) == {"": "rule.effect_refused"}
    assert "grab" in refused.value.problems[0].message.lower()
    assert get(shop, "clara", ORDER, record).values["number"] == "A-1"
    assert why(shop, "kim", record) == []
    shop.db.close()


def test_a_refused_effect_may_be_passed_over(sqlite_url: str) -> None:
    going_on = rule("grab", {"field": "reason", "value": "x"}, on_refused="continue")
    shop = opened(sqlite_url, going_on, permissions={"order": ["read"]})
    record = order(shop)
    shop.update("clara", ORDER, record, {"number": "A-2"})
    (trace,) = why(shop, "kim", record)
    assert (trace.outcome, trace.effects[0]["code"]) == ("refused", "access.not_permitted")
    assert get(shop, "clara", ORDER, record).values["number"] == "A-2"
    shop.db.close()
