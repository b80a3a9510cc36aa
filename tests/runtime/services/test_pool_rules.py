"""The rules of Sales Management that time fires: the open pool, leads left alone, overdue payments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.runtime.host import Host
from dacheng.runtime.services import outbox_worker, read_records, write_record
from dacheng.runtime.services.outbox_worker import Bench
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.system_tables import notification
from tests.runtime.workspace import add, workspace

APP = "sales_management"
PROGRESS = "after_sales_doubt"


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url, sales=True) as opened:
        yield opened


@pytest.fixture
def rep(host: Host) -> str:
    boss = add(host, "boss@example.com", f"{APP}.sales_manager")
    return add(host, "rep@example.com", f"{APP}.sales_rep", values={"manager": boss})


def make(host: Host, entity: str, **values: Any) -> str:
    return write_record.write_now(host.db, host.work(), Write("create", f"{APP}.{entity}", values=values)).id


def change(host: Host, entity: str, record: str, step: str | None = None, **values: Any) -> None:
    asked = Write("update", f"{APP}.{entity}", record, values, transition=step)
    write_record.write_now(host.db, host.work(), asked)


def seen(host: Host, entity: str, record: str) -> dict[str, Any]:
    work = host.work()
    return dict(host.db.read_now(lambda r: read_records.get(r, work, f"{APP}.{entity}", record)).values)


def after(host: Host, **time: float) -> None:
    """What a worker does so much later."""
    moment = datetime.now(UTC) + timedelta(**time)
    outbox_worker.drain(host, Bench(host, clock=lambda: moment))


def told(host: Host, user: str, record: str) -> list[str]:
    """The words of rules that reached somebody about a record, in order."""

    def ask(reader: Reader) -> list[str]:
        table = notification
        rows = reader.rows(
            sa.select(table.c.detail)
            .where(table.c.user == user, table.c.record == record)
            .order_by(table.c.seq)
        )
        return [row[0] for row in rows]

    slots = ("pool_warn_3", "pool_warn_1", "lead_waits_long", "lead_waits", "payment_overdue")
    found = [
        next((slot for slot in slots if f"message:{slot}" in text), "") for text in host.db.read_now(ask)
    ]
    return [each for each in found if each]


def pooled(host: Host, rep: str) -> tuple[str, str]:
    """An account of the rep in a pool of thirty days, and the pool it returns to."""
    sea = make(host, "customer_pool", name="Sea", kind="public")
    lake = make(host, "customer_pool", name="Lake", kind="private", contact_days=30, returns_to=sea)
    return make(host, "account", name="Acme", owner=rep, customer_pool=lake), sea


def test_a_neglected_customer_is_warned_of_twice_and_returns_to_the_open_pool(host: Host, rep: str) -> None:
    account, sea = pooled(host, rep)
    after(host, days=26.9)
    assert told(host, rep, account) == []
    after(host, days=27.1)
    assert told(host, rep, account) == ["pool_warn_3"]
    after(host, days=29.1)
    assert told(host, rep, account) == ["pool_warn_3", "pool_warn_1"]
    after(host, days=30.1)
    found = seen(host, "account", account)
    assert (found["holding"], found["owner"], found["customer_pool"]) == ("public", None, sea)
    assert found["return_reason"] == "no_progress"


def test_effective_contact_and_a_granted_extension_keep_a_customer(host: Host, rep: str) -> None:
    account, _ = pooled(host, rep)
    met = datetime.now(UTC) + timedelta(days=20)
    said = {"kind": "visit", "summary": "met", "progress": PROGRESS, "happened_at": met.isoformat()}
    make(host, "interaction", account=account, **said)
    after(host, days=49.9)
    assert seen(host, "account", account)["holding"] == "private"
    change(host, "account", account, extension_days=10)
    after(host, days=59.9)
    assert seen(host, "account", account)["holding"] == "private"
    after(host, days=60.1)
    assert seen(host, "account", account)["holding"] == "public"


def test_a_customer_without_a_deal_returns_and_who_claims_it_starts_afresh(host: Host, rep: str) -> None:
    sea = make(host, "customer_pool", name="Sea", kind="public")
    lake = make(host, "customer_pool", name="Lake", kind="private", deal_days=60, returns_to=sea)
    account = make(host, "account", name="Acme", owner=rep, customer_pool=lake)
    change(host, "account", account, extension_days=5)
    after(host, days=60.1)
    assert seen(host, "account", account)["holding"] == "public"
    change(host, "account", account, "claim", owner=rep, customer_pool=lake)
    found = seen(host, "account", account)
    assert (found["holding"], found["extension_days"]) == ("private", None)
    assert found["claimed_at"] is not None


def test_a_lead_left_alone_is_reminded_of_told_to_the_manager_and_taken_back(host: Host, rep: str) -> None:
    boss = seen_user(host, rep, "manager")
    lead = make(host, "lead", name="Lee", source="website_form", owner=rep)
    change(host, "lead", lead, "assign")
    after(host, hours=1.9)
    assert told(host, rep, lead) == []
    after(host, hours=2.1)
    assert (told(host, rep, lead), told(host, boss, lead)) == (["lead_waits"], [])
    after(host, hours=24.1)
    assert told(host, boss, lead) == ["lead_waits_long"]
    after(host, hours=72.1)
    assert seen(host, "lead", lead)["state"] == "recycled"


def test_a_lead_that_is_followed_up_is_left_in_peace(host: Host, rep: str) -> None:
    lead = make(host, "lead", name="Lee", source="website_form", owner=rep)
    change(host, "lead", lead, "assign")
    change(host, "lead", lead, "touch")
    after(host, hours=80)
    assert (told(host, rep, lead), seen(host, "lead", lead)["state"]) == ([], "following")


def seen_user(host: Host, user: str, field: str) -> str:
    work = host.work()
    return str(host.db.read_now(lambda r: read_records.get(r, work, "core.user", user)).values[field])


def test_an_overdue_payment_is_told_to_the_contracts_owner_once(host: Host, rep: str) -> None:
    account = make(host, "account", name="Acme", owner=rep)
    due = host.work().context.today + timedelta(days=5)
    plans = [{"name": "First", "due_on": str(due), "amount": {"amount": "100", "currency": "CNY"}}]
    contract = make(
        host, "contract", name="Deal", account=account, owner=rep, amount=plans[0]["amount"], plans=plans
    )
    work = host.work()
    plan = host.db.read_now(lambda r: read_records.get(r, work, f"{APP}.contract", contract)).lines["plans"][
        0
    ]
    after(host, days=4)
    assert told(host, rep, plan["id"]) == []
    after(host, days=6.5)
    after(host, days=9)
    assert told(host, rep, plan["id"]) == ["payment_overdue"]
