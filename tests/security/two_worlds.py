"""Two databases that differ only in values some role may not see, and every request that role can make."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import (
    comments,
    group_records,
    history,
    measure,
    read_records,
    rule_traces,
    search,
)
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import notifications
from dacheng.runtime.storage.reader import Reader, Transaction
from tests.runtime.services.workspace import Workspace, open_workspace

ROLE = "clara"
BUYER, ORDER, ITEM, LINE = "shop.buyer", "shop.order", "shop.item", "shop.order_line"
OPERATORS = (
    "==",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
    "in",
    "is_set",
    "contains",
    "starts_with",
    "min",
    "cat",
    "length",
)
CONSTANTS: tuple[Any, ...] = (None, 0, 10, 5000, "Acme", "secret", {"date": "2026-01-01"})
Ask = Callable[[Reader, Work], Any]


@dataclass(frozen=True)
class Request:
    """One request: a name for failures, the service call, and the same as an address where there is one."""

    name: str
    ask: Ask
    path: str = ""


# ---------------------------------------------------------------- the worlds
def world(url: str, secret: int) -> Workspace:
    """A shop whose hidden values follow `secret`: hidden fields, and rows of others; all else is equal."""
    return fill(open_workspace(url, ids=growing_ids()), secret)


def fill(shop: Workspace, secret: int) -> Workspace:
    """The records of one world, put into an empty shop."""
    first = [
        shop.create("clara", BUYER, {"name": f"Acme {n}", "visits": n, "level": "gold", "code": f"B-{n}"})
        for n in range(4)
    ]
    for number, buyer in enumerate(first):
        shop.save(
            "kim", "update", BUYER, buyer, values={"credit": str((secret * 7919 * (number + 1)) % 9973)}
        )
        shop.update("", "core.user", shop.people["cody"], {"phone": f"+86 1380000{secret}{number}"})
    items = [shop.create("kim", ITEM, {"name": f"Lamp {n}", "price": "5"}) for n in range(2)]
    for who, code in (("clara", "C-1"), ("clara", "C-2"), ("cody", "O-1")):
        amount = "1500" if who == "clara" else str(1500 + secret)
        lines = [{"item": items[0], "quantity": "2", "amount": amount}]
        values = {"number": code if who == "clara" else f"O-{secret}", "buyer": first[0], "lines": lines}
        order = shop.create(who, ORDER, values)
        if code != "C-2":
            shop.save(who, "update", ORDER, order, transition="pay", rules=who == "clara")
        else:
            shop.save("kim", "update", ORDER, order, values={"bonus": str(secret)})
    _favour(shop, first, secret)
    shop.db.write_now(partial(_talk, work=shop.work("kim"), record=order, secret=secret))
    return shop


def _favour(shop: Workspace, buyers: list[str], secret: int) -> None:
    """Lists of orders: what Clara may see in them is the same, and how many others there are is not."""
    asked = Query(ORDER, ("id",), sort=("created_at",))
    orders = shop.read(lambda r: read_records.list_page(r, shop.work("kim"), asked)).ids
    for buyer, seen in ((buyers[0], orders[:2]), (buyers[1], orders[1:2])):
        held = seen if secret == 1 else [orders[2], *seen]
        shop.save("kim", "update", BUYER, buyer, values={"favourites": held})


def _talk(tx: Transaction, work: Work, record: str, secret: int) -> None:
    """Words about a record Clara may not see, and a notification to her from when she might."""
    comments.add(tx, work, ORDER, record, f"secret {secret}")
    clara = next(each for each, name in read_records.pick_list(tx, work, "core.user") if name == "Clara")
    notifications.put(tx, [clara], f"told {secret}", "assigned", (ORDER, record), {"actor": str(secret)}, 0)


def growing_ids() -> Callable[[], str]:
    """Ids that are the same in both worlds."""
    numbers = itertools.count(1)
    return lambda: f"01900000-0000-7000-8000-{next(numbers):012x}"


# ---------------------------------------------------------------- the requests
def requests(shop: Workspace, who: str = ROLE) -> Iterator[Request]:
    """Every kind of request over every entity and every field, hidden ones and a misspelt one included."""
    work = shop.work(who)
    for ref, entity in shop.model.catalogue.entities.items():
        names = [*entity.fields, "misspelt"]
        policy = work.policy.entity(ref)
        yield Request(
            f"all {ref}", partial(_list, Query(ref, limit=100)), f"/api/v1/apps/{ref.replace('.', '/')}"
        )
        yield Request(f"deleted {ref}", partial(_list, Query(ref, deleted=True)))
        yield Request(f"pick {ref}", partial(_call, read_records.pick_list, ref))
        for name in names:
            known = policy is not None and name in policy.readable
            if known and entity.fields[name].is_links:
                yield from _about_list(shop, ref, name)
            yield from _about_field(ref, name, CONSTANTS if not known else _fitting(entity.fields[name].view))
            for link in _links(entity.fields.values()):
                yield Request(f"{ref} {link}.{name}", partial(_list, Query(ref, (f"{link}.{name}",))))
                yield Request(
                    f"{ref} sort {link}.{name}", partial(_list, Query(ref, ("id",), sort=(f"{link}.{name}",)))
                )
                condition = {"is_set": [{"var": f"{link}.{name}"}]}
                yield Request(
                    f"{ref} filter {link}.{name}", partial(_list, Query(ref, ("id",), filter=condition))
                )
        yield from _about_records(shop, ref, policy)
    for ref, one in shop.model.catalogue.measures.items():
        for dimension in (None, *one.dimensions):
            yield Request(f"measure {ref} {dimension}", partial(_call, measure.run, ref, dimension))
    for text in ("Acme", "O", "1", "secret", "86", "Lamp"):
        yield Request(f"search {text}", partial(_call, search.find, text))
    yield from _extremes()


def _fitting(kind: str) -> tuple[Any, ...]:
    """Constants that a field of this kind can be compared with; hidden names meet all of them."""
    if kind == "links":
        return (1, 2)
    if kind in ("integer", "decimal", "money", "rollup"):
        return (None, 10)
    return ({"date": "2026-01-01"},) if kind == "date" else ("Acme",)


def _about_field(ref: str, name: str, constants: tuple[Any, ...]) -> Iterator[Request]:
    base = f"/api/v1/apps/{ref.replace('.', '/')}"
    yield Request(f"{ref} field {name}", partial(_list, Query(ref, (name,))), f"{base}?fields={name}")
    for sort in (name, f"-{name}"):
        yield Request(
            f"{ref} sort {sort}", partial(_list, Query(ref, ("id",), sort=(sort,))), f"{base}?sort={sort}"
        )
    for operator, constant in itertools.product(OPERATORS, constants):
        condition = _condition(operator, name, constant)
        asked = Query(ref, ("id",), filter=condition)
        path = f"{base}?filter={quote(orjson.dumps(condition))}"
        yield Request(f"{ref} {operator} {name} {constant}", partial(_list, asked), path)
        if operator in ("==", ">", "is_set"):
            yield Request(
                f"{ref} count {operator} {name} {constant}", partial(_call, read_records.count, asked)
            )


def _about_list(shop: Workspace, ref: str, name: str) -> Iterator[Request]:
    """What a field of links can be asked for: each record it may hold, how many, and groups by them."""
    everything = shop.read(lambda r: read_records.list_page(r, shop.work(""), Query(ORDER, ("id",)))).ids
    held, base = {"var": name}, f"/api/v1/apps/{ref.replace('.', '/')}"
    asked: list[Any] = [{"in": [each, held]} for each in everything]
    asked += [{"some": [held, {"==": [{"var": ""}, each]}]} for each in everything]
    asked += [{"none": [held, {"==": [{"var": ""}, each]}]} for each in everything]
    asked += [{"all": [held, {"!=": [{"var": ""}, each]}]} for each in everything]
    asked += [{"==": [{"length": [held]}, count]} for count in (0, 1, 2, 3)]
    for condition in asked:
        path = f"{base}?filter={quote(orjson.dumps(condition))}"
        yield Request(f"{ref} {condition}", partial(_list, Query(ref, ("id",), filter=condition)), path)
    yield Request(f"groups {ref} {name}", partial(_call, group_records.groups, Query(ref), name))


def _condition(operator: str, name: str, constant: Any) -> Any:
    value = {"var": name}
    if operator == "is_set":
        return {"is_set": [value]}
    if operator == "in":
        return {"in": [value, [constant]]}
    if operator in ("min", "cat"):
        return {"==": [{operator: [value, constant]}, constant]}
    if operator == "length":
        return {">": [{"length": [value]}, 3]}
    return {operator: [value, constant]}


def _links(fields: Any) -> list[str]:
    return [
        field.id for field in fields if field.kind == "link" and field.id not in ("created_by", "updated_by")
    ]


def _about_records(shop: Workspace, ref: str, policy: EntityPolicy | None) -> Iterator[Request]:
    everything = shop.read(
        lambda r: read_records.list_page(r, shop.work(""), Query(ref, ("id",), limit=100))
    ).ids
    yield Request(f"titles {ref}", partial(_call, read_records.titles, ref, everything))
    for record in everything:
        path = f"/api/v1/apps/{ref.replace('.', '/')}/{record}"
        yield Request(f"get {ref} {record}", partial(_get, ref, record), path)
        yield Request(f"history {ref} {record}", partial(_call, history.read, ref, record))
        yield Request(f"why {ref} {record}", partial(_call, rule_traces.why, ref, record))


def _extremes() -> Iterator[Request]:
    for limit in (1, 2):
        yield Request(
            f"page {limit}", partial(_list, Query(ORDER, ("number",), sort=("-total",), limit=limit))
        )
    yield Request("lines", partial(_list, Query(LINE, ("amount", "order.number", "order.bonus"))))
    condition = {"some": [{"var": "lines"}, {">": [{"var": "amount"}, 1500]}]}
    yield Request("some", partial(_list, Query(ORDER, ("id",), filter=condition)))


# ---------------------------------------------------------------- asking
def _list(query: Query, reader: Reader, work: Work) -> Any:
    found = read_records.list_page(reader, work, query)
    return [[repr(row) for row in found.rows], found.ids, found.next]


def _call(service: Callable[..., Any], *arguments: Any) -> Any:
    *arguments_of_call, reader, work = arguments
    return service(reader, work, *arguments_of_call)


def _get(ref: str, record: str, reader: Reader, work: Work) -> Any:
    found = read_records.get(reader, work, ref, record)
    return [found.json(), found.titles, sorted(found.unseen), sorted(found.may), found.version]


def answer(shop: Workspace, request: Request, who: str = ROLE) -> bytes:
    """The answer as bytes, a refusal included with all it says."""
    try:
        found = shop.read(lambda reader: request.ask(reader, shop.work(who)))
    except Refused as refused:
        found = [[each.code, each.pointer, each.message, each.hint] for each in refused.problems]
    return orjson.dumps(found, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__ if name != "field"}
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return dict(value) if hasattr(value, "keys") else str(value)
