"""Well-typed expressions and records at random, with the values that evaluators like to disagree about."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.contracts.expressions.deal import Surroundings

TEXTS = (
    "",
    "a",
    "A",
    "ab",
    "b",
    "客户",
    "客",
    "我的客户",
    "\U0001f600",
    "\uffff",
    "e\u0301",
    "é",
    "İ",
    "ß",
    "ΣΑΣ",
    "%",
    "_",
    "a'b",
    "\\",
    "2024-02-29",
    "2026-02-29",
    "ǅ",
    "Ж",
    "Ａ",
    "p1",
    "d1",
    " ",
    "\U0010ffff",
    "\ud7ff",
)
NUMBERS = (
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "10",
    "0.5",
    "-0.5",
    "1.5",
    "2.5",
    "-2.5",
    "0.000001",
    "-0.000001",
    "0.0015",
    "0.333333",
    "999999.999999",
    "123456.789",
    "-1000000",
    "9000000000000",
)
LARGE = ("999999999999999999", "-999999999999999999", "1000000000", "3", "0", "-7", "500000000000000000")
CENTS = ("0", "0.01", "2.5", "10", "-10.01", "10.01", "92233720368547758.07")
DATES = (
    "0001-01-01",
    "9999-12-31",
    "2024-02-29",
    "2026-01-31",
    "1969-12-31",
    "2026-03-01",
    "2025-12-31",
    "1900-02-28",
)
INSTANTS = (
    "2026-01-31T15:59:59.999Z",
    "2026-01-31T16:00:00Z",
    "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1988-06-30T15:00:00Z",
    "2026-03-08T06:59:59Z",
    "2026-03-08T04:59:59.999Z",
    "1950-06-01T00:00:00Z",
    "2099-12-31T23:59:59Z",
    "2026-02-28T16:30:00.123Z",
)
DURATIONS = ("PT0S", "PT1H", "P1D", "-P3D", "PT0.001S", "P9000000D", "PT36H")
ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati")
UNITS = ("day", "week", "month", "quarter", "year")
POOLS = {"t": TEXTS, "n": NUMBERS, "w": LARGE, "b": (True, False), "d": DATES, "i": INSTANTS, "s": DURATIONS}


def record(random: Random) -> dict[str, Any]:
    """A record in JSON form; about a third of the fields are missing."""
    made: dict[str, Any] = {}
    for letter, pool in POOLS.items():
        made |= {f"{letter}{number}": random.choice(pool) for number in (1, 2, 3) if random.random() < 0.65}
    lists = {
        "tags": _some_of(random, TEXTS),
        "scores": _some_of(random, CENTS),
        "members": _some_of(random, PEOPLE),
        "lines": [_line(random) for _ in range(random.randrange(4))],
    }
    made |= {name: value for name, value in lists.items() if random.random() < 0.7}
    if random.random() < 0.7:
        made["owner"] = random.choice(PEOPLE)
    if random.random() < 0.7:
        made["amount"] = random.choice(CENTS)
    return made


PEOPLE = ("p1", "p2", "p3", "p9")


def _line(random: Random) -> dict[str, Any]:
    whole = {
        "name": random.choice(TEXTS),
        "price": random.choice(CENTS),
        "qty": random.choice(LARGE),
        "due": random.choice(DATES),
        "done": random.random() < 0.5,
        "marks": _some_of(random, TEXTS),
    }
    return {name: value for name, value in whole.items() if random.random() < 0.7}


def _some_of(random: Random, pool: tuple[Any, ...]) -> list[Any]:
    return [random.choice(pool) for _ in range(random.randrange(4))]


def surroundings(random: Random) -> Surroundings:
    """A zone, a calendar, a user and a record before."""
    user = {
        "id": random.choice(PEOPLE),
        "department": random.choice(TEXTS),
        "departments": _some_of(random, TEXTS),
        "roles": _some_of(random, TEXTS),
        "level": random.choice(NUMBERS),
    }
    kept = {name: value for name, value in user.items() if random.random() < 0.7}
    calendar = random.choice(
        [{}, {"off": ["2026-01-01", "2026-02-16"], "extra": ["2026-01-31", "2026-02-28"]}]
    )
    return Surroundings({"$user": kept, "$before": record(random)}, random.choice(ZONES), calendar)


class Maker:
    """Draws expressions by result type: t, n, b, d, i, s; within a list's item the scope is that item's."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.scope = "deal"

    def expression(self, depth: int) -> Any:
        """Any well-typed expression of plain type."""
        return self.make(self.random.choice("tnbbbdis"), depth)

    def make(self, kind: str, depth: int) -> Any:
        """An expression of a type, at most so deep."""
        if depth <= 0 or self.random.random() < 0.15:
            return self.leaf(kind)
        return self.random.choice(OPERATIONS[kind])(self, depth - 1)

    def leaf(self, kind: str) -> Any:
        """A variable of the type, a constant, or (rarely) null."""
        draw = self.random.random()
        if draw < 0.04:
            return None
        if draw < 0.7 and VARIABLES[self.scope].get(kind):
            return {"var": self.random.choice(VARIABLES[self.scope][kind])}
        return self.constant(kind)

    def constant(self, kind: str) -> Any:
        """A constant of the type."""
        value = self.random.choice(POOLS[kind] if kind != "n" else NUMBERS + LARGE)
        wrapped = {"n": "number", "d": "date", "i": "instant", "s": "duration"}
        return {wrapped[kind]: value} if kind in wrapped else value

    def within(self, scope: str, kind: str, depth: int) -> Any:
        """An expression inside an item of another scope."""
        outer, self.scope = self.scope, scope
        made = self.make(kind, depth)
        self.scope = outer
        return made


