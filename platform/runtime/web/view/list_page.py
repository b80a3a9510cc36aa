"""A list page put together: what the database found, in words, with the addresses that lead on from here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from html import escape
from typing import Any

from markupsafe import Markup

from dacheng.metadata.definition import Field, ListView
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Choices, Marks, Setting, select, symbol
from dacheng.runtime.web.markup import NOTHING, drawn
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import macros
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.board import Board
from dacheng.runtime.web.view.calendar import Calendar
from dacheng.runtime.web.view.chosen import Chosen, Known
from dacheng.runtime.web.view.filter_form import operator_options
from dacheng.runtime.web.view.filter_words import sentence
from dacheng.runtime.web.view.list_state import OWN, PLACES, Leads, ListState
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.setting import view_key
from dacheng.runtime.web.view.table import Heading, Table, resolve
from dacheng.runtime.web.view.view_menu import (
    ColumnPick,
    ViewMenu,
    Ways,
    column_pick,
    kinds_offered,
    tabs,
    view_menu,
    ways,
)

COUNT_LIMIT = 10_000
COUNT_FEWER = 1_000  # where no index counts: words searched for, several conditions
KEPT = ("view", "filter", "show-as", "show-on", "group-by")  # what the search form sends along
SCRIPTS = ("list.js", "cells.js", "board.js")
LEADS = tuple(each.name for each in fields(Leads))
_builders: Prepared[tuple[tuple[str, str], ...]] = Prepared(256)


@dataclass(frozen=True, slots=True)
class Building:
    """The condition being built: its field, the operators offered, the control for the value."""

    field: str
    label: str
    operators: Markup
    control: str
    back: str


@dataclass(frozen=True, slots=True)
class Empty:
    """What stands where no row does."""

    title: str
    hint: str
    icon: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Panels:
    """What stands around the rows and is the same for every page of a list, but for where its links begin.

    `fields` are the links of the fields a condition can be put on, `heads` the table's head.
    """

    views: tuple[Link, ...]
    columns: ColumnPick
    ways: Ways
    fields: Markup
    heads: Markup
    exports: tuple[tuple[str, str, str], ...]  # (form, part, words)


HOLES = ("q", "count", "first", "next", "groups")
DRAWN = ("kept", "quick", "sort_pick", "chips", "rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Page):
    """Everything the list's template shows.

    `rows` is HTML made by the prepared table; `quick` the selects of the quick filters, `sort_pick` that of
    the order, `kept` what the search form sends along, `chips` the conditions that hold. `panels` draws what
    stands around them from the beginnings of its links; `form` names all it is made of.
    """

    entity: str
    path: str
    view: str
    view_id: str
    form: Hashable
    leads: Leads
    panels: Callable[[Leads], Panels]
    menu: ViewMenu
    board: Board | None
    calendar: Calendar | None
    may_set: bool
    may_delete: bool
    q: str
    kept: Markup
    all_kept: Markup
    quick: Markup
    sort_pick: Markup
    groups: str  # where the whole filter is put together
    building: Building | None
    chips: Markup
    rows: Markup
    count: str
    first: str
    next: str
    empty: Empty | None
    new: str

    def mould(self) -> Hashable | None:
        """The list as a table with rows in it; what is seldom asked for is drawn anew."""
        if self.empty is not None or self.building or self.board or self.calendar:
            return None
        menu = replace(self.menu, state="")
        return self.form, menu, self.first == "", self.next == ""

    def hollow(self, hole: Callable[[str], str]) -> ListPage:
        """The page without its rows, conditions and addresses."""
        holes: dict[str, Any] = {
            name: hole(name) for name in HOLES if name in ("q", "count") or getattr(self, name)
        }
        holes |= {name: drawn(hole(name)) for name in DRAWN}
        leads = Leads(**{each: hole(f"lead{each}") for each in LEADS})
        return replace(self, **holes, leads=leads, menu=replace(self.menu, state=leads.state))

    def filling(self) -> Mapping[str, str]:
        """Texts and addresses escaped, what was drawn as it is."""
        filling: dict[str, str] = {name: escape(getattr(self, name)) for name in HOLES}
        filling |= {name: getattr(self, name) for name in DRAWN}
        for each in LEADS:
            filling[f"lead{each}"] = escape(getattr(self.leads, each))
        return filling


@dataclass(frozen=True, slots=True)
class Found:
    """What the database answered for one page of a list."""

    ids: list[str]
    rows: Sequence[Sequence[Any]]
    next: str
    count: int
    titles: dict[str, str]
    quick: dict[str, tuple[tuple[str, str], ...]]
    board: Board | None = None
    calendar: Calendar | None = None
    counted_to: int = COUNT_LIMIT
    groups: Markup = NOTHING


def list_page(
    work: Work,
    policy: EntityPolicy,
    known: Known,
    chosen: Chosen,
    table: Table,
    state: ListState,
    setting: Setting,
    found: Found,
) -> ListPage:
    """The page for one answer of the database."""
    locale, labels, view = setting.locale, setting.labels, chosen.view
    entities = labels.entity(locale, policy.entity, "plural")
    entity, view_name = labels.entity(locale, policy.entity), _name(policy, known, chosen, setting)
    new = f"{state.path}/new" if policy.may("create") and policy.entity.parent is None else ""
    rows, sorted_by = found.groups or drawn(map(table.row, found.ids, found.rows)), _sorted_by(state, view)

    def panels(leads: Leads) -> Panels:
        return Panels(
            views=tabs(known, state, setting),
            columns=column_pick(work, policy, known, chosen, state, setting),
            ways=ways(work, policy, state, leads, setting),
            fields=_builder_links(work, policy, leads, setting),
            heads=_heads(table.headings, sorted_by, leads, setting),
            exports=_exports(setting) if policy.export else (),
        )

    return ListPage(
        title=entities,
        current=policy.entity.ref,
        scripts=SCRIPTS if len(kinds_offered(work, policy)) > 1 else SCRIPTS[:-1],
        crumbs=(Link(labels.text(locale, policy.entity.app, "app"), ""),),
        entity=entity,
        path=state.path,
        view=view_name,
        view_id=chosen.key,
        form=(*view_key(work), *_made_of(policy, known, chosen, state, sorted_by)),
        leads=state.leads(),
        panels=panels,
        menu=view_menu(work, policy, known, chosen, state, view_name),
        board=found.board,
        calendar=found.calendar,
        may_set=policy.may("update"),
        may_delete=policy.may("delete"),
        q=state.q,
        kept=_kept(pair for pair in state.pairs() if pair[0] in KEPT or _is_chip(pair[0], view)),
        all_kept=_kept(state.pairs()) if state.build else NOTHING,
        quick=_quick(policy, view, state, setting, found),
        sort_pick=_sort_pick(table, state, setting),
        groups=replace(state, path=f"{state.path}/filter").href(),
        building=_building(work, policy, state, setting, found),
        chips=_chips(work, policy, state, setting, found.titles, view),
        rows=rows,
        count=_count(found.count, found.counted_to, setting),
        first=state.href() if state.cursor else "",
        next=state.href(cursor=found.next) if found.next else "",
        empty=None if rows else _empty(policy, state, chosen, entities, entity, new, setting),
        new=new,
    )


def _name(policy: EntityPolicy, known: Known, chosen: Chosen, setting: Setting) -> str:
    """What the open view is called."""
    if chosen.saved is not None:
        return chosen.saved.name
    if chosen.key not in [each.id for each in known.lists]:
        return setting.say("list.all")
    return setting.labels.text(setting.locale, known.lists[0].entity.split(".", 1)[0], f"list:{chosen.key}")


def _made_of(
    policy: EntityPolicy, known: Known, chosen: Chosen, state: ListState, sorted_by: str
) -> tuple[Hashable, ...]:
    """What the page is made of besides the definitions: the saved views, columns and order one person has."""
    return (
        policy.entity.ref,
        state.path,
        tuple([(view.id, view.name, view.shared) for view in known.saved]),
        tuple([column.path for column in chosen.view.columns]),
        chosen.own_columns,
        known.choices.density,
        state.group,
        state.build,
        sorted_by,
    )


def _kept(pairs: Iterable[tuple[str, str]]) -> Markup:
    """What a form sends along."""
    return drawn(
        [f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in pairs]
    )


def _is_chip(name: str, view: ListView) -> bool:
    """Whether an equality stands as a chip: those with a select of their own are sent by the select."""
    return name not in OWN and name not in PLACES and name not in view.filters


def _chips(
    work: Work,
    policy: EntityPolicy,
    state: ListState,
    setting: Setting,
    titles: dict[str, str],
    view: ListView,
) -> Markup:
    if state.filter is None and not state.equals:
        return NOTHING

    def find(path: tuple[str, ...]) -> Field | None:
        return resolve(work.policy, policy, path)

    parts = filters.conditions(state.filter)
    chips = [
        filters.Chip(
            sentence(part, find, setting, titles),
            state.href(filter=filters.joined([*parts[:at], *parts[at + 1 :]])),
        )
        for at, part in enumerate(parts)
    ]
    for name, text in state.equals:
        if _is_chip(name, view):
            field = policy.readable.get(name)
            listed = field is not None and field.is_listed
            part = {"in": [text, {"var": name}]} if listed else {"==": [{"var": name}, text]}
            said = sentence(part, find, setting, titles)
            chips.append(filters.Chip(said, state.href(equals=state.without(name))))
    if not chips:
        return NOTHING
    every = replace(state, path=f"{state.path}/filter").href()
    bare = state.href(filter=None, equals=(), q="")
    return drawn(macros(setting.locale).filter_chips(chips, every, bare))  # type: ignore[attr-defined]


def _quick(policy: EntityPolicy, view: ListView, state: ListState, setting: Setting, found: Found) -> Markup:
    shown, held = [], dict(state.equals)
    for name in view.filters:
        field = policy.readable.get(name)
        if field is None:
            continue
        if field.options:
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
        picked = select(name, f"quick-{name}", (any_value, *pairs), chosen, label, setting.icons)
        shown.append(f'<span class="quick">{picked}</span>')
    return drawn(shown)


def _sort_pick(table: Table, state: ListState, setting: Setting) -> Markup:
    pairs = table.sorts
    if all(value != state.sort for value, _ in pairs):
        pairs = (*pairs, (state.sort, setting.say("list.sort_by")))
    label = setting.say("list.sort_by")
    return drawn(select("sort", "sort-pick", pairs, state.sort, label, setting.icons))


def _builder_links(work: Work, policy: EntityPolicy, leads: Leads, setting: Setting) -> Markup:
    offered = _builders.get(
        (*view_key(work), policy.entity.ref), lambda: tuple(_builder_fields(policy, setting))
    )
    lead = f'<li><a class="menu-item" href="{escape(leads.build)}build='
    return drawn(
        [
            f'{lead}{name}" x-target="filter-builder" rel="nofollow">{label}</a></li>'
            for name, label in offered
        ]
    )


def _builder_fields(policy: EntityPolicy, setting: Setting) -> Iterator[tuple[str, str]]:
    """(id, escaped label) of the fields a condition can be put on."""
    for field in policy.readable.values():
        if filters.operators_of(field) and field.id != "id" and not field.spec.get("x-hidden"):
            yield field.id, escape(setting.labels.field(setting.locale, field))


def _building(
    work: Work, policy: EntityPolicy, state: ListState, setting: Setting, found: Found
) -> Building | None:
    field = policy.readable.get(state.build)
    if field is None or not filters.operators_of(field):
        return None
    control = view_of(field).filter_control(replace(field, required=False), setting, "f-value", "f-value")
    marks = Marks(choices={field.to or "": Choices.of(found.quick.get("", ()))})
    return Building(
        field.id,
        setting.labels.field(setting.locale, field),
        operator_options(field, setting),
        drawn(control({}, marks)),
        state.href(),
    )


def _sorted_by(state: ListState, view: ListView) -> str:
    """The order that holds now, as an address says it; empty for none."""
    first = state.sort.split(",")[0]
    if not first and view.sort:
        return ("-" if view.sort[0].descending else "") + ".".join(view.sort[0].path)
    return first


def _heads(headings: Sequence[Heading], sorted_by: str, leads: Leads, setting: Setting) -> Markup:
    return drawn([_head(heading, at, sorted_by, leads, setting) for at, heading in enumerate(headings, 1)])


def _head(heading: Heading, at: int, first: str, leads: Leads, setting: Setting) -> str:
    """A column's head; `first` is the order that holds now."""
    right, label = ' class="right"' if heading.numeric else "", escape(heading.label)
    right += f' data-edits="{heading.edits}"' if heading.edits else ""
    if not heading.sort:
        return f'<th scope="col"{right}>{label}</th>'
    now = "ascending" if first == heading.sort else "descending" if first == f"-{heading.sort}" else ""
    wanted = heading.sort if now == "descending" or (not now and not heading.numeric) else f"-{heading.sort}"
    said = f' aria-sort="{now}"' if now else ""
    sign = symbol(setting.icons, "sort-up" if now == "ascending" else "sort-down") if now else ""
    return (
        f'<th scope="col"{right}{said}><a href="{escape(leads.sort)}sort={wanted}" id="sort-{at}" x-target.push="list"'
        f' rel="nofollow">{label}{sign}</a></th>'
    )


