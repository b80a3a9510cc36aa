"""Records are read here: pages by key and counts, as prepared statements kept per shape of question."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa

from dacheng.metadata.expression import Environment, Expression, shape
from dacheng.runtime.storage import keyset, search
from dacheng.runtime.storage.expression_sql import Prepared as Bound
from dacheng.runtime.storage.lru import Lru
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.ordering import MissingSmallest
from dacheng.runtime.storage.query_plan import (
    AggregatePlan,
    Condition,
    Group,
    Path,
    Plan,
    SortKey,
    names,
)
from dacheng.runtime.storage.query_scope import Scope, Slot
from dacheng.runtime.storage.reader import Prepared, Reader, Row
from dacheng.runtime.storage.tables import EntityTable

__all__ = [
    "AggregatePlan",
    "Condition",
    "Group",
    "Page",
    "Path",
    "Plan",
    "SortKey",
    "count",
    "fetch",
    "fetch_unchanged",
]
T = TypeVar("T")
KEPT_STATEMENTS = 512
NEVER_NULL = frozenset({"id", "version", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as the driver gave them: id, version, then each column's values at its span; `next` None at the end."""

    raw: list[Row]
    spans: tuple[slice, ...]
    next: str | None

    @property
    def rows(self) -> list[tuple[tuple[Any, ...], ...]]:
        """For each row, for each column asked for, its stored values as the codec takes them."""
        spans = self.spans
        return [tuple([row[span] for span in spans]) for row in self.raw]

    @property
    def ids(self) -> list[str]:
        """The records' ids."""
        return [row[0] for row in self.raw]


@dataclass(frozen=True, slots=True)
class Ready:
    """A compiled question: a statement per step, and how to bind the values of the next one of its shape."""

    statements: tuple[Prepared, ...]
    bound: tuple[tuple[Slot, Bound], ...]
    spans: tuple[slice, ...]
    sort_span: slice

    def params(self, where: Condition, environment: Environment) -> dict[str, Any]:
        """The values of this question's own expressions."""
        given: dict[str, Any] = {}
        for slot, bound in self.bound:
            expression = _standing_in(slot, where)
            given.update(bound.params(shape(expression, environment)[1], environment))
        return given


def _standing_in(slot: Slot, where: Condition) -> Expression:
    kind, place = slot
    if kind == "formula":
        assert isinstance(place, Expression)
        return place  # always the same: it is part of the definition
    found = (
        (where.hops or {})[place]
        if kind == "hop"
        else (where.rules if kind == "rule" else where.predicates)[place]
    )
    assert isinstance(found, Expression)
    return found


def fetch(reader: Reader, model: Model, plan: Plan, environment: Environment) -> Page:
    """One page. `environment` carries now, zone and the context's variables of all its expressions."""
    asked = _asked(reader, model, plan, environment)
    return Page([], (), None) if asked is None else asked.page(reader)


def fetch_unchanged(
    reader: Reader, model: Model, plan: Plan, environment: Environment, make: Callable[[Page], T]
) -> T:
    """What `make` gives for a page; not asked again while nobody commits and statement and values are the same.

    `make` must be a function that is always the same one, and look at nothing but the page.
    """
    asked = _asked(reader, model, plan, environment)
    if asked is None:
        return make(Page([], (), None))
    key = (make, asked.limit, asked.ready.statements, tuple(asked.given.items()))
    return reader.unchanged(key, lambda: make(asked.page(reader)))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page's statements with the values of this time."""

    name: str
    ready: Ready
    given: dict[str, Any]
    limit: int

    def page(self, reader: Reader) -> Page:
        """Run the statements, one after the other, until the page is full."""
        rows = _read(reader, self.ready, dict(self.given))
        following = None
        if len(rows) > self.limit:
            rows = rows[: self.limit]
            following = keyset.encode(self.name, rows[-1][self.ready.sort_span])
        return Page(rows, self.ready.spans, following)


