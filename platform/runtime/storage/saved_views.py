"""Views that people keep of lists, and what each person chose for themselves; an overlay, no part of any app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import list_choice, saved_view


@dataclass(frozen=True, slots=True)
class ViewRow:
    """One kept view; `shape` is JSON, `version` counts its changes."""

    id: str
    entity: str
    owner: str
    shared: bool
    name: str
    shape: Any
    version: int


_b = sa.bindparam
_COLUMNS = tuple(
    saved_view.c[name] for name in ("id", "entity", "owner", "shared", "name", "shape", "version")
)
_WITHIN_REACH = Prepared(
    sa.select(*_COLUMNS)
    .where(
        saved_view.c.entity == _b("entity"),
        sa.or_(
            saved_view.c.shared == sa.literal_column("1"),
            sa.and_(saved_view.c.shared == sa.literal_column("0"), saved_view.c.owner == _b("owner")),
        ),
    )
    .order_by(saved_view.c.name, saved_view.c.id)
)
_ONE = Prepared(sa.select(*_COLUMNS).where(saved_view.c.id == _b("id")))
_OWNED = Prepared(sa.select(sa.func.count()).select_from(saved_view).where(saved_view.c.owner == _b("owner")))
_ADD = Prepared(
    saved_view.insert()
    .values(
        {
            name: _b(name)
            for name in ("id", "entity", "owner", "shared", "name", "shape", "version", "changed_at")
        }
    )
    .inline()
)
_CHANGE = Prepared(
    sa.update(saved_view)
    .where(saved_view.c.id == _b("the"), saved_view.c.version == _b("was"))
    .values(
        shared=_b("shared"),
        name=_b("name"),
        shape=_b("shape"),
        version=_b("version"),
        changed_at=_b("changed_at"),
    )
)
_DROP = Prepared(sa.delete(saved_view).where(saved_view.c.id == _b("id")))
_CHOICES = Prepared(
    sa.select(list_choice.c.view, list_choice.c.choice).where(
        list_choice.c.user == _b("user"), list_choice.c.entity == _b("entity")
    )
)
_FORGET_CHOICE = Prepared(
    sa.delete(list_choice).where(
        list_choice.c.user == _b("user"),
        list_choice.c.entity == _b("entity"),
        list_choice.c.view == _b("view"),
    )
)
_FORGET_VIEW = Prepared(sa.delete(list_choice).where(list_choice.c.view == _b("view")))
_CHOOSE = Prepared(
    list_choice.insert().values({name: _b(name) for name in ("user", "entity", "view", "choice")}).inline()
)


def within_reach(reader: Reader, entity: str, owner: str) -> list[ViewRow]:
    """One's own views of an entity and everybody's shared ones, by name."""
    return [_row(row) for row in reader.rows(_WITHIN_REACH, {"entity": entity, "owner": owner})]


def find(reader: Reader, view: str) -> ViewRow | None:
    """One view by its id, whoever's it is."""
    row = reader.row(_ONE, {"id": view})
    return None if row is None else _row(row)


def owned(reader: Reader, owner: str) -> int:
    """How many views somebody keeps."""
    return int(reader.scalar(_OWNED, {"owner": owner}))


def add(tx: Transaction, row: ViewRow, now: int) -> None:
    """Keep a new view."""
    tx.execute(_ADD, {**_values(row, now), "id": row.id, "entity": row.entity, "owner": row.owner})


def change(tx: Transaction, row: ViewRow, was: int, now: int) -> bool:
    """Replace a view that still has version `was`; says whether it had."""
    return tx.execute(_CHANGE, {**_values(row, now), "the": row.id, "was": was}) == 1


def drop(tx: Transaction, view: str) -> None:
    """Forget a view and what people had chosen for it."""
    tx.execute(_DROP, {"id": view})
    tx.execute(_FORGET_VIEW, {"view": view})


def choices(reader: Reader, user: str, entity: str) -> dict[str, Any]:
    """What a person chose for an entity's lists, by view; under the empty name what holds for all of them."""
    rows = reader.rows(_CHOICES, {"user": user, "entity": entity})
    return {view: orjson.loads(choice) for view, choice in rows}


def choose(tx: Transaction, user: str, entity: str, view: str, choice: Any) -> None:
    """Keep a person's choice for one view; an empty choice is forgotten."""
    key = {"user": user, "entity": entity, "view": view}
    tx.execute(_FORGET_CHOICE, key)
    if choice:
        tx.execute(_CHOOSE, {**key, "choice": orjson.dumps(choice).decode()})


def _values(row: ViewRow, now: int) -> dict[str, Any]:
    return {
        "shared": int(row.shared),
        "name": row.name,
        "shape": orjson.dumps(row.shape, default=str).decode(),
        "version": row.version,
        "changed_at": now,
    }


def _row(row: tuple[Any, ...]) -> ViewRow:
    return ViewRow(row[0], row[1], row[2], bool(row[3]), row[4], orjson.loads(row[5]), row[6])
