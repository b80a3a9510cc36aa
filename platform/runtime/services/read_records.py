"""Records as their asker may see them: pages, single records with lines, counts, titles; all through the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate
from dacheng.runtime.services.conditions import surroundings
from dacheng.runtime.services.gate import OutColumn, Query
from dacheng.runtime.services.links import ids_of
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import query, records
from dacheng.runtime.storage.query_plan import Plan, SortKey
from dacheng.runtime.storage.reader import Reader

MAX_TITLES = 1000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page: a row holds stored values laid out as `columns` say; `ids` go with them; `next` None at the end."""

    columns: tuple[OutColumn, ...]
    page: query.Page

    @property
    def rows(self) -> list[Sequence[Any]]:
        """The stored values of each record."""
        return [row[2:] for row in self.page.raw]

    @property
    def next(self) -> str | None:
        """The cursor of the next page."""
        return self.page.next

    @property
    def ids(self) -> list[str]:
        """The records' ids."""
        return self.page.ids

    def json(self) -> list[dict[str, Json]]:
        """One object per record, keyed by the columns' names as asked."""
        return [
            {each.name: each.field.codec.json_stored(row[each.start : each.stop]) for each in self.columns}
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record: typed values of readable fields, its lines by field, titles of what it links to.

    `titles[ref][id]` is the title of a linked record; `unseen` are links that lead to a record the asker
    may not see: their value is None here. `may` are the actions allowed on this very record.
    """

    policy: EntityPolicy
    id: str
    version: int
    values: Mapping[str, Any]
    lines: Mapping[str, tuple[Mapping[str, Any], ...]]
    titles: Mapping[str, Mapping[str, str]]
    unseen: frozenset[str]
    may: frozenset[str]

    def json(self) -> dict[str, Json]:
        """Field → JSON value, lines as lists of objects."""
        fields = self.policy.readable
        out = {name: fields[name].codec.json(value) for name, value in self.values.items()}
        for name, rows in self.lines.items():
            child = fields[name].codec
            out[name] = child.json(rows)
        return out


# ---------------------------------------------------------------- many
def list_page(reader: Reader, work: Work, asked: Query) -> ListPage:
    """One page of records; at most `limit`, in the order asked, ties by id."""
    planned = gate.plan(work, asked)
    page = query.fetch(reader, work.model, planned.plan, surroundings(work.context))
    return ListPage(planned.columns, page)


def count(reader: Reader, work: Work, asked: Query, limit: int | None = None) -> int:
    """How many records the request reaches; with `limit`, counting stops there."""
    planned = gate.plan(work, asked)
    return query.count(reader, work.model, planned.plan, surroundings(work.context), limit)


def visible(reader: Reader, work: Work, ref: str, ids: Sequence[str]) -> set[str]:
    """Which of these records exist and may be seen."""
    return set(_titled(reader, work, ref, ids))


def titles(reader: Reader, work: Work, ref: str, ids: Sequence[str]) -> dict[str, str]:
    """The titles of the records that may be seen; of others nothing. A hidden title reads as empty text."""
    return _titled(reader, work, ref, ids)


def _titled(reader: Reader, work: Work, ref: str, ids: Sequence[str]) -> dict[str, str]:
    policy = work.policy.entity(ref)
    if policy is None or not ids:
        return {}
    columns = () if policy.title is None or not policy.title.codec.columns else ((policy.title,),)
    found: dict[str, str] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), gate.MAX_LIMIT):
        some = tuple(wanted[start : start + gate.MAX_LIMIT])
        plan = Plan(policy.entity, columns, gate.where_of(work, ref, columns, (), some), (), len(some))
        page = query.fetch(reader, work.model, plan, surroundings(work.context))
        for row in page.raw:
            found[row[0]] = _title_text(policy.title, row[page.spans[0]]) if columns and policy.title else ""
    return found


def pick_list(
    reader: Reader, work: Work, ref: str, search: str = "", limit: int = 20, wanted: Json = None
) -> list[tuple[str, str]]:
    """(id, title) of records to choose from, by title; `search` and a filter narrow them. Nothing for an unknown entity."""
    policy = work.policy.entity(ref)
    if policy is None:
        return []
    title, plan = _by_title(work, policy, search, limit, wanted)
    return _titled_pairs(title, query.fetch(reader, work.model, plan, surroundings(work.context)))


def choices(
    reader: Reader, work: Work, ref: str, limit: int, make: Callable[[list[tuple[str, str]]], T]
) -> T:
    """What `make` gives for the first records by title; kept while nobody commits anything.

    `make` must be a function that is always the same one, and look at nothing but the pairs.
    """
    policy = work.policy.entity(ref)
    if policy is None:
        return make([])
    if policy.rows["read"] is True:  # the policy alone decides which records they are
        key = (make, "choices", work.policy.hash, ref, limit)
        return reader.unchanged(key, lambda: make(pick_list(reader, work, ref, "", limit)))
    title, plan = _by_title(work, policy, "", limit)
    made = work.policy.prepared.setdefault(
        ("choices", ref, make), lambda page: make(_titled_pairs(title, page))
    )
    return cast("T", query.fetch_unchanged(reader, work.model, plan, surroundings(work.context), made))


def _by_title(
    work: Work, policy: EntityPolicy, search: str, limit: int, wanted: Json = None
) -> tuple[Field, Plan]:
    ref = policy.entity.ref
    title = policy.title if policy.title is not None and policy.title.codec.columns else policy.readable["id"]
    asked = Query(ref, (title.id,), wanted, search=search, limit=min(limit, gate.MAX_LIMIT))
    planned = gate.plan(work, asked)
    found = Plan(policy.entity, ((title,),), planned.plan.where, (SortKey((title,)),), planned.plan.limit)
    return title, found


def _titled_pairs(title: Field, page: query.Page) -> list[tuple[str, str]]:
    return [(row[0], _title_text(title, row[page.spans[0]])) for row in page.raw]


def _title_text(title: Field, stored: Sequence[Any]) -> str:
    return title.codec.text(title.codec.load(stored))


# ---------------------------------------------------------------- one
@dataclass(frozen=True, slots=True)
class _Shape:
    """What of an entity a policy shows on a record's own page: plain fields, links and lines with where they lead."""

    plain: tuple[str, ...]
    links: tuple[tuple[Field, str], ...]
    lines: tuple[tuple[str, str], ...]


Rows = Sequence[dict[str, Any]]


def get(reader: Reader, work: Work, ref: str, record_id: str) -> RecordView:
    """One living record with its lines; one that does not exist or may not be seen is `record.missing`."""
    policy = work.entity(ref)
    at_hand = AtHand(reader, work.model)
    if not at_hand.sees(work, ref, record_id):
        raise refuse("record.missing")
    everything = at_hand.lookup(ref, record_id) or {}
    shape = _shape(work, policy)
    values = {name: everything.get(name) for name in shape.plain}
    values.update(computed(reader, work, ref, [record_id]).get(record_id, {}))
    lines = {name: _lines(reader, work, child, record_id) for name, child in shape.lines}
    holders: list[tuple[_Shape, Rows]] = [(shape, (values,))]
    for name, child in shape.lines:
        below = work.policy.entity(child)
        if below is not None:
            holders.append((_shape(work, below), lines[name]))
    found = _titles_of(at_hand, work, holders)
    unseen = _take_out_unseen(shape, values, found)
    for each, rows in holders[1:]:
        for row in rows:
            _take_out_unseen(each, row, found)
    subject = at_hand.subject(work, ref, record_id, everything, everything)
    may = frozenset(a for a in ("update", "delete") if at_hand.allows(work, ref, a, subject))
    return RecordView(policy, record_id, everything["version"], values, lines, found, unseen, may)


def _shape(work: Work, policy: EntityPolicy) -> _Shape:
    """The prepared shape, kept with the policy."""
    key = ("read", policy.entity.ref)
    found = work.policy.prepared.get(key)
    if found is None:
        fields = policy.readable.items()
        found = work.policy.prepared[key] = _Shape(
            tuple(name for name, each in fields if not each.is_lines),
            tuple((each, each.to or "") for _, each in fields if each.leads_to_records),
            tuple((name, each.to or "") for name, each in fields if each.is_lines),
        )
    return cast("_Shape", found)


def _lines(reader: Reader, work: Work, ref: str, parent: str) -> tuple[dict[str, Any], ...]:
    policy = work.policy.entity(ref)
    if policy is None:
        return ()
    found = records.load_lines(reader, work.model, ref, [parent]).get(parent, [])
    more = computed(reader, work, ref, [line.id for line in found])
    return tuple(
        {
            **{name: value for name, value in line.values().items() if name in policy.readable},
            **more.get(line.id, {}),
        }
        for line in found
    )


def computed(reader: Reader, work: Work, ref: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By id, the typed values of fields that no column holds: lookups and formulas that ask for the present moment."""
    policy = work.entity(ref)
    names = [name for name, each in policy.readable.items() if each.virtual]
    paths = {name: path for name in names if (path := gate.resolve(work, ref, name)) is not None}
    found: dict[str, dict[str, Any]] = {}
    wanted = list(ids) if paths else []
    for start in range(0, len(wanted), gate.MAX_LIMIT):
        some = tuple(wanted[start : start + gate.MAX_LIMIT])
        columns = tuple(paths.values())
        plan = Plan(policy.entity, columns, gate.where_of(work, ref, columns, (), some), (), len(some))
        page = query.fetch(reader, work.model, plan, surroundings(work.context))
        for row in page.raw:
            cells = zip(paths.items(), page.spans, strict=True)
            found[row[0]] = {name: path[-1].codec.load(row[span]) for (name, path), span in cells}
    return found


def _titles_of(
    at_hand: AtHand, work: Work, holders: Iterable[tuple[_Shape, Rows]]
) -> dict[str, dict[str, str]]:
    """Titles of everything linked from the record and its lines, one query per entity."""
    wanted: dict[str, dict[str, None]] = {}
    for shape, rows in holders:
        for link, target in shape.links:
            for row in rows:
                ids = ids_of(link, row.get(link.id))
                if ids:
                    wanted.setdefault(target, {}).update(dict.fromkeys(ids))
    return {ref: _few_titles(at_hand, work, ref, list(ids)) for ref, ids in wanted.items()}


def _few_titles(at_hand: AtHand, work: Work, ref: str, ids: Sequence[str]) -> dict[str, str]:
    """`titles`; a single record is asked for by its key alone, and the row rule decided here."""
    if len(ids) != 1:
        return titles(at_hand.reader, work, ref, ids)
    policy = work.policy.entity(ref)
    if policy is None or not at_hand.sees(work, ref, ids[0]):
        return {}
    title = policy.title
    if title is None or not title.codec.columns:
        return {ids[0]: ""}
    return {ids[0]: title.codec.text((at_hand.lookup(ref, ids[0]) or {}).get(title.id))}


def _take_out_unseen(
    shape: _Shape, values: dict[str, Any], titled: Mapping[str, Mapping[str, str]]
) -> frozenset[str]:
    unseen = set()
    for link, target in shape.links:
        held, known = values.get(link.id), titled.get(target, {})
        if held is None:
            continue
        if link.is_links:  # how many there are besides is nobody's to know
            values[link.id] = tuple(each for each in held if each in known) or None
        elif held not in known:
            values[link.id] = None
            unseen.add(link.id)
    return frozenset(unseen)
