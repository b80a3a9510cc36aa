"""The fixture app `shop` in a database of a test's own, with people of every role, to run services on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from dacheng.metadata import builtin
from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import compile_labels
from dacheng.metadata.package import read_folder
from dacheng.plugins.context import Actor, Cause, Context, System, User
from dacheng.plugins.manager import Plugins
from dacheng.runtime.services import write_record
from dacheng.runtime.services.work import Work, work_for
from dacheng.runtime.services.write_record import Outcome, Write
from dacheng.runtime.storage import schema_change, versions
from dacheng.runtime.storage.database import Database, open_database
from dacheng.runtime.storage.ids import new_id
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.tables import build_tables

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
KINDS = Kinds.of([builtin.part()])
PEOPLE = {"kim": "keeper", "clara": "clerk", "cody": "clerk", "gus": "guest"}
T = TypeVar("T")


@cache
def packages() -> tuple[Package, ...]:
    """Core and the shop, read once."""
    return (read_folder(ROOT / "apps/core", KINDS), read_folder(ROOT / "tests/apps/shop", KINDS))


@cache
def shop_model() -> Model:
    """The model of core and the shop, compiled once."""
    return model_of(packages())


def model_of(content: tuple[Package, ...]) -> Model:
    """The model of some packages."""
    catalogue = compile_catalogue(content, KINDS)
    return Model(1, catalogue, compile_labels(content, catalogue, KINDS), build_tables(catalogue))


@dataclass
class Workspace:
    """One database with the model's tables; `people` maps a first name to the id of a user record."""

    db: Database
    model: Model
    people: dict[str, str]
    hooks: Plugins
    ids: Callable[[], str] = new_id
    now: datetime = NOW

    def work(self, who: str = "", *, cause: str = "user") -> Work:
        """The frame of one call by a person, or by the system, on the versions as they are now."""
        actor: Actor = System()
        if who:
            department = self.people.get("department")
            roles = frozenset({f"shop.{PEOPLE[who]}"})
            actor = User(
                self.people[who], who.title(), roles, department, (department,) if department else ()
            )
        known = self.db.read_now(versions.read_versions)
        self.model = replace(self.model, versions=known)
        return work_for(self.context(actor, cause), self.model, KINDS, self.hooks)

    def context(self, actor: Actor, cause: str = "user") -> Context:
        """The surroundings of one call."""
        zone = ZoneInfo("Asia/Shanghai")
        model = self.model
        return Context(actor, self.now, "en", zone, Cause(cause), self.ids, model.catalogue, model.labels)

    def read(self, ask: Callable[[Reader], T]) -> T:
        """Ask within one snapshot."""
        return self.db.read_now(ask)

    def save(self, who: str, action: str, ref: str, record: str | None = None, **more: Any) -> Outcome:
        """One save by a person (or the system), as pages and the API do it."""
        return write_record.write_now(self.db, self.work(who), Write(action, ref, record, **more))

    def create(self, who: str, ref: str, values: Mapping[str, Any], **more: Any) -> str:
        """Create a record and answer its id."""
        return self.save(who, "create", ref, values=values, **more).id

    def update(self, who: str, ref: str, record: str, values: Mapping[str, Any], **more: Any) -> Outcome:
        """Change a record."""
        return self.save(who, "update", ref, record, values=values, **more)


def open_workspace(
    url: str, model: Model | None = None, hooks: Plugins | None = None, ids: Callable[[], str] = new_id
) -> Workspace:
    """A fresh database with the model's tables and its people."""
    chosen = shop_model() if model is None else model
    db = open_database(url, synchronous="OFF")
    journal = schema_change.Journal("test", 0)
    db.write_now(lambda tx: schema_change.apply(tx, (), None, chosen.tables, journal))
    made = Workspace(db, chosen, {}, hooks or Plugins({}), ids)
    made.people["department"] = made.create("", "core.department", {"name": "North"})
    for name in PEOPLE:
        values = {"name": name.title(), "department": made.people["department"], "status": "active"}
        made.people[name] = made.create("", "core.user", values)
    return made
