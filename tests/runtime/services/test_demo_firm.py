"""The firms that the apps bring along, once played: sums agree to the cent, no rule is idle, no measure is empty."""

from __future__ import annotations

import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.field_kinds.money import Money
from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import (
    doctor,
    files,
    handover,
    install_app,
    marketplace,
    measure,
    sample_data,
    write_record,
)
from dacheng.runtime.services.directory import Directory
from dacheng.runtime.services.files import Upload
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import record_rows
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.system_tables import metadata
from tests.runtime.workspace import workspace
from tests.support.pictures import picture

FULL = "DACHENG_SOAK" in os.environ
SHARES = (
    {"sales_management": 1.0, "store_sales": 1.0} if FULL else {"sales_management": 0.25, "store_sales": 0.03}
)
ON_SQLITE = pytest.mark.parametrize("firm", ["sqlite"], indirect=True)  # what no database decides
SIGNED = ("signed", "performing", "changing")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OF_A_LARGER_FIRM = {
    "store_sales.days_not_closed",
    "sales_management.overdue_60",
    "sales_management.overdue_90",
    "store_sales.dormant",
}
TENDERS = ("cash", "wechat", "alipay", "card", "stored_value", "voucher", "mall")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Firm:
    """An open workspace in which both firms were played."""

    host: Host

    def rows(self, ref: str) -> list[Row]:
        """All living records of an entity as they are stored, whoever may see them."""
        made = self.host.model().tables.entity(ref)
        shape = record_rows.shape_of(made)
        asked = sa.select(*shape.columns).where(made.deleted_at.is_(None))
        found = self.host.db.read_now(lambda reader: reader.rows(asked))
        return [{**shape.values(row), "id": row[0]} for row in found]

    def figure(self, ref: str) -> Decimal:
        """What a measure answers as one figure."""
        work = self.work()
        values = self.host.db.read_now(lambda reader: measure.run(reader, work, ref)).values
        return Decimal(str(values[0])) if values else Decimal(0)

    def groups(self, ref: str, dimension: str) -> dict[str, Decimal]:
        """What a measure answers for each group of a dimension, by the group's key."""
        work = self.work()
        found = self.host.db.read_now(lambda reader: measure.run(reader, work, ref, dimension, limit=500))
        return {
            str(key[0]): Decimal(str(value)) for key, value in zip(found.groups, found.values, strict=True)
        }

    def work(self) -> Work:
        """The product's own frame, at the moment up to which the firms were played."""
        work = self.host.work()
        return replace(work, context=replace(work.context, now=NOW))

    def person(self, user: str, role: str) -> User:
        """Somebody of the story, as they act in a role of theirs."""
        model = self.host.model()

        def known(reader: Reader) -> User:
            person = Directory().at(reader, model, model.versions).person(reader, model, user)
            assert person is not None
            return person.user

        return replace(self.host.db.read_now(known), roles=frozenset({role}))

    def change(self, who: User, ref: str, record: str, step: str, **values: Any) -> None:
        """A record taken a step further by somebody."""
        write = Write("update", ref, record, values, transition=step)
        write_record.write_now(self.host.db, self.host.work(who), write)


def play(folder: Path, url: str = "") -> Iterator[Firm]:
    """Both apps with their firms, smaller in the normal run."""
    with workspace(folder, url) as host:
        for app, share in SHARES.items():
            candidate = marketplace.offered_package(host, app)
            install_app.install(host, host.work(), candidate, sample=False)
            sample_data.bring(host, Firm(host).work(), app, scale=share)
        for store in range(2):
            rectify(Firm(host), store)
        yield Firm(host)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def firm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    """Played once on each database; tests leave every sum as right as it was."""
    folder = tmp_path_factory.mktemp("firm")
    if request.param == "sqlite":
        yield from play(folder)
        return
    server = request.getfixturevalue("postgres_server")
    url = server.new_database()
    yield from play(folder, url)
    server.drop(url)


def amount(value: Money | None) -> Decimal:
    """A money value's amount, missing as nothing."""
    return Decimal(0) if value is None else value.amount


def sums(rows: list[Row], by: str, of: str) -> dict[str | None, Decimal]:
    """Amounts added up by what a link holds."""
    found: defaultdict[str | None, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row[by]] += amount(row[of])
    return found


