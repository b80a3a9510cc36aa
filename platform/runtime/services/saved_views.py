"""Saved views: a list as somebody wants to find it again, kept for oneself or shared; an overlay at request time.

A view says names, and means what these names mean to whoever opens it. A column, order or grouping by a field
that one may not see is left out; a view that filters by such a field does not exist for that person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import orjson

from dacheng.metadata.definition import Field, ListView
from dacheng.metadata.expression import DATE, INSTANT, TEXT, Expression
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.plugins.context import User
from dacheng.runtime.services import gate
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.links import plain
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import saved_views
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.saved_views import ViewRow

KINDS = ("table", "board", "calendar")
MAX_NAME = 60
MAX_VIEWS = 200
MAX_GROUPS = 3
KEPT = 512


@dataclass(frozen=True, slots=True)
class Shape:
    """How a list is shown. `list` is the app's list it began as: that one's own filter holds as well.

    `sort` are dotted paths (`-` sorts descending), `columns` and `group` too; `on` is the field a board or a
    calendar stands on. Empty parts mean what the app's list says.
    """

    list: str = ""
    filter: Json = None
    sort: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    kind: str = "table"
    on: str = ""

    def json(self) -> dict[str, Json]:
        """As it is kept and as the API gives it."""
        return asdict(self)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Shape:
        """From its JSON; what is not there is empty."""
        return cls(
            list=str(body.get("list") or ""),
            filter=body.get("filter"),
            sort=tuple(body.get("sort") or ()),
            columns=tuple(body.get("columns") or ()),
            group=tuple(body.get("group") or ()),
            kind=str(body.get("kind") or "table"),
            on=str(body.get("on") or ""),
        )


@dataclass(frozen=True, slots=True)
class SavedView:
    """One view as one person sees it; `usable` is False for one's own view whose filter no longer holds."""

    id: str
    name: str
    owner: str
    shared: bool
    version: int
    shape: Shape
    mine: bool
    may_change: bool
    usable: bool = True

    def json(self) -> dict[str, Json]:
        """As the API gives it."""
        head: dict[str, Json] = {
            "id": self.id,
            "name": self.name,
            "shared": self.shared,
            "mine": self.mine,
            "may_change": self.may_change,
            "usable": self.usable,
            "version": self.version,
        }
        return head | self.shape.json()


def stands_on(kind: str, target: Field | None) -> bool:
    """Whether a field can carry a board (its options are the columns) or a calendar (its days)."""
    if target is None or target.virtual or len(target.codec.columns) != 1:
        return False
    if kind == "board":
        return bool(target.options) and target.codec.type == TEXT
    return target.codec.type in (DATE, INSTANT)


# ---------------------------------------------------------------- reading
def views(reader: Reader, work: Work, ref: str) -> list[SavedView]:
    """The views of an entity's lists that exist for this person: one's own first, then the shared ones, by name."""
    work.entity(ref)
    rows = saved_views.within_reach(reader, ref, work.context.actor.id)
    found = [view for row in rows if (view := _seen(work, row)) is not None]
    return sorted(found, key=lambda view: (view.shared, view.name, view.id))


def _seen(work: Work, row: ViewRow) -> SavedView | None:
    kept = cast("dict[Any, SavedView | None]", work.policy.prepared.setdefault("views", {}))
    actor = work.context.actor.id
    key = (row.id, row.version, row.owner == actor)
    if key not in kept:
        if len(kept) >= KEPT:
            kept.clear()
        kept[key] = _as_seen(work, row, actor)
    return kept[key]


def _as_seen(work: Work, row: ViewRow, actor: str) -> SavedView | None:
    policy = work.entity(row.entity)
    shape, mine = Shape.of(row.shape), row.owner == actor
    problems: list[Problem] = []
    extra = _own_filter(work, row.entity, shape.list, problems)
    gate.conditions(work, row.entity, shape.filter, extra, problems)
    if problems and not mine:
        return None
    shown = shape if not problems else replace(shape, list="", filter=None)
    may_change = work.policy.admin or (mine and (policy.share_views or not row.shared))
    return SavedView(
        id=row.id,
        name=row.name,
        owner=row.owner,
        shared=row.shared,
        version=row.version,
        shape=_known_parts(work, row.entity, shown),
        mine=mine,
        may_change=may_change,
        usable=not problems,
    )


