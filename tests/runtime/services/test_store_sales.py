"""Store Sales: totals that must agree do, rows of other stores stay unseen, a closed day is closed; on both databases."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import doctor, import_records, install_app, marketplace
from dacheng.runtime.services.import_source import Source
from tests.runtime.services.chain import APP, Chain, open_chain
from tests.runtime.workspace import workspace

RECEIPTS = 400  # 20,000 in the long campaign
TENDERS = ("cash_paid", "wechat_paid", "alipay_paid", "card_paid")


@pytest.fixture
def chain(tmp_path: Path, database_url: str) -> Iterator[Chain]:
    """On SQLite and on PostgreSQL."""
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as host:
        yield open_chain(host)


@pytest.fixture
def small_chain(tmp_path: Path) -> Iterator[Chain]:
    """On SQLite alone, for what no database decides."""
    with workspace(tmp_path / "data") as host:
        yield open_chain(host)


def amount(value: Any) -> Decimal:
    """A money value's amount, missing as nothing."""
    return Decimal(str(value["amount"])) if value else Decimal(0)


def here() -> dict[str, Any]:
    """What a phone measures now."""
    return {"at": datetime.now(UTC).isoformat(), "lat": 31.22, "lng": 121.44, "accuracy": 20}


def total(rows: list[Any], field: str) -> Decimal:
    return sum((amount(row[field]) for row in rows), Decimal(0))


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {each.code for each in refused.value.problems}


def member(chain: Chain, mobile: str = "13800138000", **more: Any) -> str:
    values = {"name": "Lin", "mobile_verified": True, "consent": True, "home_store": chain.ids["jing"]}
    return chain.make("jing.guide", "member", mobile=mobile, **{**values, **more})


def a_day(chain: Chain) -> str:
    """Sales with several means of payment, a split, stored value, a return and a void; answers the member."""
    lin, day = member(chain), chain.ids["jing.day"]
    coat, scarf = {"product": chain.ids["coat"]}, {"product": chain.ids["scarf"]}
    chain.make(
        "jing.manager",
        "stored_value_entry",
        member=lin,
        cause="topup",
        amount="500",
        received="500",
        paid_by="cash",
        day=day,
    )
    first = chain.sell(
        "jing.guide",
        "R1",
        day=day,
        member=lin,
        lines=[{**coat, "quantity": 1}, {**scarf, "quantity": 2, "discount": "9.80"}],
        discount="0.01",
        wechat_paid="600.00",
        stored_value_paid="408.99",
        cash_paid="0.00",
        second_guide=chain.people["jing.second"].id,
        second_share="0.3333",
    )
    chain.sell("jing.second", "R2", day=day, lines=[{**scarf, "quantity": 1}], cash_paid="59.90")
    chain.sell(
        "jing.guide",
        "R3",
        day=day,
        kind="return",
        original=first,
        return_reason="size",
        member=lin,
        lines=[{**scarf, "quantity": -1, "discount": "-4.90"}],
        stored_value_paid="-55.00",
    )
    wrong = chain.sell(
        "jing.guide", "R4", day=day, member=lin, lines=[{**coat, "quantity": 1}], alipay_paid="899"
    )
    chain.change("jing.manager", "order", wrong, step="cancel", void_reason="Rung up twice")
    return lin


