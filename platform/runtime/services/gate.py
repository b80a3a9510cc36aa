"""The one query gate: names in a request become a plan over fields this actor may see, or a problem.

Hidden and misspelt are the same: whatever is not readable is not known, in filters, sorts, groups,
aggregates, searches, field lists and link paths alike. No read of records goes around this module.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import BOOLEAN, MISSING, Expression, ListOf, RecordOf, Type, check, parse
from dacheng.metadata.kinds import Json
from dacheng.metadata.lookups import spelled_out
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.runtime.services.conditions import CONTEXT_TYPES
from dacheng.runtime.services.links import plain
from dacheng.runtime.services.policy import EntityPolicy, Policy, Rows
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.query_plan import Condition, Path, Plan, SortKey, names

MAX_LINKS = 3
MAX_FIELDS = 80
MAX_SORT = 5
MAX_LIMIT = 500
MAX_SEARCH = 200
MAX_GROUPS = 1000
KEPT_PLANS = 512


@dataclass(frozen=True, slots=True)
class Query:
    """A request for records, in names: `fields` and `sort` are dotted paths (`-` sorts descending), `filter` is JSON.

    No fields means all readable ones that fit a row. `deleted` asks for the recycle bin.
    """

    entity: str
    fields: tuple[str, ...] = ()
    filter: Json = None
    sort: tuple[str, ...] = ()
    search: str = ""
    limit: int = 50
    cursor: str | None = None
    deleted: bool = False
    extra: tuple[Expression, ...] = ()  # conditions of definitions (a list's own filter), already checked

    def kind(self, work: Work) -> Hashable:
        """What requests that take about as long have in common: who asks, which fields they ask by, the order."""
        return (
            work.policy.hash,
            self.entity,
            _asked_by(self.filter),
            self.sort,
            self.search != "",
            self.deleted,
        )


def _asked_by(filter: Json) -> tuple[str, ...]:  # noqa: A002 - the request's own word
    """The field names a filter from outside looks at, as far as they can be told without checking it."""
    if isinstance(filter, Mapping):
        name = filter.get("var")
        return (
            (name,)
            if isinstance(name, str)
            else tuple(n for each in filter.values() for n in _asked_by(each))
        )
    if isinstance(filter, list | tuple):
        return tuple(n for each in filter for n in _asked_by(each))
    return ()


@dataclass(frozen=True, slots=True)
class OutColumn:
    """One column of an answer: its name as asked, its fields, and where its stored values stand in a row.

    Places count stored values from the first column's; `title` is that of a link's title, or -1.
    """

    name: str
    path: Path
    start: int
    stop: int
    title: int = -1

    @property
    def field(self) -> Field:
        """The field at the end of the path."""
        return self.path[-1]


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan for the storage, and how its rows are read."""

    plan: Plan
    columns: tuple[OutColumn, ...]
    policy: EntityPolicy


def plan(work: Work, query: Query) -> Planned:
    """The plan of a request; raises `query.unknown_entity`, or `Refused` with every problem in it."""
    policy = work.entity(query.entity)
    if not 1 <= query.limit <= MAX_LIMIT:
        raise refuse("query.too_much", "/limit", what="limit", count=query.limit, limit=MAX_LIMIT)
    if len(query.search) > MAX_SEARCH:
        raise refuse("query.too_much", "/search", what="search", count=len(query.search), limit=MAX_SEARCH)
    kept = cast("dict[Any, Planned]", work.policy.prepared.setdefault("plans", {}))
    key = (query.entity, query.fields, _text(query.filter), query.sort, query.extra, query.deleted)
    found = kept.get(key)
    if found is None:
        if len(kept) >= KEPT_PLANS:
            kept.clear()
        found = kept[key] = _plan(work, policy, query)
    return replace(found, plan=_this_page(found.plan, policy, query))


def _this_page(made: Plan, policy: EntityPolicy, query: Query) -> Plan:
    where = made.where
    if query.search.strip():
        where = replace(where, search=query.search, search_fields=search_fields(policy))
    return replace(made, where=where, limit=query.limit, after=query.cursor)


def _may_delete(policy: EntityPolicy) -> tuple[Expression, ...]:
    """The recycle bin shows what its reader may delete, and so restore."""
    rule = policy.rows["delete"]
    if rule is False:
        raise refuse("access.not_permitted")
    return () if rule is True else (rule,)


def search_fields(policy: EntityPolicy) -> tuple[str, ...]:
    """The fields a search by this actor looks into."""
    return tuple(name for name, each in policy.readable.items() if each.searchable)


def _text(json: Json) -> bytes | None:
    return None if json is None else orjson.dumps(json, default=_exact)


def _exact(value: object) -> Json:
    return {"number": plain(value)}