def _asked(reader: Reader, model: Model, plan: Plan, environment: Environment) -> _Asked | None:
    """None where the search can find nothing."""
    made = model.tables.entity(plan.entity.ref)
    asked = question_of(reader, made, plan.where)
    if asked is False:
        return None
    sort_shape = tuple((names(key.path), key.descending) for key in plan.sort)
    name = keyset.digest((plan.entity.ref, sort_shape))
    cursor = None if plan.after is None else keyset.decode(plan.after, name, _kinds(plan))
    pattern = None if cursor is None else tuple(value is None for value in cursor)
    weighed = isinstance(asked, str) and _is_kept_in_order(made, plan)
    in_order = search.is_common(reader, made, str(asked)) if weighed else None
    key = (
        "page", reader.dialect, tuple(map(names, plan.columns)), sort_shape, pattern, asked is not None, in_order,
        *condition_shape(plan.where, environment),
    )  # fmt: skip
    ready = kept(made).get(
        key, lambda: _compile_page(reader, model, plan, environment, pattern, in_order=in_order)
    )
    given = {**values_of(reader, ready, plan.where, environment, asked), "limit": plan.limit + 1}
    given.update({f"c{at}": value for at, value in enumerate(cursor or ())})
    return _Asked(name, ready, given, plan.limit)