VARIABLES: dict[str, dict[str, list[str]]] = {
    "deal": {
        "t": [
            "t1",
            "t2",
            "t3",
            "owner",
            "owner.name",
            "owner.boss",
            "owner.boss.name",
            "$user.id",
            "$user.department",
            "$before.t1",
            "$before.owner",
        ],
        "n": ["n1", "n2", "n3", "w1", "w2", "amount", "owner.age", "$user.level", "$before.n1"],
        "b": ["b1", "b2", "b3", "owner.active", "$before.b1"],
        "d": ["d1", "d2", "d3", "$before.d1"],
        "i": ["i1", "i2", "i3", "$before.i1"],
        "s": ["s1", "s2", "s3"],
    },
    "line": {"t": ["name", "$user.id"], "n": ["price", "qty"], "b": ["done"], "d": ["due"]},
    "person": {"t": ["id", "", "name", "boss", "boss.name", "$user.id"], "n": ["age"], "b": ["active"]},
    "text": {"t": ["", "$user.department"]},
    "number": {"n": [""]},
}
_LISTS = {
    "deal": {
        "text": [{"var": "tags"}, {"var": "$user.departments"}],
        "number": [{"var": "scores"}],
        "line": [{"var": "lines"}],
        "person": [{"var": "members"}],
    },
    "line": {"text": [{"var": "marks"}]},
}
Operation = Callable[[Maker, int], Any]


def _call(name: str, *kinds: str, repeat: bool = False) -> Operation:
    def made(maker: Maker, depth: int) -> Any:
        count = maker.random.randrange(1, 4) if repeat else 1
        return {name: [maker.make(kind, depth) for kind in kinds * count]}

    return made


def _compare(maker: Maker, depth: int) -> Any:
    kind = maker.random.choice("tnndis")
    name = maker.random.choice(["<", "<=", ">", ">="])
    return {name: [maker.make(kind, depth), maker.make(kind, depth)]}


def _equal(maker: Maker, depth: int) -> Any:
    left = maker.random.choice("tnbdis")
    right = left if maker.random.random() < 0.85 else maker.random.choice("tnbdis")
    return {maker.random.choice(["==", "!="]): [maker.make(left, depth), maker.make(right, depth)]}


def _if(kind: str) -> Operation:
    def made(maker: Maker, depth: int) -> Any:
        pairs = [maker.make(each, depth) for each in ("b", kind) * maker.random.randrange(1, 3)]
        return {"if": [*pairs, maker.make(kind, depth)] if maker.random.random() < 0.7 else pairs}

    return made


def _listed(maker: Maker, depth: int, kind: str) -> Any:
    if maker.random.random() < 0.4:
        return [maker.make(kind, min(depth, 1)) for _ in range(maker.random.randrange(4))]
    stored = _LISTS.get(maker.scope, {}).get({"t": "text", "n": "number"}[kind])
    return maker.random.choice(stored) if stored else [maker.constant(kind)]