def _plan(work: Work, policy: EntityPolicy, query: Query) -> Planned:
    problems: list[Problem] = []
    columns = _columns(work, policy, query.fields, problems)
    sort = _sort(work, policy, query.sort, problems)
    predicates = conditions(work, query.entity, query.filter, query.extra, problems)
    if problems:
        raise Refused(problems)
    out, paths = _laid_out(work, columns)
    where = where_of(work, query.entity, [*paths, *(key.path for key in sort)], predicates)
    if query.deleted:
        where = replace(where, deleted=True, rules=(*where.rules, *_may_delete(policy)))
    made = Plan(policy.entity, tuple(paths), where, sort, query.limit)
    return Planned(made, out, policy)


# ---------------------------------------------------------------- names
def resolve(work: Work, ref: str, path: str) -> Path | None:
    """The fields of a dotted path, each readable where it stands; None when any step is not known here."""
    key = ("path", ref, path)
    found = cast("Path | None", work.policy.prepared.get(key))
    if found is None:
        found = _resolved(work.policy, ref, path.split(".", MAX_LINKS + 2))
        if found is not None:  # only names that exist are kept: what is asked for can be anything
            work.policy.prepared[key] = found
    return found


def _resolved(policy: Policy, ref: str, steps: Sequence[str]) -> Path | None:
    if len(steps) > MAX_LINKS + 1:
        return None
    found: list[Field] = []
    here = policy.entity(ref)
    for step in steps:
        target = here.readable.get(step) if here is not None else None
        if target is None:
            return None
        if target.shows:
            return _through(policy, here, found, target, last=step is steps[-1])
        found.append(target)
        here = policy.entity(target.to) if target.is_link and target.to else None
    return tuple(found)


def _through(
    policy: Policy, here: EntityPolicy | None, before: Sequence[Field], lookup: Field, *, last: bool
) -> Path | None:
    """A path that ends in a lookup goes on to the field it shows, each step readable where it stands."""
    found = list(before)
    for step in lookup.shows:
        target = here.readable.get(step.id) if here is not None else None
        if target is None:
            return None
        found.append(target)
        here = policy.entity(target.to) if target.is_link and target.to else None
    return tuple(found) if last and len(found) <= MAX_LINKS + 1 else None


def known(work: Work, ref: str, path: str, pointer: str) -> Path:
    """The fields of a dotted path, or `query.unknown_field`."""
    found = resolve(work, ref, path)
    if found is None:
        raise refuse("query.unknown_field", pointer, name=path)
    return found


def _columns(
    work: Work, policy: EntityPolicy, names: Sequence[str], problems: list[Problem]
) -> list[tuple[str, Path]]:
    if len(names) > MAX_FIELDS:
        problems.append(
            problem("query.too_much", "/fields", what="fields", count=len(names), limit=MAX_FIELDS)
        )
        return []
    if not names:
        every = [(name, (each,)) for name, each in policy.readable.items() if each.codec.columns]
        return [
            (name, (resolve(work, policy.entity.ref, name) or own) if own[0].shows else own)
            for name, own in every
        ]
    found = []
    for index, name in enumerate(names):
        path = resolve(work, policy.entity.ref, name)
        if path is None or not path[-1].codec.columns:
            problems.append(problem("query.unknown_field", f"/fields/{index}", name=name))
        else:
            found.append((name, path))
    return found


def _sort(
    work: Work, policy: EntityPolicy, names: Sequence[str], problems: list[Problem]
) -> tuple[SortKey, ...]:
    if len(names) > MAX_SORT:
        problems.append(problem("query.too_much", "/sort", what="sort", count=len(names), limit=MAX_SORT))
        return ()
    keys = []
    for index, name in enumerate(names):
        path = resolve(work, policy.entity.ref, name.removeprefix("-"))
        if path is None or not path[-1].codec.columns:
            problems.append(problem("query.unknown_field", f"/sort/{index}", name=name.removeprefix("-")))
        elif not path[-1].sortable:
            problems.append(problem("query.not_sortable", f"/sort/{index}", name=name.removeprefix("-")))
        else:
            keys.append(SortKey(_by_title(work, path), name.startswith("-")))
    return tuple(keys)


def _by_title(work: Work, path: Path) -> Path:
    """A link sorts by its record's title where that may be read, so that people find what they see."""
    last = path[-1]
    if not last.leads_to_records or len(path) > MAX_LINKS:
        return path
    target = work.policy.entity(last.to or "")
    title = target.title if target is not None else None
    return (*path, title) if title is not None and title.codec.columns else path