def _read(reader: Reader, ready: Ready, given: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    wanted = given["limit"]
    for statement in ready.statements:
        rows.extend(reader.rows(statement, given))
        if len(rows) >= wanted:
            break
        given["limit"] = wanted - len(rows)
    return rows


def count(
    reader: Reader,
    model: Model,
    plan: Plan | AggregatePlan,
    environment: Environment,
    at_most: int | None = None,
) -> int:
    """How many records meet the plan's conditions; with `at_most`, counting stops there."""
    made = model.tables.entity(plan.entity.ref)
    asked = question_of(reader, made, plan.where)
    if asked is False:
        return 0
    key = (
        "count", reader.dialect, at_most, asked is not None, *condition_shape(plan.where, environment),
    )  # fmt: skip

    def make() -> Ready:
        scope = Scope(model.tables, made, reader.dialect, environment, plan.where.hops)
        conditions = conditions_of(scope, plan.where, asked is not None)
        if at_most is None:
            statement = sa.select(sa.func.count()).select_from(scope.source).where(*conditions)
        else:
            inner: sa.Select[Any] = (
                sa.select(sa.literal_column("1").label("one")).select_from(scope.source).where(*conditions)
            )
            # written out, so that a plan made for any value knows how few rows are wanted
            limited = inner.limit(sa.literal_column(str(int(at_most)), sa.BigInteger())).subquery()
            statement = sa.select(sa.func.count()).select_from(limited)
        return Ready((Prepared(statement),), tuple(scope.bound), (), slice(0))

    ready = kept(made).get(key, make)
    return int(reader.scalar(ready.statements[0], values_of(reader, ready, plan.where, environment, asked)))


# ---------------------------------------------------------------- shared with aggregates
def kept(made: EntityTable) -> Lru[Ready]:
    """The entity's compiled questions; they end with the tables they were compiled for."""
    found: Lru[Ready] | None = made.prepared.get("queries")
    if found is None:
        found = made.prepared.setdefault("queries", Lru(KEPT_STATEMENTS))
    return found


def question_of(reader: Reader, made: EntityTable, where: Condition) -> str | bool | None:
    """The search in the index's own words; None: no search; False: it can find nothing."""
    if not where.search.strip():
        return None
    fields = made.search if where.search_fields is None else where.search_fields
    known = [name for name in fields if name in made.search]
    return search.question(reader.dialect, where.search, known) or False


def condition_shape(where: Condition, environment: Environment) -> tuple[object, ...]:
    """What decides a statement's text, apart from the values it binds."""
    hops = None
    if where.hops is not None:
        hops = tuple(
            (prefix, allowed if isinstance(allowed, bool) else shape(allowed, environment)[0])
            for prefix, allowed in sorted(where.hops.items())
        )
    return (
        tuple([shape(expression, environment)[0] for expression in where.predicates]),
        tuple([shape(expression, environment)[0] for expression in where.rules]),
        hops,
        where.deleted,
        None if where.ids is None else True,
    )


def conditions_of(
    scope: Scope, where: Condition, searching: bool, *, in_order: bool | None = None
) -> list[sa.ColumnElement[bool]]:
    """The WHERE of a question; joins it needs are added to the scope. `in_order`: see `search.matches`."""
    made = scope.made
    found: list[sa.ColumnElement[bool]] = [
        made.deleted_at.is_not(None) if where.deleted else made.deleted_at.is_(None)
    ]
    trusted = scope.trusted(made, made.table.c)
    rules = [scope.condition(("rule", at), rule, trusted) for at, rule in enumerate(where.rules)]
    asked = [scope.condition(("predicate", at), one, scope.asked) for at, one in enumerate(where.predicates)]
    if scope.dialect == "sqlite" and not searching and any(map(_names_one_value, rules)):
        asked = [
            one.is_(sa.true()) for one in asked
        ]  # looked at in the rows of the rule's index, never by its own
    found += rules + asked
    if searching:
        found.append(
            search.matches(made, scope.dialect, sa.bindparam("search", type_=sa.Text()), in_order=in_order)
        )
    if where.ids is not None:
        found.append(_among(made, scope.dialect))
    return found


def _names_one_value(rule: sa.ColumnElement[bool]) -> bool:
    """Whether a rule holds for one value (my own): it leaves few rows, which SQLite, without statistics, can't know."""
    return getattr(rule, "operator", None) is operator.eq


def _among(made: EntityTable, dialect: str) -> sa.ColumnElement[bool]:
    if dialect == "sqlite":
        given = sa.func.json_each(sa.bindparam("ids", type_=sa.Text())).table_valued("value")
        return made.table.c.id.in_(sa.select(given.c.value))
    listed = sa.cast(sa.bindparam("ids", type_=sa.types.NullType()), sa.ARRAY(sa.Text()))
    return made.table.c.id == sa.func.any(listed)


def values_of(
    reader: Reader, ready: Ready, where: Condition, environment: Environment, asked: str | bool | None
) -> dict[str, Any]:
    """Everything a question binds, but for its limit and its place."""
    given = ready.params(where, environment)
    if isinstance(asked, str):
        given["search"] = asked
    if where.ids is not None:
        ids = list(where.ids)
        given["ids"] = orjson.dumps(ids).decode() if reader.dialect == "sqlite" else ids
    return given


# ---------------------------------------------------------------- pages
def _is_kept_in_order(made: EntityTable, plan: Plan) -> bool:
    """Whether an index begins with the plan's first sort key."""
    first = plan.sort[0].path if plan.sort else ()
    return len(first) == 1 and any(
        next(iter(index.columns)).name == made.columns[first[0].id][0].name for index in made.table.indexes
    )


def _kinds(plan: Plan) -> list[type]:
    kinds: list[type] = []
    for key in plan.sort:
        primitive = key.path[-1].codec.columns[0].primitive.value
        kinds.append(int if primitive in ("integer", "instant", "boolean") else str)
    return [*kinds, str]


def _compile_page(
    reader: Reader,
    model: Model,
    plan: Plan,
    environment: Environment,
    pattern: keyset.Pattern | None,
    *,
    in_order: bool | None,
) -> Ready:
    made = model.tables.entity(plan.entity.ref)
    scope = Scope(model.tables, made, reader.dialect, environment, plan.where.hops)
    selected: list[sa.ColumnElement[Any]] = [made.table.c.id, made.table.c.version]
    spans = []
    for path in plan.columns:
        columns = scope.columns(path)
        spans.append(slice(len(selected), len(selected) + len(columns)))
        selected.extend(columns)
    keys = [
        keyset.Key(
            scope.columns(key.path)[0], key.descending, len(key.path) > 1 or key.path[0].id not in NEVER_NULL
        )
        for key in plan.sort
    ]
    keys.append(keyset.Key(made.table.c.id, keys[-1].descending if keys else False, nullable=False))
    sort_span = slice(len(selected), len(selected) + len(keys))
    selected.extend(key.column for key in keys)
    conditions = conditions_of(scope, plan.where, bool(plan.where.search.strip()), in_order=in_order)
    statements = [
        sa.select(*_labelled(selected))
        .select_from(scope.source)
        .where(*conditions, segment)
        .order_by(*[MissingSmallest(key.column, descending=key.descending) for key in keys])
        .limit(sa.bindparam("limit", type_=sa.BigInteger()))
        for segment in keyset.segments(keys, pattern)
    ]
    return Ready(tuple(map(Prepared, statements)), tuple(scope.bound), tuple(spans), sort_span)


def _labelled(columns: Sequence[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    """Each column under a name of its own, so that one asked for twice comes twice."""
    return [column.label(f"v{at}") for at, column in enumerate(columns)]
