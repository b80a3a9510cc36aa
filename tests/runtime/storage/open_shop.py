"""A shop whose tables are there: the database, the model, and short ways to write and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.metadata.definition import Entity
from dacheng.metadata.expression import Environment, environment
from dacheng.metadata.field_kinds.money import Money
from dacheng.runtime.storage import query, records
from dacheng.runtime.storage.change_log import Stamp
from dacheng.runtime.storage.database import Database, open_database
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.query_plan import Condition, Path, Plan, SortKey
from dacheng.runtime.storage.record_change import Applied, RecordChange
from dacheng.runtime.storage.schema_change import Journal, apply
from tests.runtime.storage.shop import Items, catalogue_of, model_of, uid

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
ACTOR = uid()
STAMP = Stamp(ACTOR, 1_000, "user", "")


def cny(amount: int | str) -> Money:
    """An amount in yuan."""
    return Money(Decimal(amount), "CNY")


@dataclass
class Shop:
    """One open database with the shop's (or other) tables."""

    db: Database
    model: Model
    counter: list[int] = field(default_factory=lambda: [1_000])

    def entity(self, name: str) -> Entity:
        """`purchase` → the shop's entity; `core.user` as it is."""
        return self.model.catalogue.entities[name if "." in name else f"shop.{name}"]

    def change(
        self, action: str, entity: str, key: str, version: int | None = None, **values: Any
    ) -> RecordChange:
        """One change."""
        return RecordChange(action, self.entity(entity), key, values, version)

    def apply(self, *changes: RecordChange, stamp: Stamp = STAMP) -> list[Applied]:
        """All changes in one transaction."""
        return self.db.write_now(lambda tx: records.apply_changes(tx, self.model, changes, stamp))

    def create(self, entity: str, **values: Any) -> str:
        """One new record; answers its id."""
        key = uid()
        self.apply(self.change("create", entity, key, **values))
        return key

    def purchase(self, *amounts: Money | None, **values: Any) -> tuple[str, list[str]]:
        """A purchase with one line per amount; answers their ids."""
        key, lines = uid(), [uid() for _ in amounts]
        self.apply(
            self.change("create", "purchase", key, **values),
            *[
                self.change(
                    "create", "purchase_line", line, purchase=key, amount=amount, quantity=1, position=at
                )
                for at, (line, amount) in enumerate(zip(lines, amounts, strict=True))
            ],
        )
        return key, lines

    def get(self, entity: str, key: str) -> records.Record | None:
        """One record, deleted or not."""
        ref = self.entity(entity).ref
        return self.db.read_now(lambda reader: records.load(reader, self.model, ref, [key])).get(key)

    def json(self, entity: str, key: str) -> dict[str, Any]:
        """One record as JSON."""
        found = self.get(entity, key)
        assert found is not None
        return found.json()

    def path(self, entity: str, dotted: str) -> Path:
        """`owner.name` → fields."""
        current, steps = self.entity(entity), []
        for name in dotted.split("."):
            steps.append(current.fields[name])
            if steps[-1].to:
                current = self.model.catalogue.entities[steps[-1].to]
        return tuple(steps)

    def plan(
        self, entity: str, columns: Sequence[str], where: Condition | None = None, sort: Sequence[str] = (),
        limit: int = 50, after: str | None = None,
    ) -> Plan:  # fmt: skip
        """A plan by names; `-field` sorts downwards."""
        keys = tuple(SortKey(self.path(entity, name.lstrip("-")), name.startswith("-")) for name in sort)
        paths = tuple(self.path(entity, name) for name in columns)
        return Plan(self.entity(entity), paths, where or Condition(), keys, limit, after)

    def fetch(self, plan: Plan, **user: Any) -> query.Page:
        """One page."""
        return self.db.read_now(lambda reader: query.fetch(reader, self.model, plan, surroundings(**user)))

    def values(self, entity: str, column: str, where: Condition | None = None, **user: Any) -> list[Any]:
        """One column's first stored value of every record that meets `where`, in order of that value."""
        page = self.fetch(self.plan(entity, [column], where, [column], 1000), **user)
        return [row[0][0] for row in page.rows]

    def move(self, items: Items) -> None:
        """Publish another definition."""
        model = model_of(catalogue_of(items))
        old = self.model.tables
        self.counter[0] += 1
        journal = Journal("publish", self.counter[0])
        self.db.write_now(lambda tx: apply(tx, [], old, model.tables, journal))
        self.model = model


def surroundings(**user: Any) -> Environment:
    """What expressions are given."""
    return environment(NOW, ZoneInfo("Asia/Shanghai"), {"$user": user} if user else {})


def open_shop(url: str, items: Items | None = None) -> Shop:
    """Open a new database with the shop's tables in it."""
    model = model_of(catalogue_of(items))
    db = open_database(url)
    db.write_now(lambda tx: apply(tx, [], None, model.tables, Journal("install", 1)))
    return Shop(db, model)
