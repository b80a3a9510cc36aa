"""T13: a field that is dropped and made again is a new one: empty, without the old one's past, under its own rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.definition import Layer, LayerOperation
from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import doctor, history, install_app, read_records, undo, write_record
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.policy import compile_policy
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import packages, physical
from tests.faults.shop_versions import Change, package, with_field, without_field
from tests.faults.working import LINES, ORDER
from tests.runtime.workspace import workspace

LINE = "shop.order_line"
TEXT: Mapping[str, Any] = {"x-kind": "text", "maxLength": 200, "x-search": True, "x-index": True}
MONEY: Mapping[str, Any] = {"x-kind": "money", "x-currency": "CNY"}
KINDS = {"text": (TEXT, "hidden one", "hidden two", "open"), "money": (MONEY, "11.00", "22.00", "33.00")}


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        yield opened


def publish(host: Host, number: int, *changes: Change) -> None:
    install_app.install(host, host.work(), Candidate(package(host.kinds, f"1.{number}.0", *changes)))


def save(host: Host, action: str, record: str | None = None, **values: Any) -> str:
    write = Write(action, ORDER, record, values=values)
    return write_record.write_now(host.db, host.work(), write).id


def told(host: Host, record: str) -> tuple[str, list[history.Entry]]:
    """Everything the history says of the field, as text, and all entries."""
    found = host.db.read_now(partial(history.read, work=host.work(), ref=ORDER, record_id=record))
    changes = [each for entry in found.entries for each in entry.changes if each.field.id == "extra"]
    return repr([(each.before, each.after) for each in changes]), list(found.entries)


def value(host: Host, record: str) -> Any:
    return host.db.read_now(partial(read_records.get, work=host.work(), ref=ORDER, record_id=record)).json()[
        "extra"
    ]


def kept(host: Host, table: str) -> list[str]:
    """What the archived columns of a table still hold."""
    columns = host.db.read_now(physical.read).columns[table]
    names: list[sa.ColumnClause[Any]] = [sa.column(name) for name in columns if name.startswith("_archived_")]
    rows = host.db.read_now(lambda reader: reader.rows(sa.select(*names).select_from(sa.table(table))))
    return [str(each) for row in rows for each in row if each is not None]


def sound(host: Host) -> bool:
    return doctor.examine(host, lambda step, done, total: None).problems == ()


@pytest.mark.parametrize("between", [False, True], ids=["at once", "a version later"])
@pytest.mark.parametrize("kind", KINDS)
def test_t13_a_field_made_again_is_empty_and_has_no_past(host: Host, kind: str, between: bool) -> None:
    spec, first, second, third = KINDS[kind]
    publish(host, 0, with_field("extra", spec))
    record = save(host, "create", number="K-1", extra=first)
    save(host, "update", record, extra=second)
    hidden = next(e.seq for e in told(host, record)[1] if any(c.field.id == "extra" for c in e.changes))
    publish(host, 1, without_field("extra"))
    if between:
        publish(host, 2, without_field("extra"), with_field("other", TEXT))
    publish(host, 3, with_field("extra", spec))
    assert value(host, record) is None
    assert told(host, record)[0] == "[]"
    with pytest.raises(Refused) as refused:
        host.db.read_now(partial(undo.plan_undo, work=host.work(), ref=ORDER, record_id=record, seq=hidden))
    assert refused.value.problems[0].code == "undo.unknown_change"
    found = Query(ORDER, ("number",), filter={"is_set": [{"var": "extra"}]})
    assert host.db.read_now(partial(read_records.count, work=host.work(), asked=found)) == 0
    assert kept(host, "shop_order")
    assert sound(host)
    save(host, "update", record, extra=third)
    text, _ = told(host, record)
    assert third in text
    assert first not in text
    assert second not in text
    save(host, "delete", record)
    save(host, "restore", record)
    assert second not in told(host, record)[0]


def test_t13_a_lines_field_made_again_has_no_past_either(host: Host) -> None:
    publish(host, 0, with_field("extra", TEXT, "order_line"))
    record = save(host, "create", number="K-1", lines=[{**each, "extra": "veiled"} for each in LINES])
    save(host, "update", record, lines=[])
    assert "veiled" in repr(told(host, record)[1])
    publish(host, 1, without_field("extra", "order_line"))
    publish(host, 2, with_field("extra", TEXT, "order_line"))
    assert "veiled" not in repr(told(host, record)[1])
    assert [e.action for e in told(host, record)[1] if e.line] != []
    assert sound(host)


def test_an_app_that_comes_back_whole_brings_values_and_history(host: Host) -> None:
    publish(host, 0, with_field("extra", TEXT))
    record = save(host, "create", number="K-1", extra="one")
    save(host, "update", record, extra="two")
    install_app.uninstall(host, host.work(), "shop")
    publish(host, 0, with_field("extra", TEXT))
    assert value(host, record) == "two"
    assert told(host, record)[0] == "[('one', 'two')]"
    assert sound(host)


def test_t13_an_app_that_comes_back_without_a_field_does_not_keep_it_for_later(host: Host) -> None:
    publish(host, 0, with_field("extra", TEXT))
    record = save(host, "create", number="K-1", extra="one")
    save(host, "update", record, extra="two")
    install_app.uninstall(host, host.work(), "shop")
    publish(host, 1, without_field("extra"))
    publish(host, 2, with_field("extra", TEXT))
    assert (value(host, record), told(host, record)[0]) == (None, "[]")
    assert kept(host, "shop_order") == ["two"]
    assert sound(host)


def test_t13_the_workspaces_rules_on_a_field_wait_for_it(host: Host) -> None:
    publish(host, 0, with_field("extra", TEXT))
    rule = LayerOperation("add", "role", "clerk", ("entities", "order", "fields", "extra"), {"read": False})
    host.db.write_now(lambda tx: packages.put_layer(tx, Layer("workspace", "shop", (rule,)), 1))
    publish(host, 1, with_field("extra", TEXT))
    assert "extra" not in clerks(host)
    publish(host, 2, without_field("extra"))
    assert "bonus" not in clerks(host)
    publish(host, 3, without_field("extra"), with_field("other", TEXT))
    assert "other" in clerks(host)
    publish(host, 4, with_field("extra", TEXT))
    assert "extra" not in clerks(host)


def clerks(host: Host) -> frozenset[str]:
    """The fields of an order that a clerk sees."""
    clerk = User("u", "U", frozenset({"shop.clerk"}))
    policy = compile_policy(host.work().model.catalogue, clerk).entity(ORDER)
    assert policy is not None
    return frozenset(policy.readable)