def assert_money_agrees(firm: Firm) -> None:
    """Quotation → contract → plan → receipts → ageing, and invoices, from the rows alone."""
    app = "sales_management"
    quoted = sums(firm.rows(f"{app}.quotation_line"), "quotation", "amount")
    for each in firm.rows(f"{app}.quotation"):
        assert amount(each["total"]) == quoted[each["id"]]
    contracts, plans = firm.rows(f"{app}.contract"), firm.rows(f"{app}.payment_plan")
    lines, receipts = firm.rows(f"{app}.receipt_line"), firm.rows(f"{app}.receipt")
    planned, paid = sums(plans, "contract", "amount"), sums(lines, "contract", "amount")
    issued = [each for each in firm.rows(f"{app}.invoice") if each["state"] == "issued"]
    billed = sums(issued, "contract", "signed_amount")
    for each in contracts:
        assert amount(each["amount"]) == amount(each["plan_total"]) == planned[each["id"]]
        assert amount(each["received"]) == paid[each["id"]]
        assert amount(each["outstanding"]) == amount(each["amount"]) - paid[each["id"]]
        assert amount(each["invoiced"]) == billed[each["id"]]
    came = sums(lines, "plan", "amount")
    for each in plans:
        assert amount(each["received"]) == came[each["id"]]
        assert amount(each["outstanding"]) == amount(each["amount"]) - came[each["id"]]
    matched = sums(lines, "receipt", "amount")
    for each in receipts:
        assert amount(each["matched"]) == matched[each["id"]]
        assert each["state"] != "matched" or amount(each["unmatched"]) == 0
    states = {each["id"]: each["state"] for each in contracts}
    context = firm.work().context
    today = context.now.astimezone(context.zone).date()
    owed = [p for p in plans if states[p["contract"]] in SIGNED and amount(p["outstanding"]) > 0]
    late: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in owed:
        age = (today - each["due_on"]).days
        part = "overdue_30" if age <= 30 else "overdue_60" if age <= 60 else "overdue_90"
        late["" if age <= 0 else part if age <= 90 else "overdue_more"] += amount(each["outstanding"])
    ageing = {part: firm.figure(f"{app}.{part}") for part in sorted(late) if part}
    assert ageing == {part: late[part] for part in ageing}
    assert firm.figure(f"{app}.overdue_amount") == sum(ageing.values())
    assert firm.figure(f"{app}.receivable_amount") == sum(late.values())


def assert_tills_agree(firm: Firm) -> None:
    """Order → tenders → guide split → day close, points and stored value, from the rows alone."""
    app = "store_sales"
    orders, days = firm.rows(f"{app}.order"), firm.rows(f"{app}.business_day")
    line_sums = sums(firm.rows(f"{app}.order_line"), "order", "amount")
    credited = sums(firm.rows(f"{app}.guide_sale"), "order", "amount")
    for each in orders:
        paid = sum(amount(each[f"{tender}_paid"]) for tender in TENDERS)
        assert amount(each["lines_total"]) == line_sums[each["id"]]
        assert amount(each["paid_total"]) == paid
        if each["status"] == "paid":
            assert amount(each["payable"]) == paid == credited[each["id"]] == amount(each["credited_total"])
        else:
            assert credited[each["id"]] == amount(each["credited_total"]) == 0
    settled = [each for each in orders if each["status"] == "paid"]
    for total, of in (("net_sales", "paid_total"), *((f"{each}_sales", f"{each}_paid") for each in TENDERS)):
        taken = sums(settled, "day", of)
        for day in days:
            assert amount(day[total]) == taken[day["id"]], total
    for day in days:
        assert day["status"] == "open" or amount(day["difference"]) == 0 or day["difference_reason"]
    value = sums(firm.rows(f"{app}.stored_value_entry"), "member", "amount")
    spent, points = sums(settled, "member", "paid_total"), Counter[str | None]()
    for each in firm.rows(f"{app}.points_entry"):
        points[each["member"]] += each["points"]
    for each in firm.rows(f"{app}.member"):
        assert amount(each["stored_value"]) == value[each["id"]] >= 0
        assert (each["points"] or 0) == points[each["id"]]
        assert amount(each["total_spent"]) == spent[each["id"]]