# ---------------------------------------------------------------- conditions
def conditions(
    work: Work, ref: str, raw: Json, extra: Iterable[Expression], problems: list[Problem]
) -> tuple[Expression, ...]:
    """The filter from outside and the conditions of the definitions it comes with, all checked for this actor."""
    found = [condition(work, ref, raw, problems)]
    found += [_of_definition(work, ref, each, problems) for each in extra]
    return tuple(each for each in found if each is not None)


def condition(work: Work, ref: str, raw: Json, problems: list[Problem]) -> Expression | None:
    """A filter from outside, checked against what the actor may see."""
    if raw is None:
        return None
    try:
        node = parse(raw, operators=work.kinds.operators)
        node = spelled_out(node, ref, lambda each: _readable(work.policy, each))
        found = check(node, scope_of(work.policy, ref), CONTEXT_TYPES)
    except Refused as refused:
        problems.extend(each.at("/filter") for each in refused.problems)
        return None
    if found.type not in (BOOLEAN, MISSING):
        problems.append(problem("query.filter_not_condition", "/filter"))
    for path in found.dependencies:
        links = len(path) - 1 - (path[-1] in ("id", "currency", "amount"))
        if not path[0].startswith("$") and links > MAX_LINKS:
            problems.append(problem("query.too_much", "/filter", what="links", count=links, limit=MAX_LINKS))
    return found


def _readable(policy: Policy, ref: str) -> Mapping[str, Field]:
    here = policy.entity(ref)
    return here.readable if here is not None else {}


def scope_of(policy: Policy, ref: str) -> RecordOf:
    """The record type of an entity, cut down to what this policy shows; links lead on the same way."""
    key = ("scope", ref)
    found = policy.prepared.get(key)
    if found is None:
        here = policy.entities[ref]
        found = policy.prepared[key] = replace(here.entity.scope, fields=_Shown(policy, here))
    return cast("RecordOf", found)


@dataclass(frozen=True, slots=True)
class _Shown:
    """field id → type, for readable fields alone."""

    policy: Policy
    here: EntityPolicy

    def __call__(self, name: str) -> Type | None:
        target = self.here.readable.get(name)
        kind = self.here.entity.scope.fields(name) if target is not None else None
        if target is None or kind is None or target.to is None:
            return kind
        if self.policy.entity(target.to) is None:
            return None
        if target.is_links:
            return kind
        inner = scope_of(self.policy, target.to)
        return ListOf(inner) if target.is_lines else inner


def _of_definition(work: Work, ref: str, given: Expression, problems: list[Problem]) -> Expression | None:
    """A definition's own condition, when the actor may read all it looks at; otherwise the view is not known."""
    try:
        return check(given.node, scope_of(work.policy, ref), CONTEXT_TYPES)
    except Refused:
        problems.append(problem("query.unknown_view"))
        return None


# ---------------------------------------------------------------- what the storage is told
def where_of(
    work: Work,
    ref: str,
    paths: Iterable[Path],
    predicates: tuple[Expression, ...] = (),
    ids: tuple[str, ...] | None = None,
) -> Condition:
    """The actor's row rule, what is asked for, and how far each link on the way may be followed."""
    policy = work.entity(ref)
    if policy.rows["read"] is False:
        raise refuse("query.unknown_entity")
    rules = (policy.row_rule,) if policy.row_rule is not None else ()
    steps = {names(path) for path in paths}
    for predicate in predicates:
        steps.update(path for path in predicate.dependencies if not path[0].startswith("$"))
    return Condition(predicates, rules, _hops(work, policy, steps), ids=ids)


def _hops(
    work: Work, policy: EntityPolicy, steps: Iterable[tuple[str, ...]]
) -> Mapping[tuple[str, ...], Rows]:
    """Each link followed, with the row rule of the entity it leads to."""
    found: dict[tuple[str, ...], Rows] = {}
    for path in steps:
        here: EntityPolicy | None = policy
        for index, step in enumerate(path):
            target = here.readable.get(step) if here is not None else None
            if target is None or not target.leads_to_records or target.to is None:
                break
            here = work.policy.entity(target.to)
            found[path[: index + 1]] = here.rows["read"] if here is not None else False
    return found


def _laid_out(work: Work, columns: Sequence[tuple[str, Path]]) -> tuple[tuple[OutColumn, ...], list[Path]]:
    """Where each column's stored values will stand; a link is followed by its record's title."""
    out: list[OutColumn] = []
    paths: list[Path] = []
    at = 0
    for name, path in columns:
        start, stop = at, at + len(path[-1].codec.columns)
        paths.append(path)
        at, title = stop, -1
        longer = _by_title(work, path)
        if longer is not path:
            paths.append(longer)
            title, at = at, at + len(longer[-1].codec.columns)
        out.append(OutColumn(name, path, start, stop, title))
    return tuple(out), paths
