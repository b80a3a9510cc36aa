"""Makers: what a scenario says of a field becomes a value, by the dice of its record and what is known already."""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from random import Random
from typing import Any, Protocol

from dacheng.runtime.services.scenario_parts import DepartmentRef, PersonRef, Rec, Ref, Scope
from dacheng.runtime.services.work_days import Office

PLACE = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
CENTS = Decimal("0.01")
TRIES = 24
REPEATS = 60


class Known(Protocol):
    """What makers ask of the story: its moment, words, records, people."""

    now: datetime
    office: Office
    words: Mapping[str, Sequence[str]]
    records: dict[str, Rec]

    def pool(self, template: str, owner: str | None) -> Sequence[Rec]:
        """The records made from a template so far, of one owner or of all."""
        ...

    def who(self, spec: str, scope: Scope) -> str:
        """The person a word such as `owner` or `team:reps` stands for."""
        ...


def weighted(draw: Random, weights: Mapping[str, float]) -> str:
    """One of the keys, as likely as its weight; the same for equal weights in whatever order they came."""
    keys = sorted(weights)
    sums = list(accumulate(weights[key] for key in keys))
    return keys[min(bisect(sums, draw.random() * sums[-1]), len(keys) - 1)]


def between(draw: Random, span: Sequence[float]) -> float:
    """A number from a span."""
    return draw.uniform(float(span[0]), float(span[1]))


def whole(draw: Random, span: Sequence[float]) -> int:
    """A whole number from a span, ends included."""
    return draw.randint(int(span[0]), int(span[1]))


