"""A list page put together: what the database found, in words, with the addresses that lead on from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from dacheng.metadata.definition import Field, ListView
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Marks, Setting
from dacheng.runtime.web.fields.choice import select_control
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.list_state import OWN, ListState
from dacheng.runtime.web.view.table import Heading, Table, resolve

COUNT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head on this page; `sorted` is ascending, descending or empty."""

    label: str
    numeric: bool
    href: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Quick:
    """A quick filter: one select over a field's values."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class Building:
    """The condition being built: its field, the operators offered, the control for the value."""

    field: str
    label: str
    operators: tuple[tuple[str, str], ...]
    control: str
    back: str


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands where no row does."""

    title: str
    hint: str
    icon: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Page):
    """Everything the list's template shows; `rows` is HTML made by the prepared table."""

    entity: str
    path: str
    view: str
    view_id: str
    views: tuple[Link, ...]
    q: str
    kept: tuple[tuple[str, str], ...]
    all_kept: tuple[tuple[str, str], ...]
    quick: tuple[Quick, ...]
    sorts: tuple[tuple[str, str], ...]
    sort: str
    fields: tuple[Link, ...]
    building: Building | None
    chips: tuple[filters.Chip, ...]
    bare: str
    heads: tuple[Head, ...]
    rows: Markup
    count: str
    first: str
    next: str
    empty: Empty
    new: str
    export: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the database answered for one page of a list."""

    ids: list[str]
    rows: Sequence[Sequence[Any]]
    next: str
    count: int
    titles: dict[str, str]
    quick: dict[str, list[tuple[str, str]]]


def list_page(
    work: Work,
    policy: EntityPolicy,
    views: tuple[ListView, ...],
    view: ListView | None,
    table: Table,
    state: ListState,
    setting: Setting,
    found: Found,
) -> ListPage:
    """The page for one answer of the database; `view` None is the generated list of all records."""
    say, locale, labels = setting.say, setting.locale, setting.labels
    entities = labels.entity(locale, policy.entity, "plural")
    entity = labels.entity(locale, policy.entity)
    names = [
        Link(
            labels.text(locale, policy.entity.app, f"list:{one.id}"),
            ListState(state.path, view=one.id).href(),
            key=one.id,
        )
        for one in views
    ]
    view_name = next(
        (link.label for link in names if view is not None and link.key == view.id), say("list.all")
    )
    chips = _chips(work, policy, state, setting, found.titles, view)
    new = f"{state.path}/new" if policy.may("create") else ""
    return ListPage(
        title=entities,
        current=policy.entity.ref,
        crumbs=(Link(labels.text(locale, policy.entity.app, "app"), ""),),
        entity=entity,
        path=state.path,
        view=view_name,
        view_id=view.id if view is not None else "",
        views=tuple(names),
        q=state.q,
        kept=tuple(
            pair for pair in state.pairs() if pair[0] in ("view", "filter") or _is_chip(pair[0], view)
        ),
        all_kept=tuple(state.pairs()),
        quick=_quick(policy, view, state, setting, found),
        sorts=_sorts(table, state, setting),
        sort=state.sort,
        fields=tuple(_builder_links(policy, state, setting)),
        building=_building(work, policy, state, setting, found),
        chips=chips,
        bare=ListState(state.path, view=state.view).href(),
        heads=tuple(_head(heading, state, view) for heading in table.headings),
        rows=drawn(map(table.row, found.ids, found.rows)),
        count=_count(found.count, setting),
        first=state.href() if state.cursor else "",
        next=state.href(cursor=found.next) if found.next else "",
        empty=_empty(policy, state, view, entities, entity, new, setting),
        new=new,
        export=_export(state) if policy.export else "",
    )


def _is_chip(name: str, view: ListView | None) -> bool:
    """Whether an equality stands as a chip: those with a select of their own are sent by the select."""
    return name not in OWN and (view is None or name not in view.filters)


def _chips(
    work: Work,
    policy: EntityPolicy,
    state: ListState,
    setting: Setting,
    titles: dict[str, str],
    view: ListView | None,
) -> tuple[filters.Chip, ...]:
    def find(path: tuple[str, ...]) -> Field | None:
        return resolve(work.policy, policy, path)

    parts = filters.conditions(state.filter)
    chips = [
        filters.Chip(
            filters.sentence(part, find, setting, titles),
            state.href(filter=filters.joined([*parts[:at], *parts[at + 1 :]])),
        )
        for at, part in enumerate(parts)
    ]
    for name, text in state.equals:
        if _is_chip(name, view):
            sentence = filters.sentence({"==": [{"var": name}, text]}, find, setting, titles)
            chips.append(filters.Chip(sentence, state.href(equals=state.without(name))))
    return tuple(chips)


def _quick(
    policy: EntityPolicy, view: ListView | None, state: ListState, setting: Setting, found: Found
) -> tuple[Quick, ...]:
    shown, held = [], dict(state.equals)
    for name in view.filters if view is not None else ():
        field = policy.readable.get(name)
        if field is None:
            continue
        if field.view == "choice":
            pairs = [(o.id, setting.labels.option(setting.locale, field, o.id)) for o in field.options]
        elif name in found.quick:
            pairs = list(found.quick[name])
        else:
            continue
        chosen = held.get(name, "")
        if chosen and all(value != chosen for value, _ in pairs):
            pairs.append((chosen, found.titles.get(chosen) or setting.say("field.unseen")))
        label = setting.labels.field(setting.locale, field)
        any_value = ("", setting.say("list.any", field=label))
        shown.append(Quick(name, label, (any_value, *pairs), chosen))
    return tuple(shown)


def _sorts(table: Table, state: ListState, setting: Setting) -> tuple[tuple[str, str], ...]:
    pairs = [("", setting.say("list.sort_default"))]
    for heading in table.headings:
        if heading.sort:
            pairs.append((heading.sort, setting.say("list.ascending", field=heading.label)))
            pairs.append((f"-{heading.sort}", setting.say("list.descending", field=heading.label)))
    if all(value != state.sort for value, _ in pairs):
        pairs.append((state.sort, setting.say("list.sort_by")))
    return tuple(pairs)


def _builder_links(policy: EntityPolicy, state: ListState, setting: Setting) -> list[Link]:
    return [
        Link(setting.labels.field(setting.locale, field), state.href(build=field.id), key=field.id)
        for field in policy.readable.values()
        if filters.operators_of(field) and field.id != "id" and not field.spec.get("x-hidden")
    ]


def _building(
    work: Work, policy: EntityPolicy, state: ListState, setting: Setting, found: Found
) -> Building | None:
    field = policy.readable.get(state.build)
    if field is None or not filters.operators_of(field):
        return None
    pairs = [(one, setting.say(filters.operator_key(field, one))) for one in filters.operators_of(field)]
    make = select_control if field.view == "choice" else view_of(field).control
    control = make(replace(field, required=False), setting, "f-value", "f-value")
    marks = Marks(choices={field.to or "": found.quick.get("", [])})
    return Building(
        field.id,
        setting.labels.field(setting.locale, field),
        tuple(pairs),
        drawn(control({}, marks)),
        state.href(),
    )


def _head(heading: Heading, state: ListState, view: ListView | None) -> Head:
    first = state.sort.split(",")[0]
    if not first and view is not None and view.sort:
        first = ("-" if view.sort[0].descending else "") + ".".join(view.sort[0].path)
    now = "ascending" if first == heading.sort else "descending" if first == f"-{heading.sort}" else ""
    if not heading.sort:
        return Head(heading.label, heading.numeric, "", "")
    wanted = heading.sort if now == "descending" or (not now and not heading.numeric) else f"-{heading.sort}"
    return Head(heading.label, heading.numeric, state.href(sort=wanted), now)


def _count(count: int, setting: Setting) -> str:
    if count > COUNT_LIMIT:
        return setting.say("list.count_over", shown=f"{COUNT_LIMIT:,}")
    return setting.say("list.count", count=count, shown=f"{count:,}")


def _empty(
    policy: EntityPolicy,
    state: ListState,
    view: ListView | None,
    entities: str,
    entity: str,
    new: str,
    setting: Setting,
) -> Empty:
    say = setting.say
    if state.q or state.filter is not None or state.equals:
        clear = Link(say("list.clear"), ListState(state.path, view=state.view).href())
        return Empty(say("list.nothing"), say("list.nothing_hint"), "filter", (clear,))
    if view is not None and view.filter is not None:
        return Empty(say("list.empty_view"), say("list.empty_hint"), "list")
    links = (Link(say("list.new", entity=entity), new),) if new else ()
    return Empty(say("list.empty", entities=entities), say("list.empty_hint"), policy.entity.icon, links)


def _export(state: ListState) -> str:
    return replace(state, path=f"{state.path}/export.csv").href()
