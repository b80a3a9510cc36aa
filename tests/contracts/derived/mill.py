"""An app in which everything computed leans on something else computed, and a reckoning of its own over the plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from dacheng.metadata.definition import Package
from tests.contracts.field_kinds.house import labelled, manifest

APP = "mill"
Values = Mapping[str, Any]
Money = tuple[Decimal, str]
NOTHING: Money = (Decimal(0), "CNY")


# ---------------------------------------------------------------- the app
def _formula(expression: Any, result: str, order: int) -> dict[str, Any]:
    return {"x-kind": "formula", "x-expression": expression, "x-result": result, "x-order": order}


def _rollup(order: int, aggregate: str, **more: Any) -> dict[str, Any]:
    named = {"over": "x-from", "of": "x-of", "field": "x-field", "only": "x-filter"}
    spec = {named[key]: value for key, value in more.items()}
    return {"x-kind": "rollup", "x-aggregate": aggregate, "x-order": order, **spec}


def _plain(kind: str, order: int, **more: Any) -> dict[str, Any]:
    return {"x-kind": kind, "x-order": order, **{f"x-{key}": value for key, value in more.items()}}


STAGES = {"open": {"order": 1}, "won": {"order": 2}}
COMPANY: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1, "x-required": True},
    "region": _plain("choice", 2, options={"north": {"order": 1}, "south": {"order": 2}}),
    "parent": _plain("link", 3, to="company"),
    "all": _rollup(4, "sum", over="deal.firm", field="expected"),
    "likely": _rollup(5, "count", over="deal.firm", only={">": [{"var": "chance"}, 50]}),
    "largest": _rollup(6, "max", over="deal.firm", field="amount"),
    "worth": _formula({"*": [{"var": "all"}, 2]}, "money", 7),
    "rich": _formula({">": [{"var": "worth"}, 100]}, "boolean", 8),
}
DEAL: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1, "x-required": True},
    "firm": _plain("link", 2, to="company"),
    "amount": _plain("money", 3),
    "chance": _plain("integer", 4),
    "stage": _plain("choice", 5, options=STAGES, default="open"),
    "friends": _plain("links", 6, to="company"),
    "lines": _plain("lines", 7, entity="item"),
    "goods": _rollup(8, "sum", of="lines", field="total"),
    "pieces": _rollup(9, "max", of="lines", field="count"),
    "expected": _formula({"/": [{"*": [{"var": "amount"}, {"var": "chance"}]}, 100]}, "money", 10),
    "whole": _formula({"+": [{"var": "expected"}, {"var": "goods"}]}, "money", 11),
    "called": _formula({"cat": [{"var": "name"}, "!"]}, "text", 12),
    "where": {"x-kind": "lookup", "x-path": "firm.region", "x-order": 20},
    "firm_worth": {"x-kind": "lookup", "x-path": "firm.worth", "x-order": 21},
    "above": {"x-kind": "lookup", "x-path": "firm.parent.name", "x-order": 22},
}
ITEM: dict[str, Any] = {
    "name": _plain("text", 1),
    "count": _plain("integer", 2),
    "price": _plain("money", 3),
    "product": _plain("link", 4, to="product"),
    "partners": _plain("links", 5, to="company"),
    "total": _formula({"*": [{"var": "count"}, {"var": "price"}]}, "money", 6),
}
PRODUCT: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1, "x-required": True},
    "sold": _rollup(2, "sum", over="item.product", field="total"),
    "times": _rollup(3, "count", over="item.product"),
    "twice": _formula({"*": [{"var": "times"}, 2]}, "integer", 4),
}


def package() -> Package:
    """Companies, deals with lines, products that lines link to; a workflow, an owner, links of every shape."""
    files: dict[str, Any] = {"app.json": manifest(APP)}
    for name, fields in (("company", COMPANY), ("deal", DEAL), ("item", ITEM), ("product", PRODUCT)):
        entity = {"id": name, "type": "object", "x-title": "name", "properties": fields}
        files[f"entities/{name}.json"] = entity | ({"x-parent": "deal"} if name == "item" else {})
    files["workflows/stage.json"] = {
        "id": "stage",
        "entity": "deal",
        "field": "stage",
        "initial": "open",
        "states": {"open": {"order": 1}, "won": {"order": 2, "kind": "won"}},
        "transitions": {
            "win": {"from": ["open"], "to": "won", "order": 1, "required": ["amount"]},
            "reopen": {"from": ["won"], "to": "open", "order": 2},
        },
    }
    return labelled(files)


# ---------------------------------------------------------------- the reckoning
def money(raw: Any) -> Money | None:
    """Money as the API writes it."""
    return None if raw is None else (Decimal(raw["amount"]), raw["currency"])


def wrong(companies: Iterable[Values], deals: Iterable[Values], products: Iterable[Values]) -> list[str]:
    """Every computed value that the plain values of all records do not give, as `entity name.field: held != due`."""
    firms = {each["id"]: each for each in companies}
    held = list(deals)
    lines = [line for deal in held for line in deal["lines"] or ()]
    found: list[str] = []
    for line in lines:
        found += _differing("item", line, {"total": _times(line["count"], money(line["price"]))})
    for deal in held:
        found += _differing("deal", deal, _of_deal(deal, firms))
    for firm in firms.values():
        found += _differing("company", firm, _of_company([d for d in held if d["firm"] == firm["id"]]))
    for product in products:
        found += _differing("product", product, _of_product(product, lines))
    return found


def _of_deal(deal: Values, firms: Mapping[str, Values]) -> dict[str, Any]:
    rows = deal["lines"] or ()
    goods = _sum(_times(row["count"], money(row["price"])) for row in rows)
    expected = _times(deal["chance"], money(deal["amount"]), Decimal(100))
    firm = firms.get(deal["firm"] or "")
    above = firms.get((firm or {}).get("parent") or "")
    return {
        "goods": goods,
        "pieces": max((row["count"] for row in rows if row["count"] is not None), default=None),
        "expected": expected,
        "whole": _plus(expected, goods),
        "called": f"{deal['name']}!",
        "where": firm["region"] if firm else None,
        "firm_worth": money(firm["worth"]) if firm else None,
        "above": above["name"] if above else None,
    }


def _of_company(deals: list[Values]) -> dict[str, Any]:
    every = _sum(_times(each["chance"], money(each["amount"]), Decimal(100)) for each in deals)
    worth = None if every is None else (every[0] * 2, every[1])
    return {
        "all": every,
        "likely": sum(1 for each in deals if each["chance"] is not None and each["chance"] > 50),
        "largest": _figure(max, (money(each["amount"]) for each in deals)),
        "worth": worth,
        "rich": worth is not None and worth[0] > 100,
    }


def _of_product(product: Values, lines: list[Values]) -> dict[str, Any]:
    own = [each for each in lines if each["product"] == product["id"]]
    sold = _sum(_times(each["count"], money(each["price"])) for each in own)
    return {"sold": sold, "times": len(own), "twice": len(own) * 2}


def _differing(entity: str, record: Values, due: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in due.items():
        held = money(record[name]) if isinstance(record[name], dict) else record[name]
        if held != value:
            found.append(f"{entity} {record['name']}.{name}: {held} != {value}")
    return found


def _times(count: int | None, price: Money | None, parts: Decimal = Decimal(1)) -> Money | None:
    if count is None or price is None:
        return None
    amount = (price[0] * count / parts).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return amount, price[1]


def _plus(one: Money | None, other: Money | None) -> Money | None:
    if one is None or other is None or one[1] != other[1]:
        return None
    return one[0] + other[0], one[1]


def _sum(values: Iterable[Money | None]) -> Money | None:
    there = [each for each in values if each is not None]
    return _figure(lambda amounts: sum(amounts, Decimal(0)), there) if there else NOTHING


def _figure(reckon: Callable[[list[Decimal]], Decimal], values: Iterable[Money | None]) -> Money | None:
    there = [each for each in values if each is not None]
    if not there or len({each[1] for each in there}) > 1:
        return None
    return reckon([each[0] for each in there]), there[0][1]