def _in(maker: Maker, depth: int) -> Any:
    kind = maker.random.choice("ttn")
    if maker.scope == "deal" and kind == "t" and maker.random.random() < 0.3:
        return {"in": [maker.make("t", depth), {"var": "members"}]}
    if kind == "t" and maker.random.random() < 0.3:
        return {"in": [maker.make("t", depth), maker.make("t", depth)]}
    return {"in": [maker.make(kind, depth), _listed(maker, depth, kind)]}


def _quantified(maker: Maker, depth: int) -> Any:
    name = maker.random.choice(["some", "all", "none"])
    options = _LISTS.get(maker.scope)
    if options is None or maker.random.random() < 0.2:
        kind = maker.random.choice("tn")
        items = [maker.make(kind, min(depth, 1)) for _ in range(maker.random.randrange(1, 4))]
        return {name: [items, maker.within({"t": "text", "n": "number"}[kind], "b", depth)]}
    scope = maker.random.choice(sorted(options))
    return {name: [maker.random.choice(options[scope]), maker.within(scope, "b", depth)]}


def _is_set(maker: Maker, depth: int) -> Any:
    if maker.random.random() < 0.3:
        return {"is_set": [_listed(maker, depth, "t")]}
    return {"is_set": [maker.make(maker.random.choice("tnbdis"), depth)]}


def _cat(maker: Maker, depth: int) -> Any:
    kinds = maker.random.choices("tnd", k=maker.random.randrange(1, 4))
    return {"cat": [maker.make(kind, depth) for kind in kinds]}


def _extreme(kind: str) -> Operation:
    def made(maker: Maker, depth: int) -> Any:
        name = maker.random.choice(["min", "max"])
        if kind in "tn" and maker.random.random() < 0.3:
            return {name: [_listed(maker, depth, kind) or [maker.constant(kind)]]}
        return {name: [maker.make(kind, depth) for _ in range(maker.random.randrange(1, 4))]}

    return made


def _days(name: str) -> Operation:
    return lambda maker, depth: {name: [maker.make(maker.random.choice("ddi"), depth) for _ in range(2)]}


def _first(maker: Maker, depth: int) -> Any:
    return {"length": [{"first": [_listed(maker, depth, "t")]}]}


def _length(maker: Maker, depth: int) -> Any:
    return {"length": [maker.make("t", depth) if maker.random.random() < 0.6 else _listed(maker, depth, "t")]}


def _date(maker: Maker, depth: int) -> Any:
    return {"date": [maker.make(maker.random.choice("tid"), depth)]}


def _start_of(maker: Maker, depth: int) -> Any:
    return {"start_of": [maker.random.choice(UNITS), maker.make(maker.random.choice("di"), depth)]}


def _hour(maker: Maker, depth: int) -> Any:
    return {"hour": [maker.make("i", depth)]}


OPERATIONS: dict[str, list[Operation]] = {
    "b": [
        _compare,
        _compare,
        _equal,
        _equal,
        _call("and", "b", repeat=True),
        _call("or", "b", repeat=True),
        _call("!", "b"),
        _if("b"),
        _in,
        _in,
        _quantified,
        _quantified,
        _is_set,
        _call("contains", "t", "t"),
        _call("starts_with", "t", "t"),
    ],
    "t": [_cat, _cat, _call("lower", "t"), _call("substr", "t", "n", "n"), _if("t"), _extreme("t")],
    "n": [
        _call("+", "n", repeat=True),
        _call("-", "n", "n"),
        _call("-", "n"),
        _call("*", "n", repeat=True),
        _call("/", "n", "n"),
        _call("%", "n", "n"),
        _call("abs", "n"),
        _call("round", "n"),
        _call("round", "n", "n"),
        _extreme("n"),
        _if("n"),
        _length,
        _first,
        _hour,
        _days("days_between"),
        _days("working_days_between"),
        _call("/", "s", "s"),
    ],
    "d": [
        _date,
        _start_of,
        _call("add_days", "d", "n"),
        _call("add_months", "d", "n"),
        _if("d"),
        _extreme("d"),
        lambda _maker, _depth: {"today": []},
    ],
    "i": [
        _call("+", "i", "s"),
        _call("-", "i", "s"),
        _if("i"),
        _extreme("i"),
        lambda _maker, _depth: {"now": []},
    ],
    "s": [
        _call("-", "i", "i"),
        _call("+", "s", repeat=True),
        _call("-", "s", "s"),
        _call("-", "s"),
        _if("s"),
    ],
}