def test_totals_agree_from_lines_to_the_closed_day(chain: Chain) -> None:
    lin, day = a_day(chain), chain.ids["jing.day"]
    fields = ("lines_total", "payable", "paid_total", "credited_total", "status", "receipt_no", "item_count")
    slips = chain.read("jing.manager", "order", *fields)
    paid = [slip for slip in slips if slip["status"] == "paid"]
    assert {slip["receipt_no"] for slip in paid} == {"R1", "R2", "R3"}
    for slip in paid:
        assert slip["payable"] == slip["paid_total"] == slip["credited_total"]
    voided = next(slip for slip in slips if slip["status"] == "void")
    assert amount(voided["credited_total"]) == 0

    credit = chain.read("jing.manager", "guide_sale", "amount", "owner", "part")
    assert total(credit, "amount") == total(paid, "paid_total") == Decimal("1013.89")
    by_part = {part: [row for row in credit if row["part"] == part] for part in ("main", "second")}
    assert total(by_part["second"], "amount") == Decimal("317.97")  # 33.33 % of 1,008.99 and of −55.00
    assert {row["owner"] for row in by_part["second"]} == {chain.people["jing.second"].id}

    shown = ("net_sales", "receipt_count", "return_count", "item_count", "cash_sales", "wechat_sales")
    seen = chain.one("jing.manager", "business_day", day, *shown, "stored_value_sales", "topup_cash")
    assert amount(seen["net_sales"]) == Decimal("1013.89")
    assert (seen["receipt_count"], seen["return_count"], seen["item_count"]) == (2, 1, 3)
    tenders = ("cash_sales", "wechat_sales", "stored_value_sales")
    assert [amount(seen[each]) for each in tenders] == [
        Decimal("59.90"), Decimal("600.00"), Decimal("353.99")
    ]  # fmt: skip

    owed = chain.one("jing.guide", "member", lin, "points", "stored_value", "total_spent")
    points = chain.read("jing.guide", "points_entry", "points", member=lin)
    ledger = chain.read("jing.guide", "stored_value_entry", "amount", member=lin)
    assert owed["points"] == sum(row["points"] for row in points) == 1009 - 55
    assert amount(owed["stored_value"]) == total(ledger, "amount") == Decimal("146.01")
    assert amount(owed["total_spent"]) == Decimal("953.99")

    with pytest.raises(Refused) as short:
        chain.change("jing.manager", "business_day", day, step="close", cash_counted="549.90")
    assert short.value.problems
    chain.change("jing.manager", "business_day", day, step="close", cash_counted="559.90")
    closed = chain.one("jing.manager", "business_day", day, "difference", "status")
    assert (amount(closed["difference"]), closed["status"]) == (Decimal(0), "closed")
    assert doctor.examine(chain.host, lambda step, done, total: None).problems == ()


def test_a_closed_day_keeps_its_slips_as_they_are(small_chain: Chain) -> None:
    chain = small_chain
    slip = chain.sell(
        "jing.guide",
        "R1",
        day=chain.ids["jing.day"],
        lines=[{"product": chain.ids["scarf"]}],
        cash_paid="59.90",
    )
    chain.change("jing.manager", "business_day", chain.ids["jing.day"], step="close", cash_counted="59.90")
    for who in ("jing.guide", "jing.manager", "area"):
        with pytest.raises(Refused) as refused:
            chain.change(who, "order", slip, note="later")
        assert codes(refused) == {"access.not_permitted"}
    with pytest.raises(Refused):
        chain.make("jing.guide", "order", receipt_no="R2", day=chain.ids["jing.day"])
    with pytest.raises(Refused) as refused:
        chain.change("jing.manager", "business_day", chain.ids["jing.day"], step="reopen")
    assert codes(refused) == {"workflow.role_missing"}
    chain.change("area", "business_day", chain.ids["jing.day"], step="reopen")
    chain.change("jing.guide", "order", slip, note="later")


def test_what_is_not_paid_or_not_there_cannot_be_settled(small_chain: Chain) -> None:
    chain = small_chain
    lin, day, coat = member(chain), chain.ids["jing.day"], [{"product": chain.ids["coat"]}]
    for number, values in (
        ("R1", {"cash_paid": "898.99"}),
        ("R2", {"stored_value_paid": "899.00", "member": lin}),  # nothing was ever topped up
    ):
        slip = chain.make("jing.guide", "order", receipt_no=number, day=day, lines=coat, **values)
        with pytest.raises(Refused) as refused:
            chain.change("jing.guide", "order", slip, step="settle")
        assert codes(refused) == {"workflow.guard_refused"}
    sold = chain.sell("jing.guide", "R3", day=day, lines=coat, cash_paid="899.00")
    for number, pieces in (("R4", -1), ("R5", -1)):  # the second time there is nothing left to give back
        back = chain.make(
            "jing.guide",
            "order",
            receipt_no=number,
            day=day,
            kind="return",
            original=sold,
            return_reason="quality",
            lines=[{"product": chain.ids["coat"], "quantity": pieces}],
            cash_paid="-899.00",
        )
        if number == "R4":
            chain.change("jing.guide", "order", back, step="settle")
    with pytest.raises(Refused):
        chain.change("jing.guide", "order", back, step="settle")


