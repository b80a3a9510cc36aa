"""R3, R15: whatever a new version does to a record with lines or to its lines, every line stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import doctor, install_app, write_record
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.write_record import Write
from tests.faults.shop_versions import Change, package, with_field, without_field
from tests.faults.working import LINES, ORDER
from tests.runtime.workspace import workspace

TEXT: Mapping[str, Any] = {"x-kind": "text", "maxLength": 200}
MONEY: Mapping[str, Any] = {"x-kind": "money", "x-currency": "CNY"}
GRADES = {"low": {"order": 1}, "other": {"order": 2}}
LINE = "order_line"


def extra(spec: Mapping[str, Any], entity: str = "order") -> Change:
    """The field the versions below keep changing."""
    return with_field("extra", spec, entity)


def two(*changes: Change) -> Change:
    """Several changes in one version."""

    def change(made: dict[str, Any]) -> None:
        for each in changes:
            each(made)

    return change


def option_gone(made: dict[str, Any]) -> None:
    """A choice loses an option."""
    extra({"x-kind": "choice", "x-options": {"other": {"order": 2}}})(made)


def together(made: dict[str, Any]) -> None:
    """A combination of fields becomes unique."""
    made["entities/order.json"]["x-unique"] = {"both": ["number", "ordered_on"]}


def no_reason_search(made: dict[str, Any]) -> None:
    """Other fields are searched."""
    made["entities/order.json"]["properties"]["reason"]["x-search"] = True


# Each version stands for itself: what the one before had and this one has not is archived.
VERSIONS: tuple[tuple[str, Change], ...] = (
    ("add text", extra(TEXT)),
    ("add index", extra({**TEXT, "x-index": True})),
    ("add search", extra({**TEXT, "x-search": True})),
    ("add unique", extra({**TEXT, "x-unique": True})),
    ("drop unique", extra(TEXT)),
    ("text to integer", extra({"x-kind": "integer"})),
    ("integer to decimal", extra({"x-kind": "decimal", "x-scale": 2})),
    ("other scale", extra({"x-kind": "decimal", "x-scale": 4})),
    ("decimal to money", extra({"x-kind": "money", "x-currency": "CNY"})),
    ("money to text", extra(TEXT)),
    ("text to choice", extra({"x-kind": "choice", "x-options": GRADES})),
    ("archive option", option_gone),
    ("choice to text", extra(TEXT)),
    ("text to date", extra({"x-kind": "date"})),
    ("date to datetime", extra({"x-kind": "datetime"})),
    ("datetime to link", extra({"x-kind": "link", "x-to": "buyer"})),
    ("other target", extra({"x-kind": "link", "x-to": "item"})),
    ("drop field", without_field("extra")),
    ("add again as another kind", extra({"x-kind": "integer"})),
    ("make it a roll-up", extra({"x-kind": "rollup", "x-of": "lines", "x-aggregate": "count"})),
    (
        "roll-up of another figure",
        extra({"x-kind": "rollup", "x-of": "lines", "x-aggregate": "max", "x-field": "amount"}),
    ),
    ("roll-up to text", extra(TEXT)),
    ("require it", extra({**TEXT, "x-required": True, "x-default": "none"})),
    ("unique together", together),
    ("other search fields", no_reason_search),
    ("line: add text", extra(TEXT, LINE)),
    ("line: text to money", extra({"x-kind": "money", "x-currency": "CNY"}, LINE)),
    ("line: drop field", without_field("extra", LINE)),
    ("line: add again as a link", extra({"x-kind": "link", "x-to": "buyer"}, LINE)),
    ("both at once", two(extra(TEXT), extra({"x-kind": "integer"}, LINE))),
)
Rows = dict[str, dict[str, Any]]


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        yield opened


def publish(host: Host, number: int, change: Change) -> None:
    candidate = Candidate(package(host.kinds, f"1.{number}.0", change))
    install_app.install(host, host.work(), candidate)


def rows_of(host: Host, ref: str) -> Rows:
    """Every row of a table by id, but for the field under change and the instants."""
    made = host.model().tables.of(ref)
    found = host.db.read_now(lambda reader: reader.rows(sa.select(made)))
    names = [column.name for column in made.columns]
    return {row["id"]: row for row in (dict(zip(names, each, strict=True)) for each in found)}


def same(before: Rows, after: Rows) -> bool:
    """Nothing but the field under change differs."""
    left = {name for row in before.values() for name in row if not name.startswith("extra")}
    return {key: {n: row[n] for n in left} for key, row in before.items()} == {
        key: {n: row[n] for n in left} for key, row in after.items()
    }


def sound(host: Host) -> bool:
    return doctor.examine(host, lambda step, done, total: None).problems == ()


def save(host: Host, number: int, text: str = "") -> str:
    work = host.work()
    field = work.model.catalogue.entities[ORDER].fields.get("extra")
    values: dict[str, Any] = {"number": f"K-{number}", "lines": LINES}
    if field is not None and field.kind == "text":
        values["extra"] = text or str(number)
    return write_record.write_now(host.db, work, Write("create", ORDER, values=values)).id


def test_no_change_of_a_version_loses_a_line(host: Host) -> None:
    for number, (name, change) in enumerate(VERSIONS):
        before = (rows_of(host, ORDER), rows_of(host, "shop.order_line")) if number else ({}, {})
        publish(host, number, change)
        if number:
            assert same(before[0], rows_of(host, ORDER)), name
            assert same(before[1], rows_of(host, "shop.order_line")), name
        save(host, number)
        assert sound(host), name
    assert len(rows_of(host, "shop.order_line")) == 2 * len(VERSIONS) + 2


def test_a_field_whose_values_repeat_cannot_become_unique(host: Host) -> None:
    publish(host, 0, extra(TEXT))
    save(host, 0, "same")
    save(host, 1, "same")
    with pytest.raises(Refused, match=r"extra of shop\.order cannot become unique"):
        publish(host, 1, extra({**TEXT, "x-unique": True}))
    assert sound(host)
    assert host.work().model.catalogue.apps["shop"].version == "1.0.0"


def _value(host: Host, record: str) -> Any:
    return rows_of(host, ORDER)[record].get("extra")


@pytest.mark.parametrize(
    ("spec", "stored"),
    [({"x-kind": "integer"}, 12), ({"x-kind": "decimal", "x-scale": 2}, 1200), (dict(TEXT), "12")],
)
def test_a_retype_carries_every_value_over(host: Host, spec: dict[str, Any], stored: Any) -> None:
    publish(host, 0, extra(TEXT))
    record = save(host, 0, "12")
    publish(host, 1, extra(spec))
    assert _value(host, record) == stored


GONE: dict[str, Callable[[Host], None]] = {
    "the field was left out": lambda host: publish(host, 1, without_field("extra")),
    "the app was taken out": lambda host: install_app.uninstall(host, host.work(), "shop"),
}


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize(
    "spec", [TEXT, {"x-kind": "integer"}, MONEY], ids=["same kind", "other kind", "money"]
)
def test_a_field_that_comes_back_fits_its_definition(host: Host, gone: str, spec: Mapping[str, Any]) -> None:
    publish(host, 0, extra(TEXT))
    lines = rows_of(host, "shop.order_line")
    save(host, 0)
    GONE[gone](host)
    publish(host, 2, extra(spec))
    assert sound(host)
    assert same(lines, {key: row for key, row in rows_of(host, "shop.order_line").items() if key in lines})
    save(host, 2)
    assert sound(host)