def _count(count: int, limit: int, setting: Setting) -> str:
    if count > limit:
        return setting.say("list.count_over", shown=f"{limit:,}")
    return setting.say("list.count", count=count, shown=f"{count:,}")


def _empty(
    policy: EntityPolicy,
    state: ListState,
    chosen: Chosen,
    entities: str,
    entity: str,
    new: str,
    setting: Setting,
) -> Empty:
    say = setting.say
    if state.q or state.filter is not None or state.equals:
        clear = Link(say("list.clear"), state.href(filter=None, equals=(), q=""))
        return Empty(say("list.nothing"), say("list.nothing_hint"), "filter", (clear,))
    if chosen.narrowed:
        return Empty(say("list.empty_view"), say("list.empty_view_hint"), "list")
    links = (Link(say("list.new", entity=entity), new),) if new else ()
    return Empty(say("list.empty", entities=entities), say("list.empty_hint"), policy.entity.icon, links)


def _exports(setting: Setting) -> tuple[tuple[str, str, str], ...]:
    """What is on screen, in each form; then every field of it, and every record there is."""
    offered = (
        ("xlsx", "shown", "export_shown"),
        ("csv", "shown", "export_shown"),
        ("xlsx", "", "export_fields"),
        ("json", "", "export_fields"),
        ("xlsx", "every", "export_all"),
    )
    names = {"xlsx": "Excel", "csv": "CSV", "json": "JSON"}
    return tuple(
        (kind, part, setting.say(f"list.{words}", form=names[kind])) for kind, part, words in offered
    )