def test_a_guide_sees_their_store_alone(chain: Chain) -> None:
    line = [{"product": chain.ids["scarf"]}]
    for store in ("jing", "xu"):
        guide, day = f"{store}.guide", chain.ids[f"{store}.day"]
        someone = member(chain) if store == "jing" else None
        chain.make(guide, "store_visit", day=day, member=someone)
        chain.sell(guide, "R1", day=day, lines=line, cash_paid="59.90", member=someone)
        chain.make("inspector", "inspection", store=chain.ids[store])
    everything = ("store", "order", "store_visit", "member", "business_day", "guide_sale", "points_entry")
    for entity in everything:
        link = {"store": "id", "member": "home_store"}.get(entity, "store")
        places = {row[link] for row in chain.read("jing.guide", entity, link)}
        assert places == {chain.ids["jing"]}, entity
        assert {row[link] for row in chain.read("xu.guide", entity, link)} <= {chain.ids["xu"]}, entity
        assert len(chain.read("area", entity)) == len(chain.read("", entity)), entity
    with pytest.raises(Refused) as refused:
        chain.read("jing.guide", "inspection")
    assert codes(refused) == {"query.unknown_entity"}
    for who, field in (("area", "mobile"), ("jing.guide", "cash_counted"), ("jing.guide", "cost")):
        entity = {"mobile": "member", "cash_counted": "business_day", "cost": "product"}[field]
        with pytest.raises(Refused):
            chain.read(who, entity, field)
    with pytest.raises(Refused):
        chain.make("jing.guide", "order", receipt_no="R9", day=chain.ids["xu.day"], lines=line)


def test_a_member_rises_with_what_they_spend_and_never_falls(small_chain: Chain) -> None:
    chain = small_chain
    lin, day = member(chain), chain.ids["jing.day"]
    for number, pieces, level in (("R1", 3, "regular"), ("R2", 1, "silver"), ("R3", 8, "gold")):
        paid = str(Decimal("899.00") * pieces)
        lines = [{"product": chain.ids["coat"], "quantity": pieces}]
        sold = chain.sell("jing.guide", number, day=day, member=lin, lines=lines, cash_paid=paid)
        assert chain.one("jing.guide", "member", lin, "level")["level"] == level
    chain.change("jing.manager", "order", sold, step="cancel", void_reason="Rung up twice")
    assert chain.one("jing.guide", "member", lin, "level")["level"] == "gold"
    with pytest.raises(Refused):
        chain.change("jing.manager", "member", lin, level="diamond")


def test_one_mobile_is_one_member(small_chain: Chain) -> None:
    chain = small_chain
    member(chain)
    with pytest.raises(Refused) as refused:
        chain.make(
            "xu.guide",
            "member",
            name="Lin",
            mobile="+86 138 0013 8000",
            mobile_verified=True,
            consent=False,
            home_store=chain.ids["xu"],
        )
    assert codes(refused) & {"match.duplicate", "record.not_unique"}


def test_failed_checks_become_an_action_that_closes_with_all_four(small_chain: Chain) -> None:
    chain = small_chain
    visit = chain.make("inspector", "inspection", store=chain.ids["jing"])
    assert chain.one("inspector", "inspection", visit, "open_count")["open_count"] == 20
    chain.change("", "inspection", visit, step="start", check_in=here())
    with pytest.raises(Refused) as refused:
        chain.change("inspector", "inspection", visit, step="submit", conclusion="Good")
    assert codes(refused) == {"workflow.guard_refused"}
    rows = [{"section": "front", "check": "sign_lit", "weight": "6", "result": "pass"}]
    rows += [{"section": "front", "check": "door_clean", "weight": "3", "result": "partial"}]
    rows += [{"section": "till", "check": "cash_match", "weight": "6", "result": "fail"}]
    rows += [{"section": "till", "check": "refund_ok", "weight": "5", "result": "na"}]
    chain.change("inspector", "inspection", visit, lines=rows)
    chain.change("inspector", "inspection", visit, step="submit", conclusion="Till is short")
    seen = chain.one("inspector", "inspection", visit, "score", "failed_count")
    assert (seen["score"], seen["failed_count"]) == ("50.0", 1)  # 6 + 1.5 of 15
    fields = ("id", "owner", "severity", "due_on", "inspection")
    (action,) = chain.read("jing.manager", "rectification", *fields)
    assert (action["inspection"], action["severity"]) == (visit, "serious")
    assert action["owner"] == chain.people["jing.manager"].id
    with pytest.raises(Refused) as refused:
        chain.change("jing.manager", "rectification", action["id"], step="hand_in", measure_taken="Counted")
    assert {each.pointer for each in refused.value.problems} == {"/after_photos", "/fixed_on"}


