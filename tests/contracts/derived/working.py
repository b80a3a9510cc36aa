"""Somebody at work in the mill: every way of writing there is, each told only which records to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import handover, import_records, undo_import
from dacheng.runtime.services.handover import Handover
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.storage import checks
from tests.contracts.derived import mill
from tests.contracts.field_kinds.house import House

BASE = f"/api/v1/apps/{mill.APP}"
ANY = {"if-match": "*"}
NUMBERS = (None, 0, 1, 3, 7, 50, 51, 80, 100)
NUMBERED = count(1)  # no two records of one run are called the same
AMOUNTS = ("0", "0.05", "2.50", "10", "33.33", "120")


def _quiet(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def price(n: int) -> dict[str, str] | None:
    """Some amount, now and then in another currency, now and then none."""
    if n % 11 == 0:
        return None
    return {"amount": AMOUNTS[n % len(AMOUNTS)], "currency": "USD" if n % 7 == 0 else "CNY"}


@dataclass
class Mill:
    """The records that one example made; every step answers whether it was carried out, and refuses calmly or not at all."""

    house: House
    people: tuple[str, str]
    ids: dict[str, list[str]] = field(default_factory=lambda: {"company": [], "deal": [], "product": []})
    gone: list[tuple[str, str]] = field(default_factory=list)
    bulks: list[str] = field(default_factory=list)
    merges: list[tuple[str, str]] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # why something was refused

    # ------------------------------------------------------------ asking
    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's body, or None where it was refused; never a failure of the product's own."""
        answer = self.house.program.request(method, f"{BASE}{path}", json=body, headers=ANY)
        assert answer.status_code < 500, (method, path, body, answer.text)
        if answer.status_code >= 400:
            self.said.append(f"{method} {path}: {answer.text}")
            return None
        return answer.json() if answer.content else {}

    def pick(self, entity: str, n: int) -> str | None:
        """One of the records made here, or none."""
        known = self.ids[entity]
        return known[n % len(known)] if known else None

    def one(self, entity: str, n: int) -> dict[str, Any] | None:
        """A living record as the API shows it."""
        found: dict[str, Any] | None = self.call("GET", f"/{entity}/{self.pick(entity, n)}")
        return found

    def living(self, entity: str) -> list[dict[str, Any]]:
        """Every record made here that is not in the recycle bin."""
        asked = (self.call("GET", f"/{entity}/{each}") for each in self.ids[entity])
        return [each for each in asked if each is not None]

    def wrong(self) -> list[str]:
        """What is not true of the records made here, by our own reckoning and by the doctor's."""
        own = mill.wrong(self.living("company"), self.living("deal"), self.living("product"))
        model = self.house.host.model()
        found = self.house.host.db.read_now(lambda reader: checks.check_all(reader, model))
        return own + [each.message for each in found]

    # ------------------------------------------------------------ one record
    def make(self, entity: str, **values: Any) -> bool:
        """A new record."""
        made = self.call("POST", f"/{entity}", {"name": f"{entity} {next(NUMBERED)}", **values})
        if made is not None:
            self.ids[entity].append(made["id"])
        return made is not None

    def company(self, a: int, b: int, c: int) -> bool:
        """A new company, below another one."""
        region = (None, "north", "south")[b % 3]
        return self.make("company", region=region, parent=self.pick("company", a) if c % 2 else None)

    def product(self, a: int, b: int, c: int) -> bool:
        """A new product."""
        return self.make("product")

    def deal(self, a: int, b: int, c: int) -> bool:
        """A new deal with lines."""
        friends = [each for each in (self.pick("company", b), self.pick("company", c)) if each]
        return self.make(
            "deal",
            firm=self.pick("company", a),
            amount=price(b + 1),
            chance=NUMBERS[c % len(NUMBERS)],
            friends=list(dict.fromkeys(friends)),
            lines=[self.line(n + b) for n in range(c % 4)],
            owner=self.people[0],
        )

    def line(self, n: int) -> dict[str, Any]:
        """A line's values."""
        partner = self.pick("company", n + 1)
        return {
            "name": f"line {n}",
            "count": NUMBERS[n % 6],
            "price": price(n + 2),
            "product": self.pick("product", n),
            "partners": [partner] if partner and n % 2 else [],
        }

    def change(self, a: int, b: int, c: int) -> bool:
        """A deal's own values, one or several."""
        values = {
            "amount": price(b),
            "chance": NUMBERS[c % len(NUMBERS)],
            "firm": self.pick("company", b + c),
        }
        some = dict(list(values.items())[: 1 + c % 3]) if b % 2 else {"firm": values["firm"]}
        return self.call("PATCH", f"/deal/{self.pick('deal', a)}", some) is not None

    def lines(self, a: int, b: int, c: int) -> bool:
        """A deal's lines: some kept, in another order, some changed, one new."""
        deal = self.one("deal", a)
        if deal is None:
            return False
        kept = [{"id": each["id"]} for each in deal["lines"] or ()]
        kept = kept[b % 2 :][::-1] if c % 2 else kept
        if kept:
            kept[0] = {**kept[0], "count": NUMBERS[c % 6], "product": self.pick("product", b)}
        new = [self.line(b + c)] if b % 3 else []
        return self.call("PATCH", f"/deal/{deal['id']}", {"lines": [*kept, *new]}) is not None

    def move(self, a: int, b: int, c: int) -> bool:
        """A company's region and the company above it."""
        values = {"region": ("north", "south")[b % 2], "parent": self.pick("company", c)}
        return self.call("PATCH", f"/company/{self.pick('company', a)}", values) is not None

    def step(self, a: int, b: int, c: int) -> bool:
        """A step of the workflow, by its name or dragged across the board."""
        deal = self.one("deal", a)
        if deal is None:
            return False
        step, stage = ("win", "won") if deal["stage"] == "open" else ("reopen", "open")
        if b % 2:
            body = {"amount": price(c + 1)} if c % 2 else {}
            return self.call("POST", f"/deal/{deal['id']}/transitions/{step}", body) is not None
        return self.call("POST", f"/deal/{deal['id']}/place", {"field": "stage", "value": stage}) is not None

    def take_back(self, a: int, b: int, c: int) -> bool:
        """One of a deal's latest changes, alone or with all that was saved with it."""
        deal = self.pick("deal", a)
        history = self.call("GET", f"/deal/{deal}/history")
        entries = [
            each
            for each in (history or {}).get("items", ())
            if (each["action"], each["line"]) == ("update", None)
        ]
        if not entries:
            return False
        seq = entries[b % len(entries[:3])]["seq"]
        whole = "?whole=true" if c % 2 else ""
        return self.call("POST", f"/deal/{deal}/changes/{seq}/undo{whole}") is not None

    # ------------------------------------------------------------ gone and back
    def drop(self, a: int, b: int, c: int) -> bool:
        """A record goes to the recycle bin."""
        entity = ("company", "deal", "product", "deal")[b % 4]
        ident = self.pick(entity, a)
        done = ident is not None and self.call("DELETE", f"/{entity}/{ident}") is not None
        if done:
            self.gone.append((entity, str(ident)))
        return done

    def bring_back(self, a: int, b: int, c: int) -> bool:
        """Something comes out of the recycle bin."""
        if not self.gone:
            return False
        entity, ident = self.gone.pop(a % len(self.gone))
        return self.call("POST", f"/{entity}/{ident}/restore") is not None

    # ------------------------------------------------------------ many records
    def bulk(self, a: int, b: int, c: int) -> bool:
        """Many deals at once: a value of theirs, or all of them away."""
        values = ({"chance": NUMBERS[c % 9]}, {"firm": self.pick("company", c)}, {"amount": price(c)})[b % 3]
        body: dict[str, Any] = {"ids": self.ids["deal"][a % 3 :], "action": "set", "values": values}
        if c % 5 == 0:
            body = {"ids": self.ids["deal"][:2], "action": "delete"}
        done = self.call("POST", "/deal/bulk", body) if body["ids"] else None
        if done is not None and done["undo"]:
            self.bulks.append(done["undo"])
        return done is not None and done["done"] > 0

    def bulk_back(self, a: int, b: int, c: int) -> bool:
        """A change of many taken back."""
        return bool(self.bulks) and self.call("POST", f"/deal/bulk/{self.bulks.pop()}/undo") is not None

    def merge(self, a: int, b: int, c: int) -> bool:
        """Two records become one."""
        entity = ("company", "product", "deal")[c % 3]
        keep, lost = self.pick(entity, a), self.pick(entity, b)
        take = {"company": ["region", "parent"], "deal": ["amount", "firm"], "product": ["name"]}[entity]
        body = {"drop": lost, "take": take[: c % 2 + 1] if a % 2 else []}
        done = self.call("POST", f"/{entity}/{keep}/merge", body) if keep and lost else None
        if done is not None:
            self.merges.append((entity, done["id"]))
        return done is not None

    def unmerge(self, a: int, b: int, c: int) -> bool:
        """And two again."""
        if not self.merges:
            return False
        entity, ident = self.merges.pop()
        return self.call("POST", f"/{entity}/merges/{ident}/undo") is not None

    # ------------------------------------------------------------ the product at work
    def hand_over(self, a: int, b: int, c: int) -> bool:
        """All of one person's work goes to the other."""
        leaver, heir = self.people[:: 1 if a % 2 else -1]
        host, asked = self.house.host, Handover(leaver, (heir,), (), keep_finished=bool(b % 2))
        done = handover.hand_over(host.db, host.work(), asked, _quiet)
        self.handed.append(done.id)
        return done.moved > 0

    def hand_back(self, a: int, b: int, c: int) -> bool:
        """A handover taken back."""
        host = self.house.host
        return bool(self.handed) and self._calm(
            lambda: handover.undo(host.db, host.work(), self.handed.pop(), _quiet)
        )

    def take_in(self, a: int, b: int, c: int) -> bool:
        """A file of deals: some are there already and found by name, some are new."""
        host, names = self.house.host, [each["name"] for each in self.living("deal")[a % 2 :]]
        firm = self.one("company", b)
        title = "" if firm is None else firm["name"]
        cells = [f"{name},{NUMBERS[(c + n) % 9] or ''},{n * 10}.5,{title}" for n, name in enumerate(names)]
        new = f"new {next(NUMBERED)}"
        cells.append(f"{new},{c % 100},20,{title}")
        file = Source("deals.csv", "\n".join(["name,chance,amount,firm", *cells]).encode())
        columns: dict[str, Any] = {each: {"column": each} for each in ("name", "chance", "amount")}
        columns["firm"] = {"column": "firm", "match": "name", "missing": "empty"}
        done = import_records.start(
            host,
            host.work(),
            f"{mill.APP}.deal",
            file,
            {"columns": columns, "key": "name"},
            rules=bool(c % 2),
        )
        self.runs.append(done.run)
        named = {"filter": f'{{"==":[{{"var":"name"}},"{new}"]}}', "fields": "id"}
        found = self.house.program.get(f"{BASE}/deal", params=named)
        assert found.status_code == 200, found.text
        self.ids["deal"] += [each["id"] for each in found.json()["items"]]
        return done.stored > 0

    def take_out(self, a: int, b: int, c: int) -> bool:
        """An import undone."""
        host = self.house.host
        return bool(self.runs) and self._calm(
            lambda: undo_import.undo(host, host.work(), self.runs.pop(), _quiet)
        )

    def _calm(self, do: Callable[[], object]) -> bool:
        try:
            do()
        except Refused:
            return False
        return True


STEPS: tuple[str, ...] = (
    "company",
    "product",
    "deal",
    "change",
    "lines",
    "move",
    "step",
    "take_back",
    "drop",
    "bring_back",
    "bulk",
    "bulk_back",
    "merge",
    "unmerge",
    "hand_over",
    "hand_back",
    "take_in",
    "take_out",
)