def _known_parts(work: Work, ref: str, shape: Shape) -> Shape:
    """The shape without the names that mean nothing to this person."""

    def known(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(name for name in names if _column(work, ref, name.removeprefix("-")))

    on = work.entity(ref).readable.get(shape.on)
    kind = shape.kind if shape.kind == "table" or stands_on(shape.kind, on) else "table"
    return replace(
        shape,
        sort=known(shape.sort),
        columns=known(shape.columns),
        group=known(shape.group),
        kind=kind,
        on=shape.on if kind != "table" else "",
    )


def _column(work: Work, ref: str, path: str) -> bool:
    found = gate.resolve(work, ref, path)
    return found is not None and bool(found[-1].codec.columns)


def definition_of(work: Work, ref: str, name: str) -> ListView | None:
    """The app's list of this name over an entity."""
    for app in work.model.catalogue.apps.values():
        view = app.lists.get(name)
        if view is not None and view.entity == ref:
            return view
    return None


def _own_filter(work: Work, ref: str, name: str, problems: list[Problem]) -> tuple[Expression, ...]:
    view = definition_of(work, ref, name) if name else None
    if name and view is None:
        problems.append(problem("query.unknown_view"))
    return (view.filter,) if view is not None and view.filter is not None else ()


# ---------------------------------------------------------------- writing
def keep(
    tx: Transaction, work: Work, ref: str, name: str, shape: Shape, *, shared: bool = False
) -> SavedView:
    """Keep a view of an entity's lists; answers it as its owner sees it."""
    owner = person_of(work)
    if saved_views.owned(tx, owner) >= MAX_VIEWS:
        raise refuse("view.too_many", limit=MAX_VIEWS)
    checked = _checked(work, ref, shape)
    _demand_may_share(work, ref, shared)
    row = ViewRow(work.context.new_id(), ref, owner, shared, _name(name), checked.json(), 1)
    saved_views.add(tx, row, _now(work))
    return _own(work, row)


def change(
    tx: Transaction,
    work: Work,
    ref: str,
    view: str,
    *,
    name: str | None = None,
    shared: bool | None = None,
    shape: Shape | None = None,
    version: int | None = None,
) -> SavedView:
    """Rename, share or reshape a view; with `version`, only from just that one."""
    row = _demand_own(tx, work, ref, view)
    if version is not None and version != row.version:
        raise refuse("view.moved")
    _demand_may_share(work, ref, row.shared if shared is None else shared)  # what stays shared is shared anew
    changed = replace(
        row,
        name=row.name if name is None else _name(name),
        shared=row.shared if shared is None else shared,
        shape=row.shape if shape is None else _checked(work, ref, shape).json(),
        version=row.version + 1,
    )
    if not saved_views.change(tx, changed, row.version, _now(work)):
        raise refuse("view.moved")
    return _own(work, changed)


def own_shape(reader: Reader, work: Work, ref: str, view: str) -> Shape:
    """A view's shape as it is kept, for whoever may change it."""
    return Shape.of(_demand_own(reader, work, ref, view).shape)


def drop(tx: Transaction, work: Work, ref: str, view: str) -> str:
    """Forget a view of one's own (an administrator: any shared one); answers its name."""
    row = _demand_own(tx, work, ref, view)
    saved_views.drop(tx, row.id)
    return row.name


def _checked(work: Work, ref: str, shape: Shape) -> Shape:
    """The shape when every name in it means something to its maker; raises `Refused` with every problem."""
    problems: list[Problem] = []
    extra = _own_filter(work, ref, shape.list, problems)
    if problems:
        raise Refused(problems)
    gate.plan(work, Query(ref, shape.columns or ("id",), shape.filter, shape.sort, extra=extra))
    for at, path in enumerate(shape.group):
        if not _column(work, ref, path):
            problems.append(problem("query.unknown_field", f"/group/{at}", name=path))
    on = work.entity(ref).readable.get(shape.on)
    if shape.kind != "table" and on is None:
        problems.append(problem("query.unknown_field", "/on", name=shape.on))
    elif shape.kind != "table" and not stands_on(shape.kind, on):
        problems.append(problem("view.needs_field", "/on", name=shape.on))
    if problems:
        raise Refused(problems)
    exact = None if shape.filter is None else orjson.loads(orjson.dumps(shape.filter, default=_exact))
    return replace(shape, filter=exact, on=shape.on if shape.kind != "table" else "")


def _exact(value: object) -> Json:
    return {"number": plain(value)}


def _demand_own(reader: Reader, work: Work, ref: str, view: str) -> ViewRow:
    """The row, where this person may change it; a view out of reach is one that does not exist."""
    work.entity(ref)
    row = saved_views.find(reader, view)
    seen = _seen(work, row) if row is not None and row.entity == ref else None
    within_reach = seen is not None and (seen.mine or seen.shared)
    if row is None or seen is None or not within_reach:
        raise refuse("query.unknown_view")
    if not (seen.mine or seen.may_change):
        raise refuse("view.not_yours")
    return row


def _demand_may_share(work: Work, ref: str, shared: bool) -> None:
    if shared and not work.entity(ref).share_views:
        raise refuse("view.may_not_share", "/shared")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME:
        raise refuse("view.name_needed", "/name", limit=MAX_NAME)
    return name


def person_of(work: Work) -> str:
    """Whoever asks, when that is a person: programs of the product itself keep no views."""
    if not isinstance(work.context.actor, User):
        raise refuse("access.not_permitted")
    return work.context.actor.id


def _own(work: Work, row: ViewRow) -> SavedView:
    seen = _seen(work, row)
    if seen is None:
        raise refuse("query.unknown_view")
    return seen


def _now(work: Work) -> int:
    return int(work.context.now.timestamp() * 1000)