def pos_file(chain: Chain, count: int) -> bytes:
    """A till's receipts of two stores whose numbers overlap."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(["门店", "小票号", "时间", "件数", *TENDERS])
    for n in range(count):
        paid = ["" for _ in TENDERS]
        paid[n % 4] = f"{(n % 900) + 0.37:.2f}"
        out.writerow(
            [
                ("S001", "S002")[n % 2],
                f"P{n // 2:06}",
                f"2026-10-{n % 28 + 1:02} 12:{n % 60:02}:00",
                n % 5 + 1,
                *paid,
            ]
        )
    return text.getvalue().encode()


POS: dict[str, Any] = {
    "columns": {
        "store": {"column": "门店", "match": "code"},
        "receipt_no": {"column": "小票号"},
        "sold_at": {"column": "时间", "format": "%Y-%m-%d %H:%M:%S"},
        "item_count": {"column": "件数"},
        "status": {"value": "paid"},
        **{each: {"column": each} for each in TENDERS},
    },
    "key": "receipt_no",
    "historic": True,
}


def twice(chain: Chain, count: int, rules: bool) -> None:
    """Take a till's file in, and once more: the second time finds every receipt and changes none."""
    mapping = {**POS, "rules": rules}
    content, ref, work = pos_file(chain, count), f"{APP}.order", chain.work()
    site = chain.host
    first = import_records.start(
        site, work, ref, Source("pos.csv", content), mapping, historic=True, rules=rules
    )
    assert (first.created, first.updated, first.failed) == (count, 0, 0)
    before = counts(chain)
    again = import_records.start(
        site, work, ref, Source("pos.csv", content), mapping, historic=True, rules=rules
    )
    assert (again.created, again.updated, again.failed) == (0, count, 0)
    assert counts(chain) == before


def counts(chain: Chain) -> dict[str, Any]:
    """How many slips and credits there are, and how often they were written in all."""
    tables = [chain.host.model().tables.entity(f"{APP}.{each}").table for each in ("order", "guide_sale")]
    asked = {made.name: sa.select(sa.func.count(), sa.func.sum(made.c.version)) for made in tables}
    return chain.host.db.read_now(lambda reader: {name: reader.rows(each)[0] for name, each in asked.items()})


def test_a_file_of_receipts_taken_in_twice_changes_nothing(chain: Chain) -> None:
    twice(chain, RECEIPTS, rules=True)
    assert len(chain.read("jing.manager", "order", store=chain.ids["jing"])) == RECEIPTS // 2


@pytest.mark.soak
@pytest.mark.skipif("DACHENG_SOAK" not in os.environ, reason="the long campaign")
def test_twenty_thousand_receipts_taken_in_twice_change_nothing(chain: Chain) -> None:
    twice(chain, 20_000, rules=True)


def test_the_sample_chain_agrees_with_itself(tmp_path: Path) -> None:
    with workspace(tmp_path / "data") as host:
        install_app.install(host, host.work(), marketplace.offered_package(host, APP))
        chain = Chain(host)
        slips = chain.read("", "order", "payable", "paid_total", "credited_total", "member", "points_due")
        assert len(slips) > 50
        assert all(slip["payable"] == slip["paid_total"] == slip["credited_total"] for slip in slips)
        points = chain.read("", "points_entry", "points")
        earned = sum(slip["points_due"] for slip in slips if slip["member"])
        assert sum(row["points"] for row in points) == earned
        members = chain.read("", "member", "points", "stored_value")
        assert sum(row["points"] for row in members) == earned
        assert total(members, "stored_value") == total(
            chain.read("", "stored_value_entry", "amount"), "amount"
        )
        days = chain.read("", "business_day", "net_sales", "difference", "difference_reason", "status")
        assert total(days, "net_sales") == total(slips, "paid_total")
        assert all(
            day["difference_reason"]
            for day in days
            if amount(day["difference"]) and day["status"] == "closed"
        )