class Making:
    """Values for one story."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.serial: dict[str, int] = {}
        self.taken: set[str] = set()

    # ---------------------------------------------------------------- whole records
    def fill(self, scope: Scope, makers: Mapping[str, Any]) -> None:
        """Make all values of a record; a value that another one speaks of is made before it."""
        scope.rec.making = dict(makers)
        for name in sorted(makers):
            self._field(scope, name)

    def _field(self, scope: Scope, name: str) -> Any:
        rec = scope.rec
        if name in rec.making:
            made = self.value(scope, rec.making.pop(name))
            if made is not None:
                rec.values[name] = made
        return rec.values.get(name)

    # ---------------------------------------------------------------- paths
    def at(self, scope: Scope, path: str) -> Any:
        """What a path leads to: a name of the scope, a field of the record, and on over links and lines."""
        first, *rest = path.split(".")
        if first == "line" and scope.row is not None:
            return self._along(scope.row, rest, scope.row_key) if rest else Ref(scope.row_key)
        if first in scope.names:
            there = scope.names[first]
            return self._along(there, rest, there.key) if rest else Ref(there.key)
        if first == "owner":
            return PersonRef(scope.rec.owner)
        return self._along(self._field(scope, first), rest, f"{scope.rec.key}/{first}")

    def _along(self, held: Any, steps: Sequence[str], key: str) -> Any:
        for step in steps:
            if isinstance(held, Ref):
                key, held = held.key, self.known.records.get(held.key)
            if isinstance(held, Rec):
                held = PersonRef(held.owner) if step == "owner" else held.values.get(step)
            elif isinstance(held, list) and step.isdigit():
                held = held[int(step)] if int(step) < len(held) else None
            elif isinstance(held, dict):
                held = held.get(step)
            else:
                return None
            key = f"{key}/{step}"
        return Ref(key) if isinstance(held, dict) else held

    def meets(self, scope: Scope, wanted: Mapping[str, Any]) -> bool:
        """Whether each path holds the value, or one of the values, asked for."""
        for path, value in wanted.items():
            held = self.at(scope, path)
            if held not in (value if isinstance(value, list) else [value]):
                return False
        return True

    # ---------------------------------------------------------------- makers
    def value(self, scope: Scope, maker: Any) -> Any:
        """The value a maker gives; what is no maker stands for itself."""
        if isinstance(maker, list):
            return [self.value(scope, each) for each in maker]
        if not isinstance(maker, Mapping):
            return maker
        for name, make in _MAKERS:
            if name in maker:
                return make(self, scope, maker)
        return None

    def _pick(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        offered = maker["pick"]
        return weighted(scope.draw, offered) if isinstance(offered, Mapping) else scope.draw.choice(offered)

    def _several(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        left = dict(maker["several"])
        found = []
        for _ in range(min(whole(scope.draw, maker.get("count", (1, 2))), len(left))):
            found.append(weighted(scope.draw, left))
            del left[found[-1]]
        return found or None

    def _text(self, scope: Scope, maker: Mapping[str, Any]) -> str:
        made = self._filled(scope, str(maker["text"]))
        for _ in range(REPEATS if maker.get("unique") else 0):
            if made not in self.taken:
                break
            made = self._filled(scope, str(maker["text"]))
        self.taken.add(made)
        return made

    def _filled(self, scope: Scope, pattern: str) -> str:
        def word(found: re.Match[str]) -> str:
            name = found[1]
            if name == "no":
                self.serial[scope.rec.template] = self.serial.get(scope.rec.template, 0) + 1
                return str(self.serial[scope.rec.template])
            if name in self.known.words:
                chosen = scope.draw.choice(self.known.words[name])
                return self._filled(scope, chosen) if "{" in chosen else chosen
            held = self.at(scope, name)
            return "" if held is None else str(held)

        return PLACE.sub(word, pattern)

    def _digits(self, scope: Scope, maker: Mapping[str, Any]) -> str:
        return re.sub("#", lambda _: str(scope.draw.randrange(10)), str(maker["digits"]))

    def _number(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        low, high = (float(each) for each in maker["number"])
        step = maker.get("step", 1)
        drawn = _skewed(scope.draw, low, high) if maker.get("low") else scope.draw.uniform(low, high)
        made = (Decimal(str(drawn)) / Decimal(str(step))).quantize(Decimal(1), ROUND_HALF_UP) * Decimal(
            str(step)
        )
        return int(made) if made == made.to_integral_value() else made

    def _money(self, scope: Scope, maker: Mapping[str, Any]) -> Decimal:
        return Decimal(self._number(scope, {**maker, "number": maker["money"]})).quantize(CENTS)

    def _day(self, scope: Scope, maker: Mapping[str, Any]) -> str:
        office = self.known.office
        day = self._base(scope, maker) + timedelta(days=whole(scope.draw, maker["day"]))
        return (office.on(day) if maker.get("working") else day).isoformat()

    def _moment(self, scope: Scope, maker: Mapping[str, Any]) -> str:
        held = self.at(scope, maker["from"]) if "from" in maker else None
        start = datetime.fromisoformat(held) if held is not None else self.known.now
        hours = between(scope.draw, maker["moment"])
        office = self.known.office
        at = office.after_hours(start, hours) if maker.get("working") else start + timedelta(hours=hours)
        return at.astimezone(UTC).isoformat(timespec="seconds")

    def _here(self, _scope: Scope, maker: Mapping[str, Any]) -> dict[str, Any]:
        lat, lng = maker["here"]
        at = self.known.now.astimezone(UTC).isoformat(timespec="seconds")
        return {"at": at, "lat": lat, "lng": lng, "accuracy": 20}

    def _base(self, scope: Scope, maker: Mapping[str, Any]) -> date:
        held = self.at(scope, maker["from"]) if "from" in maker else None
        if isinstance(held, str):
            return date.fromisoformat(held[:10])
        return self.known.office.day_of(self.known.now)

    def _of(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        held = self.at(scope, maker["of"])
        return self.value(scope, maker.get("else")) if held is None else held

    def _link(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        found = self._some(scope, maker["link"], maker)
        if found is None:
            return None
        scope.names[maker.get("as", maker["link"])] = found
        return Ref(found.key)

    def _links(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        wanted = whole(scope.draw, maker.get("count", (1, 2)))
        found = [self._some(scope, maker["links"], maker) for _ in range(wanted)]
        keys = dict.fromkeys(each.key for each in found if each is not None)
        return [Ref(key) for key in keys] or None

    def _some(self, scope: Scope, template: str, maker: Mapping[str, Any]) -> Rec | None:
        pool = self.known.pool(template, scope.rec.owner if maker.get("mine") else None)
        for _ in range(TRIES if pool else 0):
            part = scope.draw.random()
            one = pool[int(len(pool) * (part * part if maker.get("low") else part))]
            if self.meets(Scope(one, {}, scope.draw), maker.get("where", {})):
                return one
        return None

    def _person(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        found = self.known.who(maker["person"], scope)
        return PersonRef(found) if found else None

    def _department(self, scope: Scope, maker: Mapping[str, Any]) -> DepartmentRef:
        return DepartmentRef(maker["department"])

    def _sum(self, scope: Scope, maker: Mapping[str, Any]) -> Decimal:
        """Over the rows at a path: of a column, or of what `each` makes of a row."""
        each, path = maker.get("each"), maker["sum"]
        name, _, column = (path, "", "") if each is not None else path.rpartition(".")
        total = Decimal(0)
        for row in self.at(scope, name) or ():
            inside = Scope(scope.rec, scope.names, scope.draw, row)
            found = row.get(column) if each is None else self.value(inside, each)
            total += Decimal(str(found or 0))
        return total

    def _times(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        parts = [self.value(scope, each) for each in maker["times"]]
        return None if None in parts else _rounded(math.prod(Decimal(str(each)) for each in parts), maker)

    def _plus(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        parts = [self.value(scope, each) for each in maker["plus"]]
        return None if None in parts else _rounded(sum(Decimal(str(each)) for each in parts), maker)

    def _chance(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        happens = scope.draw.random() < maker["chance"]
        return self.value(scope, maker.get("then" if happens else "else"))

    def _by(self, scope: Scope, maker: Mapping[str, Any]) -> Any:
        held = self.at(scope, maker["by"])
        return self.value(scope, maker.get("cases", {}).get(str(held), maker.get("else")))

    # ---------------------------------------------------------------- lines
    def _lines(self, scope: Scope, maker: Mapping[str, Any]) -> list[dict[str, Any]]:
        how = maker["lines"]
        if not isinstance(how, Mapping):
            return [self._row(scope, maker["values"], {}) for _ in range(whole(scope.draw, how))]
        if "rows" in how:
            return [self._row(scope, {**maker["values"], **row}, {}) for row in how["rows"]]
        parts = shares(Decimal(str(self.at(scope, how["of"]) or 0)), how["shares"])
        rows = []
        for place, part in enumerate(parts):
            row = {how["into"]: part, "place": place}
            rows.append(self._row(scope, maker["values"], row))
        return rows

    def _row(self, scope: Scope, makers: Mapping[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """One line; its own values are read as `line.…`, and those of its record without."""
        row = dict(given)
        inside = Scope(scope.rec, scope.names, scope.draw, row)
        for name in sorted(makers, key=lambda each: (_leans(makers[each]), each)):
            made = self.value(inside, makers[name])
            if made is not None:
                row[name] = made
        row.pop("place", None)
        return row


def shares(amount: Decimal, parts: Sequence[float]) -> list[Decimal]:
    """An amount in parts that add up to it to the cent; what rounding leaves goes to the last."""
    found = [(amount * Decimal(str(part))).quantize(CENTS, ROUND_HALF_UP) for part in parts[:-1]]
    return [*found, amount - sum(found, Decimal(0))]


def _leans(maker: Any) -> int:
    """How many values of the same line a maker speaks of, near enough to make them in order."""
    text = str(maker)
    return text.count("line.") + (10 if "'times'" in text or "'plus'" in text else 0)


def _skewed(draw: Random, low: float, high: float) -> float:
    """Between two numbers, small ones as much more likely as they are smaller."""
    shift = 1 - low if low < 1 else 0.0
    return math.exp(draw.uniform(math.log(low + shift), math.log(high + shift))) - shift


def _rounded(value: Decimal | int, maker: Mapping[str, Any]) -> Decimal:
    places = maker.get("round")
    made = Decimal(value)
    return made if places is None else made.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


_MAKERS = (
    ("pick", Making._pick),
    ("several", Making._several),
    ("text", Making._text),
    ("digits", Making._digits),
    ("money", Making._money),
    ("number", Making._number),
    ("day", Making._day),
    ("moment", Making._moment),
    ("here", Making._here),
    ("link", Making._link),
    ("links", Making._links),
    ("person", Making._person),
    ("department", Making._department),
    ("sum", Making._sum),
    ("times", Making._times),
    ("plus", Making._plus),
    ("chance", Making._chance),
    ("lines", Making._lines),
    ("by", Making._by),
    ("of", Making._of),
)