def test_sums_of_the_played_firm_agree_to_the_cent(firm: Firm) -> None:
    assert_money_agrees(firm)
    assert_tills_agree(firm)
    assert doctor.examine(firm.host, lambda *_: None).problems == ()


@ON_SQLITE
def test_the_sums_hold_for_what_was_taken_back(firm: Firm) -> None:
    kinds = Counter(each["kind"] for each in firm.rows("sales_management.receipt"))
    colours = Counter(each["color"] for each in firm.rows("sales_management.invoice"))
    orders = firm.rows("store_sales.order")
    causes = Counter(each["cause"] for each in firm.rows("store_sales.stored_value_entry"))
    assert kinds["reversal"]
    assert colours["red"]
    assert any(each["kind"] == "return" for each in orders)
    assert any(each["status"] == "void" for each in orders)
    assert causes.keys() >= {"topup", "bonus", "spend", "void"}


def test_a_hand_over_moves_what_is_owed_with_its_contract_and_changes_no_sum(firm: Firm) -> None:
    ref = "sales_management.receivable_amount"
    before = firm.groups(ref, "owner")
    states = {each["id"]: each for each in firm.rows("sales_management.contract")}
    owing = {key for key in before if any(each["owner"] == key for each in states.values())}
    leaver = max(owing, key=lambda key: before[key])
    receiver = min(each["id"] for each in firm.rows("core.user") if each["id"] != leaver)
    total, work = firm.figure(ref), firm.host.work()
    asked = handover.Handover(leaver, (receiver,), (), keep_finished=False)
    handover.hand_over(firm.host.db, work, asked, lambda *_: None)
    after = firm.groups(ref, "owner")
    assert leaver not in after
    assert after[receiver] == before[leaver] + before.get(receiver, 0)
    assert firm.figure(ref) == total
    assert_money_agrees(firm)


def rectify(firm: Firm, place: int) -> None:
    """A rectification of one store is handed in with a photo, sent back, handed in again and accepted."""
    ref = "store_sales.rectification"
    stores = {each["id"]: each for each in firm.rows("store_sales.store")}
    areas = {each["id"]: each for each in firm.rows("store_sales.area")}
    waiting = {each["store"]: each for each in firm.rows(ref) if each["inspection"] is not None}
    chosen = waiting[sorted(waiting)[place]]
    store = stores[chosen["store"]]
    manager = firm.person(store["manager"], "store_sales.store_manager")
    over = firm.person(areas[store["area"]]["manager"], "store_sales.area_manager")
    today = NOW.date().isoformat()
    for step, note in (("reject", "死角还有灰尘"), ("accept", "已到位")):
        image = Upload(io.BytesIO(picture("JPEG")), "after.jpg", "camera")
        photo = files.take_in(firm.host, firm.host.work(manager), image).id
        done = {"measure_taken": "重新清洁并拍照", "after_photos": [photo], "fixed_on": today}
        firm.change(manager, ref, chosen["id"], "hand_in", **done)
        firm.change(over, ref, chosen["id"], step, recheck_note=note, recheck_on=today)


@ON_SQLITE
def test_every_rule_fired_in_the_played_firm(firm: Firm) -> None:
    rules = {  # those that saves fire: no worker is at work while a firm is played (test_pool_rules)
        f"{each.app}.{each.id}"
        for found in firm.host.model().catalogue.rules.values()
        for each in found
        if each.timing is None
    }
    traces = metadata.tables["_trace"]
    asked = sa.select(traces.c.rule, traces.c.outcome).distinct()
    seen = firm.host.db.read_now(lambda reader: reader.rows(asked))
    assert rules - {rule for rule, outcome in seen if outcome == "applied"} == set()
    assert [rule for rule, outcome in seen if outcome == "refused"] == []


@ON_SQLITE
def test_every_measure_says_something_about_the_played_firm(firm: Firm) -> None:
    empty: list[str] = []
    flat: list[tuple[str, str]] = []
    for ref, each in firm.host.model().catalogue.measures.items():
        if not firm.figure(ref):
            empty.append(ref)
        asked = each.dimensions if FULL else ()
        flat.extend((ref, one) for one in asked if len(firm.groups(ref, one)) < 2)
    assert set(empty) <= (set() if FULL else OF_A_LARGER_FIRM)
    assert flat == []
